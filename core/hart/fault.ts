// The one pending exception of the instruction in progress.
//
// An instruction that faults raises here and returns; the interpreter enters the trap when it has
// unwound (no wasm exception: they cost 450 ns and more). The first exception raised wins.

import {
  CAUSE_FETCH_ACCESS, CAUSE_FETCH_GUEST_PAGE, CAUSE_FETCH_PAGE, CAUSE_ILLEGAL_INSTRUCTION,
  CAUSE_LOAD_ACCESS, CAUSE_LOAD_GUEST_PAGE, CAUSE_LOAD_PAGE, CAUSE_STORE_ACCESS,
  CAUSE_STORE_GUEST_PAGE, CAUSE_STORE_PAGE, CAUSE_VIRTUAL_INSTRUCTION,
} from "./bits";

export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = 1;
export const ACCESS_EXECUTE: u32 = 2;

/** How `mtinst`/`htinst` is to be filled. */
export const TINST_ZERO: u32 = 0;
export const TINST_TRANSFORMED: u32 = 1; // from the decoded instruction
export const TINST_PSEUDO_READ: u32 = 0x3000; // implicit VS-stage PTE read, RV64
export const TINST_PSEUDO_WRITE: u32 = 0x3020; // implicit VS-stage PTE write, RV64

export let pending: bool = false;
export let cause: u32 = 0;
export let tval: u64 = 0;
export let tval2: u64 = 0;
export let tinst: u32 = TINST_ZERO;
export let gva: bool = false;

/** First byte of the access in progress: a fault further on reports the difference in tinst. */
export let accessStart: u64 = 0;

export function clear(): void {
  pending = false;
}

export function setAccessStart(va: u64): void {
  accessStart = va;
}

function set(c: u32, value: u64, value2: u64, inst: u32, guestVirtual: bool): void {
  if (pending) return;
  pending = true;
  cause = c;
  tval = value;
  tval2 = value2;
  tinst = inst;
  gva = guestVirtual;
}

export function raiseIllegal(insn: u32): void {
  set(CAUSE_ILLEGAL_INSTRUCTION, <u64>insn, 0, TINST_ZERO, false);
}

export function raiseVirtual(insn: u32): void {
  set(CAUSE_VIRTUAL_INSTRUCTION, <u64>insn, 0, TINST_ZERO, false);
}

/** An exception without an address: ecall. */
export function raisePlain(c: u32): void {
  set(c, 0, 0, TINST_ZERO, false);
}

/** ebreak: its own address is the trap value. */
export function raiseBreakpoint(c: u32, pc: u64, virt: bool): void {
  set(c, pc, 0, TINST_ZERO, virt);
}

export function raiseMisaligned(c: u32, va: u64, virt: bool): void {
  set(c, va, 0, TINST_TRANSFORMED, virt);
}

export function raiseAccess(access: u32, va: u64, virt: bool): void {
  const c = access == ACCESS_READ ? CAUSE_LOAD_ACCESS
    : access == ACCESS_WRITE ? CAUSE_STORE_ACCESS : CAUSE_FETCH_ACCESS;
  set(c, va, 0, access == ACCESS_EXECUTE ? TINST_ZERO : TINST_TRANSFORMED, virt);
}

export function raisePage(access: u32, va: u64, virt: bool): void {
  const c = access == ACCESS_READ ? CAUSE_LOAD_PAGE
    : access == ACCESS_WRITE ? CAUSE_STORE_PAGE : CAUSE_FETCH_PAGE;
  set(c, va, 0, access == ACCESS_EXECUTE ? TINST_ZERO : TINST_TRANSFORMED, virt);
}

/**
 * A guest-page fault: `gpa` goes to htval shifted right by 2. `implicit` is TINST_ZERO for the access
 * itself, else the pseudoinstruction of the page-table access that failed.
 */
export function raiseGuestPage(access: u32, va: u64, gpa: u64, implicit: u32): void {
  const c = access == ACCESS_READ ? CAUSE_LOAD_GUEST_PAGE
    : access == ACCESS_WRITE ? CAUSE_STORE_GUEST_PAGE : CAUSE_FETCH_GUEST_PAGE;
  const inst = implicit != TINST_ZERO ? implicit
    : access == ACCESS_EXECUTE ? TINST_ZERO : TINST_TRANSFORMED;
  set(c, va, gpa >> 2, inst, true);
}

/** Cache-block management reports every fault as a store's (CMO, Faults). */
export function reportAsStore(): void {
  if (!pending) return;
  if (cause == CAUSE_LOAD_ACCESS) cause = CAUSE_STORE_ACCESS;
  else if (cause == CAUSE_LOAD_PAGE) cause = CAUSE_STORE_PAGE;
  else if (cause == CAUSE_LOAD_GUEST_PAGE) cause = CAUSE_STORE_GUEST_PAGE;
}
