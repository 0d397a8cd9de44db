// Conversions between formats, and between numbers and integers
// (IEEE 754-2019, 5.4.1 and 5.8; "F" extension, floating-point conversion and move).

import { NV, NX, raise } from "./environment";
import {
  bias, canonicalNaN, exponent, fractionBits, fractionMask, infinity, isInfinity, isNaN,
  isNegative, isZero, significand, signMask,
} from "./format";
import { propagateNaN } from "./nan";
import { roundingIncrement, roundPack } from "./round";

/** From format `From` to format `To`. Never rounds to a wider one. */
export function convertFormat<From, To>(a: u64, rm: u32): u64 {
  if (isNaN<From>(a)) {
    propagateNaN<From>(a, a);
    return canonicalNaN<To>();
  }
  const negative = isNegative<From>(a);
  const sign = negative ? signMask<To>() : 0;
  if (isInfinity<From>(a)) return sign | infinity<To>();
  if (isZero<From>(a)) return sign;
  if (sizeof<To>() < sizeof<From>()) {
    return roundPack<To>(negative, exponent<From>(a), significand<From>(a), rm);
  }
  const field = <u64>(exponent<From>(a) + bias<To>());
  const fraction = (significand<From>(a) >> (63 - fractionBits<To>())) & fractionMask<To>();
  return sign | (field << fractionBits<To>()) | fraction;
}

/**
 * From a number to the integer type `Int`, sign-extended to XLEN. Out of range, NaN included,
 * the nearest end of the range is the result (positive for NaN) and NV the only flag.
 */
export function toInteger<T, Int>(a: u64, rm: u32): u64 {
  if (isZero<T>(a)) return 0;
  if (isNaN<T>(a)) return saturated<Int>(false);
  const negative = isNegative<T>(a);
  const scale = exponent<T>(a);
  if (scale > 63) return saturated<Int>(negative);

  let whole: u64 = 0;
  let rest: u64 = 1; // in units of 2^-64; the value stands for "less than a half"
  if (scale >= -1) {
    const full = significand<T>(a);
    if (scale >= 0) whole = full >> (63 - scale);
    // A wasm shift counts modulo 64; at 63 nothing is left over.
    rest = scale == 63 ? 0 : full << (scale + 1);
  }
  whole += roundingIncrement(rest, (<u64>1) << 63, (whole & 1) != 0, negative, rm);
  if (whole > (negative ? magnitudeOfMin<Int>() : maxValue<Int>())) {
    return saturated<Int>(negative);
  }
  if (rest) raise(NX);
  return signExtend<Int>(negative ? 0 - whole : whole);
}

/** The largest value of `Int`. */
@inline
function maxValue<Int>(): u64 {
  return <u64>-1 >> (64 - sizeof<Int>() * 8 + (isSigned<Int>() ? 1 : 0));
}

/** The magnitude of the smallest value of `Int`. */
@inline
function magnitudeOfMin<Int>(): u64 {
  return isSigned<Int>() ? maxValue<Int>() + 1 : 0;
}

/** Raises NV; the end of the range of `Int`. */
function saturated<Int>(negative: bool): u64 {
  raise(NV);
  return signExtend<Int>(negative ? magnitudeOfMin<Int>() : maxValue<Int>());
}

/** The low bits of `value` sign-extended from the width of `Int`, even if that is unsigned. */
@inline
function signExtend<Int>(value: u64): u64 {
  return sizeof<Int>() == 4 ? <u64>(<i64>(<i32>value)) : value;
}

/** From the integer type `Int`, in the low bits of `a`, to a number. */
export function fromInteger<Int, T>(a: u64, rm: u32): u64 {
  const value = sizeof<Int>() == 4 ? (isSigned<Int>() ? <u64>(<i64>(<i32>a)) : <u64>(<u32>a)) : a;
  if (value == 0) return 0;
  const negative = isSigned<Int>() && <i64>value < 0;
  const size = negative ? 0 - value : value;
  const shift = <i32>clz(size);
  return roundPack<T>(negative, 63 - shift, size << shift, rm);
}
