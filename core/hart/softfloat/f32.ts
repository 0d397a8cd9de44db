// binary32 arithmetic.
//
// In the usual rounding mode the host computes the value, and binary64 shows what was lost: a
// binary32 product is exact there, and a quotient or root rounded to 53 bits is never a binary32
// number or a midpoint of two unless it is exact (53 >= 2 * 24 + 2), so rounding it again
// is harmless and comparing tells exactness. NaNs, infinities, inexact results next to underflow
// and the other modes go through the integer arithmetic.

import { exactAdd } from "./add";
import { convertFormat } from "./convert";
import { exactDivide } from "./divide";
import { NX, raise, RNE } from "./environment";
import { host, infinity, magnitude, minNormal, pattern, signMask } from "./format";
import { exactMultiply } from "./multiply";
import { exactMultiplyAdd } from "./multiply_add";
import { exactSquareRoot } from "./square_root";

/** a + b. */
export function f32Add(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = host<f32>(a);
    const y = host<f32>(b);
    const sum = x + y;
    const result = pattern<f32>(sum);
    // A sum never loses bits to underflow: both operands are multiples of the smallest number.
    if (magnitude<f32>(result) < infinity<f32>()) {
      // Knuth's two-sum: zero exactly if x + y is representable.
      const yPart = sum - x;
      const error = (x - (sum - yPart)) + (y - yPart);
      if (error != 0) raise(NX);
      return result;
    }
  }
  return exactAdd<f32>(a, b, rm);
}

/** a - b. */
export function f32Sub(a: u64, b: u64, rm: u32): u64 {
  return f32Add(a, b ^ signMask<f32>(), rm);
}

/** a * b. */
export function f32Mul(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const wide = <f64>host<f32>(a) * <f64>host<f32>(b);
    const result = pattern<f32>(<f32>wide);
    if (isSettled(result, wide)) return result;
  }
  return exactMultiply<f32>(a, b, rm);
}

/** a / b. */
export function f32Div(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const wide = <f64>host<f32>(a) / <f64>host<f32>(b);
    const result = pattern<f32>(<f32>wide);
    if (isSettled(result, wide)) return result;
  }
  return exactDivide<f32>(a, b, rm);
}

/** The square root of a. */
export function f32Sqrt(a: u64, rm: u32): u64 {
  if (rm == RNE) {
    const wide = sqrt<f64>(<f64>host<f32>(a));
    const result = pattern<f32>(<f32>wide);
    if (isSettled(result, wide)) return result;
  }
  return exactSquareRoot<f32>(a, rm);
}

/** a * b + c with one rounding. */
export function f32MulAdd(a: u64, b: u64, c: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = <f64>host<f32>(a) * <f64>host<f32>(b);
    const y = <f64>host<f32>(c);
    let wide = x + y;
    const yPart = wide - x;
    const error = (x - (wide - yPart)) + (y - yPart);
    // Round to odd: an inexact sum never looks like a binary32 number or a midpoint.
    if (error != 0 && (reinterpret<u64>(wide) & 1) == 0) {
      const outwards = (error > 0) == (wide > 0);
      wide = reinterpret<f64>(reinterpret<u64>(wide) + (outwards ? 1 : -1));
    }
    const result = pattern<f32>(<f32>wide);
    if (isSettled(result, wide)) return result;
  }
  return exactMultiplyAdd<f32>(a, b, c, rm);
}

/** From binary64. */
export function f64ToF32(a: u64, rm: u32): u64 {
  if (rm == RNE) {
    const wide = host<f64>(a);
    const result = pattern<f32>(<f32>wide);
    if (isSettled(result, wide)) return result;
  }
  return convertFormat<f64, f32>(a, rm);
}

/**
 * Whether `result` is final, NX raised if need be. It is not if it is infinite or a NaN, or
 * inexact and not above the smallest normal number, which may have been rounded up from a tiny one.
 *
 * @param wide the result as binary64, of which `result` is the rounding; a binary32 number only if
 * the exact result is
 */
@inline
function isSettled(result: u64, wide: f64): bool {
  const size = magnitude<f32>(result);
  if (size >= infinity<f32>()) return false;
  if (<f64>host<f32>(result) == wide) return true;
  if (size <= minNormal<f32>()) return false;
  raise(NX);
  return true;
}
