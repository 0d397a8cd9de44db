// Loads and stores through translation: TLB, walk, PMP, RAM or bus.
//
// Every function here may raise; callers look at `fault.pending`.

import { keepCodeApart } from "./code_pages";
import { Hart } from "./hart_state";
import {
  ACCESS_EXECUTE, ACCESS_READ, ACCESS_WRITE, pending, raiseAccess, reportAsStore, setAccessStart,
} from "./fault";
import {
  ensurePresent, isRam, isRom, notePage, physicalAt, ramPointer, readBus, romPointer, writeBus,
} from "./physical";
import { pmpAllows, pmpPageIsUniform } from "./pmp";
import {
  contextMode, fillEntry, fillMmioEntry, recallEntry, MODE_PRV, MODE_V, tlbEntry,
} from "./tlb";
import { TLB_GUARDED, TLB_MMIO } from "./layout";
import { leafBits, physicalAddress, walk } from "./walk";
import { machine } from "./machine_state";

/** Physical address of the access when `locate` answers 0 without raising: it is the bus's. */
let busAddress: u64 = 0;

const PHYSICAL_LIMIT_BITS: u64 = 56;

/** The first use of a guarded entry (tlb.ts). */
function openGuarded(e: usize, va: u64, access: u32): usize {
  const pointer = <usize>(<u32>va + load<u32>(e, 8));
  const pa = physicalAt(pointer);
  ensurePresent(pa);
  notePage(pa, access);
  store<u64>(e, va & ~0xfff);
  return pointer;
}

/**
 * Finds where `sizeBytes` at `va` lie (within one page). Answers an address in linear memory, or 0 if
 * the access is for the bus or has raised.
 */
function locate(h: Hart, context: usize, va: u64, sizeBytes: u32, access: u32, hlvx: bool): usize {
  if (!hlvx) { // HLVX asks another permission than the read TLB grants
    const e = tlbEntry(context, access, va);
    const page = va & ~0xfff;
    if ((load<u64>(e) ^ va) >> 12) recallEntry(context, access, va);
    const tag = load<u64>(e);
    if (tag == page) return <usize>(<u32>va + load<u32>(e, 8));
    if (tag == (page | TLB_GUARDED)) return openGuarded(e, va, access);
    if (tag == (page | TLB_MMIO)) {
      busAddress = (<u64>load<u32>(e, 12) << 12) | (va & 0xfff);
      return 0;
    }
  }
  if (!walk(h, context, va, access, hlvx)) return 0;
  const pa = physicalAddress;
  const mode = contextMode(context);
  const virt = (mode & MODE_V) != 0;
  if (pa >> PHYSICAL_LIMIT_BITS || !pmpAllows(h, pa, sizeBytes, access, mode & MODE_PRV)) {
    raiseAccess(access, va, virt);
    return 0;
  }
  const cacheable = !hlvx && pmpPageIsUniform(h, pa);
  if (isRam(pa, sizeBytes)) {
    const pointer = ramPointer(pa);
    ensurePresent(pa);
    keepCodeApart(pa, access);
    notePage(pa, access);
    if (cacheable) fillEntry(context, access, va, pointer, leafBits);
    return pointer;
  }
  if (access != ACCESS_WRITE && isRom(pa, sizeBytes)) {
    const pointer = romPointer(pa);
    if (cacheable) fillEntry(context, access, va, pointer, leafBits);
    return pointer;
  }
  if (access == ACCESS_EXECUTE) {
    raiseAccess(access, va, virt);
    return 0;
  }
  if (cacheable) fillMmioEntry(context, access, va, pa, leafBits);
  busAddress = pa;
  return 0;
}

// @ts-ignore: decorator
@inline
function crossesPage(va: u64, sizeBytes: u32): bool {
  return (<u32>va & 0xfff) + sizeBytes > 0x1000;
}

function loadWithin(pointer: usize, sizeBytes: u32): u64 {
  switch (sizeBytes) {
    case 1: return load<u8>(pointer);
    case 2: return load<u16>(pointer);
    case 4: return load<u32>(pointer);
    default: return load<u64>(pointer);
  }
}

function storeWithin(pointer: usize, sizeBytes: u32, value: u64): void {
  switch (sizeBytes) {
    case 1: store<u8>(pointer, <u8>value); break;
    case 2: store<u16>(pointer, <u16>value); break;
    case 4: store<u32>(pointer, <u32>value); break;
    default: store<u64>(pointer, value);
  }
}

function isVirtual(context: usize): bool {
  return (contextMode(context) & MODE_V) != 0;
}

/** Loads `sizeBytes` (1, 2, 4, 8) zero-extended. */
export function loadFrom(h: Hart, context: usize, va: u64, sizeBytes: u32, hlvx: bool): u64 {
  setAccessStart(va);
  if (crossesPage(va, sizeBytes)) {
    // Misaligned across pages: byte by byte; the fault names the first byte that fails.
    let value: u64 = 0;
    for (let i: u32 = 0; i < sizeBytes; i++) {
      const p = locate(h, context, va + i, 1, ACCESS_READ, hlvx);
      if (p == 0) {
        if (!pending) raiseAccess(ACCESS_READ, va + i, isVirtual(context)); // no split accesses to devices
        return 0;
      }
      value |= <u64>load<u8>(p) << <u64>(i << 3);
    }
    return value;
  }
  const pointer = locate(h, context, va, sizeBytes, ACCESS_READ, hlvx);
  if (pointer) return loadWithin(pointer, sizeBytes);
  if (pending) return 0;
  if ((<u32>va & (sizeBytes - 1)) != 0 || !readBus(h.hartId, busAddress, sizeBytes)) {
    raiseAccess(ACCESS_READ, va, isVirtual(context));
    return 0;
  }
  return machine().ioValue;
}

/** Stores the low `sizeBytes` of `value`. Nothing is written if any part faults. */
export function storeTo(h: Hart, context: usize, va: u64, sizeBytes: u32, value: u64): void {
  setAccessStart(va);
  if (crossesPage(va, sizeBytes)) {
    for (let i: u32 = 0; i < sizeBytes; i++) {
      if (locate(h, context, va + i, 1, ACCESS_WRITE, false) == 0) {
        if (!pending) raiseAccess(ACCESS_WRITE, va + i, isVirtual(context));
        return;
      }
    }
    for (let i: u32 = 0; i < sizeBytes; i++) {
      store<u8>(locate(h, context, va + i, 1, ACCESS_WRITE, false), <u8>(value >> <u64>(i << 3)));
    }
    return;
  }
  const pointer = locate(h, context, va, sizeBytes, ACCESS_WRITE, false);
  if (pointer) {
    storeWithin(pointer, sizeBytes, value);
    return;
  }
  if (pending) return;
  if ((<u32>va & (sizeBytes - 1)) != 0 || !writeBus(h.hartId, busAddress, sizeBytes, value)) {
    raiseAccess(ACCESS_WRITE, va, isVirtual(context));
  }
}

/**
 * Finds RAM for an atomic or cache-block access (aligned, so within a page). Devices take no atomics:
 * an access fault. Answers 0 if it raised.
 */
export function locateRam(h: Hart, context: usize, va: u64, sizeBytes: u32, access: u32): usize {
  setAccessStart(va);
  const pointer = locate(h, context, va, sizeBytes, access, false);
  if (pointer == 0 && !pending) raiseAccess(access, va, isVirtual(context));
  return pointer;
}

/** Finds the linear-memory address of code at `va`; 0 if it raised. */
export function locateCode(h: Hart, va: u64): usize {
  setAccessStart(va);
  return locate(h, <usize>h.fetchContext, va, 2, ACCESS_EXECUTE, false);
}

/** Whether the last fetch may be repeated from the same page without asking again. */
export function isCodePageCached(h: Hart, va: u64): bool {
  return load<u64>(tlbEntry(<usize>h.fetchContext, ACCESS_EXECUTE, va)) == (va & ~0xfff);
}

/**
 * Checks that a cache-block operation may read at `va`. Outside RAM there is nothing that could be cached:
 * an access fault, as of a store (CMO, "Memory Access Faults").
 */
export function probeBlock(h: Hart, va: u64): void {
  setAccessStart(va);
  const context = <usize>h.dataContext;
  if (locate(h, context, va, 1, ACCESS_READ, false) == 0 && !pending) {
    raiseAccess(ACCESS_READ, va, isVirtual(context));
  }
  reportAsStore();
}
