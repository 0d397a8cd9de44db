// NaN results: always the canonical NaN; a signalling operand raises NV
// ("F" extension, NaN generation and propagation).

import { NV, raise } from "./environment";
import { canonicalNaN, isSignalling } from "./format";

/** The result of an invalid operation. */
export function invalid<T>(): u64 {
  raise(NV);
  return canonicalNaN<T>();
}

/** The result of an operation with at least one NaN operand. */
export function propagateNaN<T>(a: u64, b: u64): u64 {
  if (isSignalling<T>(a) || isSignalling<T>(b)) raise(NV);
  return canonicalNaN<T>();
}
