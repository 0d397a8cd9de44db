// Multiplication in integer arithmetic, every rounding mode (IEEE 754-2019, 5.4.1).

import { mulhu } from "../wide_arithmetic";
import { exponent, infinity, isInfinity, isNaN, isZero, significand, signMask } from "./format";
import { invalid, propagateNaN } from "./nan";
import { roundPack } from "./round";

/** a * b. */
export function exactMultiply<T>(a: u64, b: u64, rm: u32): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return propagateNaN<T>(a, b);
  const sign = (a ^ b) & signMask<T>();
  if (isInfinity<T>(a)) return isZero<T>(b) ? invalid<T>() : sign | infinity<T>();
  if (isInfinity<T>(b)) return isZero<T>(a) ? invalid<T>() : sign | infinity<T>();
  if (isZero<T>(a) || isZero<T>(b)) return sign;

  const x = significand<T>(a);
  const y = significand<T>(b);
  const product = mulhu(x, y) | <u64>(x * y != 0);
  // The product of two significands in [1, 2) is in [1, 4); its bit 63 has the weight 2.
  const shift = <i32>clz(product);
  const scale = exponent<T>(a) + exponent<T>(b) + 1 - shift;
  return roundPack<T>(sign != 0, scale, product << shift, rm);
}
