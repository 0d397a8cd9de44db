// Comparison, minimum and maximum, classification
// (IEEE 754-2019, 5.11 and 9.6; "F" extension, floating-point compare and classify).

import { NV, raise } from "./environment";
import {
  canonicalNaN, host, infinity, isNaN, isNegative, isSignalling, magnitude, minNormal, pattern,
  signMask,
} from "./format";

/** feq: a quiet comparison, NV only for signalling NaNs. */
export function equal<T>(a: u64, b: u64): u64 {
  if (isSignalling<T>(a) || isSignalling<T>(b)) raise(NV);
  return <u64>(host<T>(a) == host<T>(b));
}

/** flt: a signalling comparison, NV for any NaN. */
export function less<T>(a: u64, b: u64): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) raise(NV);
  return <u64>(host<T>(a) < host<T>(b));
}

/** fle: a signalling comparison, NV for any NaN. */
export function lessOrEqual<T>(a: u64, b: u64): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) raise(NV);
  return <u64>(host<T>(a) <= host<T>(b));
}

/** fmin: minimumNumber, with -0 below +0. */
export function minimum<T>(a: u64, b: u64): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return theNumber<T>(a, b);
  return pattern<T>(min<T>(host<T>(a), host<T>(b)));
}

/** fmax: maximumNumber, with +0 above -0. */
export function maximum<T>(a: u64, b: u64): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return theNumber<T>(a, b);
  return pattern<T>(max<T>(host<T>(a), host<T>(b)));
}

/** Of two operands of which at least one is a NaN, the number if there is one. */
function theNumber<T>(a: u64, b: u64): u64 {
  if (isSignalling<T>(a) || isSignalling<T>(b)) raise(NV);
  if (!isNaN<T>(a)) return a;
  return isNaN<T>(b) ? canonicalNaN<T>() : b;
}

/** fclass: one bit of ten set. */
export function classify<T>(a: u64): u64 {
  const size = magnitude<T>(a);
  if (size > infinity<T>()) return isSignalling<T>(a) ? 1 << 8 : 1 << 9;
  const negative = isNegative<T>(a);
  if (size == infinity<T>()) return negative ? 1 << 0 : 1 << 7;
  if (size >= minNormal<T>()) return negative ? 1 << 1 : 1 << 6;
  if (size != 0) return negative ? 1 << 2 : 1 << 5;
  return negative ? 1 << 3 : 1 << 4;
}

/** fsgnj: a with the sign of b; fsgnjn hands over b with its sign flipped. */
@inline
export function copySign<T>(a: u64, b: u64): u64 {
  return magnitude<T>(a) | (b & signMask<T>());
}
