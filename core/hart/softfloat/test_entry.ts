// The module that core/hart_fp_test.ts compiles: executeFp behind the decoder, and the integer
// arithmetic alone, to hold against what the host computes.

import { executeFp } from "../fp";
import { decode } from "../generated/decode";
import { Hart } from "../hart_state";
import { exactAdd } from "./add";
import { convertFormat } from "./convert";
import { exactDivide } from "./divide";
import { accruedFlags, setAccruedFlags } from "./environment";
import { exactMultiply } from "./multiply";
import { exactMultiplyAdd } from "./multiply_add";
import { exactSquareRoot } from "./square_root";

export { accruedFlags, setAccruedFlags };

export const Hart_f0: usize = offsetof<Hart>("f0");
export const Hart_fflags: usize = offsetof<Hart>("fflags");
export const Hart_frm: usize = offsetof<Hart>("frm");

/** Decodes into `slot` and executes. */
export function execute(hart: usize, insn: u32, slot: usize): bool {
  decode(insn, slot);
  return executeFp(changetype<Hart>(hart), load<u16>(slot, 4), slot);
}

export function exactAddS(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactAdd<f32>(a, b, rm);
}
export function exactAddD(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactAdd<f64>(a, b, rm);
}
export function exactMultiplyS(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactMultiply<f32>(a, b, rm);
}
export function exactMultiplyD(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactMultiply<f64>(a, b, rm);
}
export function exactDivideS(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactDivide<f32>(a, b, rm);
}
export function exactDivideD(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactDivide<f64>(a, b, rm);
}
export function exactSquareRootS(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactSquareRoot<f32>(a, rm);
}
export function exactSquareRootD(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactSquareRoot<f64>(a, rm);
}
export function exactMultiplyAddS(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactMultiplyAdd<f32>(a, b, c, rm);
}
export function exactConvertDToS(a: u64, b: u64, c: u64, rm: u32): u64 {
  return convertFormat<f64, f32>(a, rm);
}
