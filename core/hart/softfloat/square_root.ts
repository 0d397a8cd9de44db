// Square root, every rounding mode (IEEE 754-2019, 5.4.1).
//
// As in divide.ts the host computes 53 bits and an integer remainder gives the sticky bit. The
// exact root is never half-way between two 53-bit numbers: its square would have too many bits.

import { exponent, isInfinity, isNaN, isNegative, isZero, significand } from "./format";
import { fromUnit, significandOfHost, unit } from "./host_significand";
import { invalid, propagateNaN } from "./nan";
import { roundPack } from "./round";

/** The square root of a. */
export function exactSquareRoot<T>(a: u64, rm: u32): u64 {
  if (isNaN<T>(a)) return propagateNaN<T>(a, a);
  if (isZero<T>(a)) return a;
  if (isNegative<T>(a)) return invalid<T>();
  if (isInfinity<T>(a)) return a;

  const radicand = significand<T>(a);
  const odd = exponent<T>(a) & 1;
  const root = significandOfHost(sqrt<f64>(unit(radicand) * <f64>(1 + odd)));
  const remainder = <i64>(((radicand >> 11) << (52 + odd)) - root * root);
  return roundPack<T>(false, exponent<T>(a) >> 1, fromUnit(root, remainder), rm);
}
