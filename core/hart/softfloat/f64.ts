// binary64 arithmetic.
//
// In the usual rounding mode the host computes the value; what is left to find out is whether it
// is exact, and only while NX is not yet accrued. NaNs, infinities, results next to
// underflow and the other modes go through the integer arithmetic.

import { exactAdd } from "./add";
import { exactDivide } from "./divide";
import { inexactAccrued, NX, raise, RNE } from "./environment";
import { fractionMask, host, infinity, magnitude, minNormal, pattern, signMask } from "./format";
import { exactMultiply } from "./multiply";
import { exactMultiplyAdd } from "./multiply_add";
import { exactSquareRoot } from "./square_root";

/** a + b. */
export function f64Add(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = host<f64>(a);
    const y = host<f64>(b);
    const sum = x + y;
    const result = pattern<f64>(sum);
    // A sum never loses bits to underflow: both operands are multiples of the smallest number.
    if (magnitude<f64>(result) < infinity<f64>()) {
      if (inexactAccrued()) return result;
      // Knuth's two-sum: zero exactly if x + y is representable.
      const yPart = sum - x;
      const error = (x - (sum - yPart)) + (y - yPart);
      if (error != 0) raise(NX);
      return result;
    }
  }
  return exactAdd<f64>(a, b, rm);
}

/** a - b. */
export function f64Sub(a: u64, b: u64, rm: u32): u64 {
  return f64Add(a, b ^ signMask<f64>(), rm);
}

/** a * b. */
export function f64Mul(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const result = pattern<f64>(host<f64>(a) * host<f64>(b));
    if (isPlain(result)) {
      if (!inexactAccrued() && !isProduct(oddPart(a), oddPart(b))) raise(NX);
      return result;
    }
  }
  return exactMultiply<f64>(a, b, rm);
}

/** a / b. */
export function f64Div(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const result = pattern<f64>(host<f64>(a) / host<f64>(b));
    if (isPlain(result)) {
      if (!inexactAccrued() && !isProductOf(oddPart(a), oddPart(result), oddPart(b))) raise(NX);
      return result;
    }
  }
  return exactDivide<f64>(a, b, rm);
}

/** The square root of a. */
export function f64Sqrt(a: u64, rm: u32): u64 {
  if (rm == RNE) {
    const result = pattern<f64>(sqrt<f64>(host<f64>(a)));
    if (isPlain(result)) {
      const root = oddPart(result);
      if (!inexactAccrued() && !isProductOf(oddPart(a), root, root)) raise(NX);
      return result;
    }
  }
  return exactSquareRoot<f64>(a, rm);
}

/** a * b + c with one rounding. */
@inline
export function f64MulAdd(a: u64, b: u64, c: u64, rm: u32): u64 {
  return exactMultiplyAdd<f64>(a, b, c, rm);
}

/**
 * Whether a rounded result is finite and above the smallest normal number, so that NX is all that
 * it can have raised. That number itself may have been rounded up from a tiny one.
 */
@inline
function isPlain(result: u64): bool {
  return magnitude<f64>(result) - (minNormal<f64>() + 1) <
    infinity<f64>() - (minNormal<f64>() + 1);
}

/** A finite non-zero number as an odd integer: the number but for its sign and a power of two. */
@inline
function oddPart(bits: u64): u64 {
  const hidden = magnitude<f64>(bits) >= minNormal<f64>() ? minNormal<f64>() : 0;
  const integer = (bits & fractionMask<f64>()) | hidden;
  return integer >> ctz(integer);
}

/** Whether the product of two odd integers of at most 53 bits has at most 53 bits itself. */
@inline
function isProduct(a: u64, b: u64): bool {
  return clz(a) + clz(b) >= 64 && a * b < minNormal<f64>() << 1;
}

/** Whether a * b is `product`, all of them odd integers of at most 53 bits. */
@inline
function isProductOf(product: u64, a: u64, b: u64): bool {
  return clz(a) + clz(b) >= 64 && a * b == product;
}
