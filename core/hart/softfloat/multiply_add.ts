// Fused multiply-add in integer arithmetic, every rounding mode (IEEE 754-2019, 5.4.1).

import { mulhu } from "../wide_arithmetic";
import { zeroSum } from "./add";
import { NV, raise } from "./environment";
import {
  canonicalNaN, exponent, infinity, isInfinity, isNaN, isSignalling, isZero, significand,
  signMask,
} from "./format";
import { invalid } from "./nan";
import { roundPack } from "./round";
import { shiftedHigh, shiftedLowSticky } from "./wide_shift";

/** a * b + c with one rounding; the other three instructions flip signs of a and c. */
export function exactMultiplyAdd<T>(a: u64, b: u64, c: u64, rm: u32): u64 {
  const special = infinity<T>();
  const positive = signMask<T>() - 1;
  if ((a & positive) >= special || (b & positive) >= special || (c & positive) >= special) {
    return specialMultiplyAdd<T>(a, b, c);
  }
  const sign = (a ^ b) & signMask<T>();
  const sameSign = ((sign ^ c) & signMask<T>()) == 0;
  if (isZero<T>(a) || isZero<T>(b)) {
    if (!isZero<T>(c)) return c;
    return sameSign ? sign : zeroSum<T>(rm);
  }

  // Both terms as 128-bit numbers with one bit free for the carry: bit 126 weighs 2^scale. The
  // product keeps all its bits there, because the significands end in zeros.
  const x = significand<T>(a);
  const y = significand<T>(b);
  let high = mulhu(x, y);
  let low = x * y;
  let scale = exponent<T>(a) + exponent<T>(b);
  if (<i64>high < 0) {
    low = (low >> 1) | (high << 63);
    high >>= 1;
    scale++;
  }

  let negative = sign != 0;
  if (!isZero<T>(c)) {
    let addendHigh = significand<T>(c) >> 1;
    let addendLow: u64 = 0;
    const distance = scale - exponent<T>(c);
    if (distance >= 0) {
      addendLow = shiftedLowSticky(addendHigh, 0, distance);
      addendHigh = shiftedHigh(addendHigh, distance);
    } else {
      low = shiftedLowSticky(high, low, -distance);
      high = shiftedHigh(high, -distance);
      scale -= distance;
    }
    if (sameSign) {
      low += addendLow;
      high += addendHigh + <u64>(low < addendLow);
    } else {
      const borrow = <u64>(low < addendLow);
      low -= addendLow;
      high -= addendHigh + borrow;
      if (<i64>high < 0) {
        negative = !negative;
        low = 0 - low;
        high = ~high + <u64>(low == 0);
      }
      if ((high | low) == 0) return zeroSum<T>(rm);
    }
  }

  if (high == 0) {
    high = low;
    low = 0;
    scale -= 64;
  }
  const shift = <i32>clz(high);
  if (shift) {
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
  }
  return roundPack<T>(negative, scale + 1 - shift, high | <u64>(low != 0), rm);
}

/** The cases with a NaN or an infinity among the operands. */
function specialMultiplyAdd<T>(a: u64, b: u64, c: u64): u64 {
  // Infinity times zero is invalid even if the addend is a quiet NaN
  // ("F" extension, fused multiply-add).
  if ((isInfinity<T>(a) && isZero<T>(b)) || (isZero<T>(a) && isInfinity<T>(b))) {
    return invalid<T>();
  }
  if (isNaN<T>(a) || isNaN<T>(b) || isNaN<T>(c)) {
    if (isSignalling<T>(a) || isSignalling<T>(b) || isSignalling<T>(c)) raise(NV);
    return canonicalNaN<T>();
  }
  if (!isInfinity<T>(a) && !isInfinity<T>(b)) return c;
  const product = ((a ^ b) & signMask<T>()) | infinity<T>();
  return isInfinity<T>(c) && c != product ? invalid<T>() : product;
}
