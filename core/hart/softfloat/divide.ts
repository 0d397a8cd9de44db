// Division, every rounding mode (IEEE 754-2019, 5.4.1).
//
// The host divides the significands, correctly rounded to 53 bits; an integer remainder then says
// on which side of that quotient the exact one lies. It is never further than half a unit in the
// 53rd place away, and never exactly half: a quotient with 54 significant bits times a divisor
// has more bits than any dividend. So one sticky bit on the right side is all that rounding needs.

import { DZ, raise } from "./environment";
import { exponent, infinity, isInfinity, isNaN, isZero, significand, signMask } from "./format";
import { fromUnit, significandOfHost, unit } from "./host_significand";
import { invalid, propagateNaN } from "./nan";
import { roundPack } from "./round";

/** a / b. */
export function exactDivide<T>(a: u64, b: u64, rm: u32): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return propagateNaN<T>(a, b);
  const sign = (a ^ b) & signMask<T>();
  if (isInfinity<T>(a)) return isInfinity<T>(b) ? invalid<T>() : sign | infinity<T>();
  if (isInfinity<T>(b)) return sign;
  if (isZero<T>(b)) {
    if (isZero<T>(a)) return invalid<T>();
    raise(DZ);
    return sign | infinity<T>();
  }
  if (isZero<T>(a)) return sign;

  const dividend = significand<T>(a);
  const divisor = significand<T>(b);
  const below = <i32>(dividend < divisor); // the quotient is in [1/2, 1), else in [1, 2)
  const quotient = significandOfHost(unit(dividend) / unit(divisor));
  // Dividend and product agree in their upper bits; only the difference has to fit.
  const remainder = <i64>(((dividend >> 11) << (52 + below)) - quotient * (divisor >> 11));
  const scale = exponent<T>(a) - exponent<T>(b) - below;
  return roundPack<T>(sign != 0, scale, fromUnit(quotient, remainder), rm);
}
