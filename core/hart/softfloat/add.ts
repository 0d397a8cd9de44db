// Addition in integer arithmetic, every rounding mode (IEEE 754-2019, 5.4.1 and 6.3).

import { RDN } from "./environment";
import {
  exponent, isInfinity, isNaN, isNegative, isZero, magnitude, significand, signMask,
} from "./format";
import { invalid, propagateNaN } from "./nan";
import { roundPack, shiftRightSticky } from "./round";

/** a + b; a subtraction hands over b with its sign flipped. */
export function exactAdd<T>(a: u64, b: u64, rm: u32): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return propagateNaN<T>(a, b);
  const sameSign = ((a ^ b) & signMask<T>()) == 0;
  if (isInfinity<T>(a)) return !sameSign && isInfinity<T>(b) ? invalid<T>() : a;
  if (isInfinity<T>(b)) return b;
  if (isZero<T>(a)) return !isZero<T>(b) || sameSign ? b : zeroSum<T>(rm);
  if (isZero<T>(b)) return a;

  let large = a;
  let small = b;
  if (magnitude<T>(a) < magnitude<T>(b)) {
    large = b;
    small = a;
  }
  // One bit is free above the operands for the carry.
  const scale = exponent<T>(large);
  const addend = shiftRightSticky(significand<T>(small) >> 1, scale - exponent<T>(small));
  let sum = significand<T>(large) >> 1;
  sum = sameSign ? sum + addend : sum - addend;
  if (sum == 0) return zeroSum<T>(rm);
  const shift = <i32>clz(sum);
  return roundPack<T>(isNegative<T>(large), scale + 1 - shift, sum << shift, rm);
}

/** An exact zero sum of operands with different signs: +0, or -0 when rounding down (6.3). */
@inline
export function zeroSum<T>(rm: u32): u64 {
  return rm == RDN ? signMask<T>() : 0;
}
