// Rounding an exact result into a format (IEEE 754-2019, 4.3 and 7.4 to 7.6).
//
// An exact result arrives in the unpacked form of format.ts. What does not fit into its 64-bit
// significand is or-ed into bit 0 ("sticky"): every format leaves at least ten bits below its
// last place, so rounding still sees which side of a representable number or midpoint it is on.

import { NX, OF, raise, RDN, RMM, RNE, RTZ, RUP, UF } from "./environment";
import { bias, fractionBits, infinity, signMask, specialExponent } from "./format";

/** Shifts right; a one that is lost stays visible in bit 0. */
@inline
export function shiftRightSticky(value: u64, count: i32): u64 {
  if (count > 63) return <u64>(value != 0);
  return (value >> count) | <u64>((value & (((<u64>1) << count) - 1)) != 0);
}

/**
 * What rounding adds to the last place.
 *
 * @param rest the part below the last place
 * @param half the weight in `rest` of half a unit in the last place
 * @param odd whether the last place is odd
 */
@inline
export function roundingIncrement(
  rest: u64,
  half: u64,
  odd: bool,
  negative: bool,
  rm: u32,
): u64 {
  if (rm == RNE) return <u64>(rest > half || (rest == half && odd));
  if (rm == RTZ) return 0;
  if (rm == RMM) return <u64>(rest >= half);
  return <u64>(rest != 0 && negative == (rm == RDN));
}

/**
 * Rounds and packs a finite non-zero number, raising NX, UF and OF.
 *
 * @param negative the sign
 * @param exponent the weight of bit 63 is 2^exponent
 * @param significand bit 63 set, bit 0 sticky
 */
export function roundPack<T>(negative: bool, exponent: i32, significand: u64, rm: u32): u64 {
  const dropped = 63 - fractionBits<T>();
  const half = (<u64>1) << (dropped - 1);
  const sign = negative ? signMask<T>() : 0;
  const field = exponent + bias<T>();
  if (field >= specialExponent<T>()) return overflow<T>(negative, rm);

  let tiny = false;
  let base: u64 = 0;
  if (field > 0) {
    // The leading one adds itself to the exponent field.
    base = (<u64>(field - 1)) << fractionBits<T>();
  } else {
    tiny = field < 0 || !roundsUpToPowerOfTwo<T>(negative, significand, rm);
    significand = shiftRightSticky(significand, 1 - field);
  }
  const kept = significand >> dropped;
  const rest = significand & ((half << 1) - 1);
  if (rest == 0) return sign | (base + kept);

  const increment = roundingIncrement(rest, half, (kept & 1) != 0, negative, rm);
  // A carry out of the significand moves into the exponent field, as it should.
  const packed = base + kept + increment;
  if (packed >= infinity<T>()) return overflow<T>(negative, rm);
  raise(tiny ? NX | UF : NX);
  return sign | packed;
}

/**
 * Whether a number just below the smallest normal one reaches it when rounded as if the exponent
 * were unbounded. RISC-V detects tininess after rounding ("F" extension, underflow).
 */
function roundsUpToPowerOfTwo<T>(negative: bool, significand: u64, rm: u32): bool {
  const dropped = 63 - fractionBits<T>();
  const half = (<u64>1) << (dropped - 1);
  const kept = significand >> dropped;
  const rest = significand & ((half << 1) - 1);
  const increment = roundingIncrement(rest, half, (kept & 1) != 0, negative, rm);
  return (kept + increment) >> (fractionBits<T>() + 1) != 0;
}

/** The result of overflow: infinity, or the largest finite number if the mode rounds towards it. */
function overflow<T>(negative: bool, rm: u32): u64 {
  raise(OF | NX);
  const sign = negative ? signMask<T>() : 0;
  const toInfinity = rm == RNE || rm == RMM || rm == (negative ? RDN : RUP);
  return sign | (infinity<T>() - <u64>!toInfinity);
}
