// Operands of a decoded instruction (layout of a slot: generated/decode.ts).

import { Hart } from "./hart_state";

// @ts-ignore: decorator
@inline
export function readX(h: Hart, n: u32): u64 {
  return load<u64>(changetype<usize>(h) + (<usize>n << 3));
}
// @ts-ignore: decorator
@inline
export function rs1(h: Hart, slot: usize): u64 {
  return readX(h, load<u8>(slot, 7));
}
// @ts-ignore: decorator
@inline
export function rs2(h: Hart, slot: usize): u64 {
  return readX(h, load<u8>(slot, 12));
}
/** Writes the integer destination; x0's slot is the sink. */
// @ts-ignore: decorator
@inline
export function writeRd(h: Hart, slot: usize, value: u64): void {
  store<u64>(changetype<usize>(h) + (<usize>load<u8>(slot, 6) << 3), value);
}
// @ts-ignore: decorator
@inline
export function imm(slot: usize): u64 {
  return <u64>(<i64>load<i32>(slot, 8));
}
// @ts-ignore: decorator
@inline
export function sext32(value: u32): u64 {
  return <u64>(<i64>(<i32>value));
}
