// An instruction as `run` executes it, 8 bytes:
//
//   bits  0..8   handler: which case of the switch
//   bits 11..16  rd     17..21  rs1     22..26  rs2     32..63  imm
//
// so that one shift and one mask make a register's offset in the hart, and one shift an immediate.

import { MSTATUS_FS } from "./bits";
import { OP_FENCE, OP_FSD, OP_ILLEGAL } from "./generated/ops";
import { Hart } from "./hart_state";

/** The bits of an entry that are the handler: an operation shifted left by 1, with SHORT, or SLOW. */
export const HANDLER: u32 = 0x1ff;
/** Set for 16-bit instructions. */
export const SHORT: u32 = 1;
/** Handler of what is never executed in place. */
const SLOW: u32 = 0x1fe;

/** PAUSE (Zihintpause), a FENCE with nothing to order: a spin loop's hint. */
const PAUSE: u32 = 0x0100000f;

const REGISTER: usize = 0x1f << 3;
const DESTINATION: usize = 0x3f << 3; // writes to x0 go to the sink, number 32

export function handlerOf(op: u32, insn: u32, sizeBytes: u32): u32 {
  // Integer operations and the loads and stores of floating point come before all others.
  if (op == OP_ILLEGAL || op > OP_FSD || (op == OP_FENCE && insn == PAUSE)) return SLOW;
  return op << 1 | (sizeBytes == 2 ? SHORT : 0);
}

export function packEntry(handler: u32, rd: u32, rs1: u32, rs2: u32, imm: u32): u64 {
  return <u64>(handler | rd << 11 | rs1 << 17 | rs2 << 22) | <u64>imm << 32;
}

// @ts-ignore: decorator
@inline
export function rs1(h: Hart, entry: u64): u64 {
  return load<u64>(changetype<usize>(h) + (<usize>entry >> 14 & REGISTER));
}

// @ts-ignore: decorator
@inline
export function rs2(h: Hart, entry: u64): u64 {
  return load<u64>(changetype<usize>(h) + (<usize>entry >> 19 & REGISTER));
}

// @ts-ignore: decorator
@inline
export function writeRd(h: Hart, entry: u64, value: u64): void {
  store<u64>(changetype<usize>(h) + (<usize>entry >> 8 & DESTINATION), value);
}

// @ts-ignore: decorator
@inline
export function imm(entry: u64): u64 {
  return <u64>(<i64>entry >> 32);
}

/** How far a branch's target's entry is from its own: 8 bytes per halfword. */
// @ts-ignore: decorator
@inline
export function span(entry: u64): usize {
  return <usize>(entry >> 30); // bits 30 and 31 are 0
}

/** The f register that rs2 names. */
// @ts-ignore: decorator
@inline
export function frs2(h: Hart, entry: u64): u64 {
  return load<u64>(changetype<usize>(h) + (<usize>entry >> 19 & REGISTER), offsetof<Hart>("f0"));
}

/** Writes the f register that rd names. */
// @ts-ignore: decorator
@inline
export function writeFrd(h: Hart, entry: u64, value: u64): void {
  store<u64>(changetype<usize>(h) + (<usize>entry >> 8 & REGISTER), value, offsetof<Hart>("f0"));
}

/** Whether floating point is on, and marked dirty wherever it would be. */
// @ts-ignore: decorator
@inline
export function isFpDirty(h: Hart): bool {
  return (h.mstatus & (h.virt ? h.vsstatus : MSTATUS_FS) & MSTATUS_FS) == MSTATUS_FS;
}
