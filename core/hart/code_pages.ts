// Pages that hold code.

import { ACCESS_EXECUTE, ACCESS_READ, ACCESS_WRITE } from "./fault";
import { dropCode } from "./code_entries";
import { dropDecodedPage } from "./decoded_pages";
import { PAGE_CODE, PAGE_WRITABLE } from "./layout";
import { machine } from "./machine_state";
import { pageFlags, ramPointer, setPageFlags } from "./physical";
import { dropPhysicalPage } from "./tlb";

/**
 * A page is in execute TLBs or in write TLBs, never both, so that code which is written is noticed by a
 * TLB miss: that is when translated code of the page is dropped. Done whether or not code is translated,
 * as the guest can see when page-table walks happen (A and D bits).
 */
export function keepCodeApart(pa: u64, access: u32): void {
  if (access == ACCESS_READ) return;
  const flags = pageFlags(pa);
  if (access == ACCESS_EXECUTE) {
    if (flags & PAGE_WRITABLE) {
      setPageFlags(pa, flags & ~PAGE_WRITABLE);
      dropPhysicalPage(ACCESS_WRITE, ramPointer(pa));
    }
    return;
  }
  if (flags & PAGE_CODE) {
    dropPhysicalPage(ACCESS_EXECUTE, ramPointer(pa));
    dropDecodedPage(ramPointer(pa));
    dropCode(ramPointer(pa) & ~0xfff);
    machine().attention = 1; // whatever runs on this page is to start over
  }
  setPageFlags(pa, (flags & ~PAGE_CODE) | PAGE_WRITABLE);
}
