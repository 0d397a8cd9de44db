// Physical memory: RAM in linear memory, everything else through the bus in TypeScript.

import { Machine, machine } from "./machine_state";
import {
  PAGE_ABSENT, PAGE_CODE, PAGE_DIRTY, PAGE_FLAGS_BASE, PAGE_TOUCHED, RAM_OFFSET, ROM_OFFSET,
} from "./layout";
import { ACCESS_EXECUTE, ACCESS_WRITE } from "./fault";

// The bus. The address is in Machine.ioAddress, the value in Machine.ioValue; false is an access fault.
// @ts-ignore: decorator
@external("bus", "read")
declare function busRead(hartId: u32, widthBytes: u32): bool;
// @ts-ignore: decorator
@external("bus", "write")
declare function busWrite(hartId: u32, widthBytes: u32): bool;

// Puts the content of a page of RAM where it belongs, and clears PAGE_ABSENT.
// @ts-ignore: decorator
@external("pages", "fetch")
declare function fetchPage(index: u32): void;

/** Whether `sizeBytes` at `pa` lie in RAM. */
export function isRam(pa: u64, sizeBytes: u32): bool {
  const m = machine();
  const offset = pa - m.ramBase;
  return offset < m.ramSizeBytes && m.ramSizeBytes - offset >= sizeBytes;
}

/** Address in linear memory of a physical address in RAM. */
// @ts-ignore: decorator
@inline
export function ramPointer(pa: u64): usize {
  return RAM_OFFSET + <usize>(pa - machine().ramBase);
}

/** Physical address of a linear-memory address in RAM. */
export function physicalAt(pointer: usize): u64 {
  return <u64>(pointer - RAM_OFFSET) + machine().ramBase;
}

/** Whether `sizeBytes` at `pa` lie in ROM. */
export function isRom(pa: u64, sizeBytes: u32): bool {
  const m = machine();
  const offset = pa - m.romBase;
  return offset < m.romSizeBytes && m.romSizeBytes - offset >= sizeBytes;
}

export function romPointer(pa: u64): usize {
  return ROM_OFFSET + <usize>(pa - machine().romBase);
}

/** A page of RAM is to be read or written: its content comes from what was restored, if it has not yet. */
// @ts-ignore: decorator
@inline
export function ensurePresent(pa: u64): void {
  const index = <u32>((pa - machine().ramBase) >> 12);
  if (load<u8>(PAGE_FLAGS_BASE + index) & PAGE_ABSENT) fetchPage(index);
}

/** Notes that a page of RAM is in use: snapshots and the code cache read these flags. */
export function notePage(pa: u64, access: u32): void {
  const flag = access == ACCESS_WRITE ? PAGE_TOUCHED | PAGE_DIRTY
    : access == ACCESS_EXECUTE ? PAGE_TOUCHED | PAGE_CODE : PAGE_TOUCHED;
  const at = PAGE_FLAGS_BASE + <usize>((pa - machine().ramBase) >> 12);
  store<u8>(at, load<u8>(at) | flag);
}

export function readBus(hartId: u32, pa: u64, widthBytes: u32): bool {
  const m = machine();
  m.ioAddress = pa;
  return busRead(hartId, widthBytes);
}

export function writeBus(hartId: u32, pa: u64, widthBytes: u32, value: u64): bool {
  const m = machine();
  m.ioAddress = pa;
  m.ioValue = value;
  return busWrite(hartId, widthBytes);
}

/** Flags of the page of RAM at `pa` (layout.ts). */
export function pageFlags(pa: u64): u8 {
  return load<u8>(PAGE_FLAGS_BASE + <usize>((pa - machine().ramBase) >> 12));
}

export function setPageFlags(pa: u64, flags: u8): void {
  store<u8>(PAGE_FLAGS_BASE + <usize>((pa - machine().ramBase) >> 12), flags);
}
