// What translated code calls.
//
// `place` packs where in its region and its block the instruction stands: bits 0 to 13 the offset from
// the page before the region's, 14 to 23 the instructions of the block that `remaining` no longer counts
// though they have not retired (this one among them), 24 to 26 the instruction's length in bytes. `page`
// is the virtual address of the region's page. When one of these functions asks to leave, `h.pc` is where
// to go on and `m.remaining` says what is left of the slice.

import { Hart } from "./hart_state";
import { executeSlow } from "./execute_slow";
import { ACCESS_EXECUTE, pending } from "./fault";
import { decodedSlot } from "./interpreter";
import { machine } from "./machine_state";
import { loadFrom, storeTo } from "./memory";
import { acknowledgeChange, changed, tlbEntry } from "./tlb";
import { takeInterrupt } from "./trap";
import { clmul, clmulh, clmulr, mulh, mulhsu, mulhu, orcb } from "./wide_arithmetic";

const NO: u32 = 0;
/** It raised: nothing was executed; the interpreter repeats the instruction and takes the trap. */
const FAULTED: u32 = 1;
/** The instruction is done, and the run loop is asked for. */
const ASKED: u32 = 2;

// @ts-ignore: decorator
@inline
function offsetOf(place: u32): u64 {
  return <u64>(place & 0x3fff) - 0x1000;
}
// @ts-ignore: decorator
@inline
function unretired(place: u32): i32 {
  return <i32>((place >> 14) & 0x3ff);
}
// @ts-ignore: decorator
@inline
function lengthOf(place: u32): u64 {
  return <u64>(place >> 24);
}

/** After an access: whether translated code must leave, with pc and clock put where it leaves. */
function noteLeave(h: Hart, place: u32): u32 {
  const m = machine();
  if (pending) return FAULTED;
  if (!(m.attention | m.endSlice)) return NO;
  h.pc += lengthOf(place);
  m.remaining--;
  return ASKED;
}

/** A load that missed the TLB. `kind` is log2 of the width, plus 8 if the sign is extended. */
export function jitLoad(hart: usize, va: u64, kind: u32, place: u32, remaining: i32, page: u64): u64 {
  const h = changetype<Hart>(hart);
  const m = machine();
  const sizeBytes: u32 = 1 << (kind & 7);
  h.pc = page + offsetOf(place);
  m.remaining = remaining + unretired(place);
  const value = loadFrom(h, <usize>h.dataContext, va, sizeBytes, false);
  m.jitLeave = noteLeave(h, place);
  if (!(kind & 8)) return value;
  const unused = <u64>(64 - (sizeBytes << 3));
  return <u64>(<i64>(value << unused) >> <i64>unused);
}

/** A store that missed the TLB. Answers whether to leave. */
export function jitStore(
  hart: usize, va: u64, kind: u32, value: u64, place: u32, remaining: i32, page: u64,
): u32 {
  const h = changetype<Hart>(hart);
  h.pc = page + offsetOf(place);
  machine().remaining = remaining + unretired(place);
  storeTo(h, <usize>h.dataContext, va, 1 << (kind & 7), value);
  return noteLeave(h, place);
}

/**
 * Any instruction that is not worth writing out, exactly as the interpreter executes it, with the trap or
 * interrupt that comes with it. Answers whether to leave.
 */
export function jitExecute(hart: usize, insn: u32, place: u32, remaining: i32, page: u64): u32 {
  const h = changetype<Hart>(hart);
  const m = machine();
  const pc = page + offsetOf(place);
  const before = remaining + unretired(place);
  h.pc = pc;
  m.remaining = before;
  const code = <u32>pc + load<u32>(tlbEntry(<usize>h.fetchContext, ACCESS_EXECUTE, pc), 8);
  const slot = decodedSlot(insn);
  executeSlow(h, <u32>load<u16>(slot, 4), slot);
  m.remaining = before - 1;
  if (m.attention) {
    m.attention = 0;
    if (before > 1 && !m.endSlice) takeInterrupt(h);
  }
  if (m.endSlice || h.pc != pc + lengthOf(place)) return ASKED;
  if (changed) {
    // As long as fetches still find this page, only loads and stores go another way now.
    const e = tlbEntry(<usize>h.fetchContext, ACCESS_EXECUTE, pc);
    if (load<u64>(e) != (pc & ~0xfff) || <u32>pc + load<u32>(e, 8) != code) return ASKED;
    acknowledgeChange();
  }
  return NO;
}

export function jitMulh(a: i64, b: i64): u64 {
  return mulh(a, b);
}
export function jitMulhsu(a: i64, b: u64): u64 {
  return mulhsu(a, b);
}
export function jitMulhu(a: u64, b: u64): u64 {
  return mulhu(a, b);
}
export function jitOrcb(a: u64): u64 {
  return orcb(a);
}
export function jitRev8(a: u64): u64 {
  return bswap(a);
}
export function jitClmul(a: u64, b: u64): u64 {
  return clmul(a, b);
}
export function jitClmulh(a: u64, b: u64): u64 {
  return clmulh(a, b);
}
export function jitClmulr(a: u64, b: u64): u64 {
  return clmulr(a, b);
}
