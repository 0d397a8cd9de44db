/**
 * Fused multiply-add in integers without limit: exact, then rounded once to nearest, ties to even. Slow and
 * plain, to judge fast arithmetic by; it shares no code with the hart.
 *
 * IEEE 754-2019, 3.4 (formats), 4.3.1 (rounding), 7 (exceptions); tininess is detected after rounding, as
 * RISC-V has it (Unprivileged, F, "Floating-Point Control and Status Register").
 *
 * @module
 */

/** A binary format. */
export interface BinaryFormat {
  readonly fractionBits: number;
  readonly exponentBits: number;
}

export const BINARY32: BinaryFormat = { fractionBits: 23, exponentBits: 8 };
export const BINARY64: BinaryFormat = { fractionBits: 52, exponentBits: 11 };

/** Exception flags, as `fflags` has them. */
export const FLAG = { NX: 1, UF: 2, OF: 4, DZ: 8, NV: 16 } as const;

/** A result as a pattern, and the flags it raises. */
export interface Rounded {
  readonly bits: bigint;
  readonly flags: number;
}

/** A finite number: `integer * 2^exponent`, the sign apart for the sake of zeros. */
interface Finite {
  readonly isNegative: boolean;
  readonly integer: bigint;
  readonly exponent: number;
}

/** What can be told from a format alone. */
function limits({ fractionBits, exponentBits }: BinaryFormat) {
  const bias = 2 ** (exponentBits - 1) - 1;
  return {
    bias,
    /** Exponent of the last place of subnormal numbers. */
    lastPlace: 1 - bias - fractionBits,
    infinity: ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits),
    sign: 1n << BigInt(fractionBits + exponentBits),
  };
}

/** The NaN of every NaN result (Unprivileged, F, "NaN Generation and Propagation"). */
export function canonicalNaN(format: BinaryFormat): bigint {
  return limits(format).infinity | (1n << BigInt(format.fractionBits - 1));
}

/** A finite pattern as a number. */
function unpack(format: BinaryFormat, bits: bigint): Finite {
  const { lastPlace, sign } = limits(format);
  const fraction = BigInt.asUintN(format.fractionBits, bits);
  const field = Number((bits & (sign - 1n)) >> BigInt(format.fractionBits));
  return {
    isNegative: (bits & sign) !== 0n,
    integer: field === 0 ? fraction : fraction | (1n << BigInt(format.fractionBits)),
    exponent: lastPlace + Math.max(field - 1, 0),
  };
}

function bitLength(integer: bigint): number {
  const digits = integer.toString(16);
  return 4 * digits.length - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}

/** `integer * 2^exponent` in units of `2^unit`, to nearest, ties to even. */
function toNearest(integer: bigint, exponent: number, unit: number) {
  if (unit <= exponent) {
    return { quotient: integer << BigInt(exponent - unit), isExact: true };
  }
  const shift = BigInt(unit - exponent);
  const floor = integer >> shift;
  const rest = integer - (floor << shift);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (floor & 1n) === 1n);
  return { quotient: up ? floor + 1n : floor, isExact: rest === 0n };
}

/** Rounds a number that is not zero. */
export function round(
  format: BinaryFormat,
  { isNegative, integer, exponent }: Finite,
): Rounded {
  const { bias, lastPlace, infinity, sign } = limits(format);
  const { fractionBits } = format;
  const leading = exponent + bitLength(integer) - 1;
  const unit = Math.max(leading - fractionBits, lastPlace);
  const { quotient, isExact } = toNearest(integer, exponent, unit);
  // A carry into the next binade makes the next exponent field by itself.
  const bits = (BigInt(unit - lastPlace) << BigInt(fractionBits)) + quotient;
  const signed = (size: bigint) => isNegative ? sign | size : size;
  if (bits >= infinity) return { bits: signed(infinity), flags: FLAG.OF | FLAG.NX };
  // Tiny: below the smallest normal number when rounded as if the exponent had no lower end.
  const unbounded = toNearest(integer, exponent, leading - fractionBits).quotient;
  const isTiny = leading < 1 - bias &&
    !(leading === -bias && unbounded === 2n << BigInt(fractionBits));
  const flags = isExact ? 0 : FLAG.NX | (isTiny ? FLAG.UF : 0);
  return { bits: signed(bits), flags };
}

/** The exact value of a * b + c; undefined if it is zero. */
function exactSum(a: Finite, b: Finite, c: Finite): Finite | undefined {
  const signed = ({ isNegative, integer }: Finite) => isNegative ? -integer : integer;
  const productExponent = a.exponent + b.exponent;
  const exponent = Math.min(productExponent, c.exponent);
  const sum = ((signed(a) * signed(b)) << BigInt(productExponent - exponent)) +
    (signed(c) << BigInt(c.exponent - exponent));
  if (sum === 0n) return undefined;
  return { isNegative: sum < 0n, integer: sum < 0n ? -sum : sum, exponent };
}

/** a * b + c to nearest. */
export function multiplyAdd(format: BinaryFormat, a: bigint, b: bigint, c: bigint): Rounded {
  const { infinity, sign } = limits(format);
  const quiet = 1n << BigInt(format.fractionBits - 1);
  const size = (bits: bigint) => bits & (sign - 1n);
  const isNaN = (bits: bigint) => size(bits) > infinity;
  const isSignalling = (bits: bigint) => isNaN(bits) && (bits & quiet) === 0n;
  const isInfinite = (bits: bigint) => size(bits) === infinity;
  const isZero = (bits: bigint) => size(bits) === 0n;

  // Infinity times zero is invalid even if c is a quiet NaN (Unprivileged, F, fused multiply-add).
  const isInvalid = (isInfinite(a) && isZero(b)) || (isZero(a) && isInfinite(b));
  if (isInvalid || isNaN(a) || isNaN(b) || isNaN(c)) {
    const raises = isInvalid || [a, b, c].some(isSignalling);
    return { bits: canonicalNaN(format), flags: raises ? FLAG.NV : 0 };
  }
  const productSign = (a ^ b) & sign;
  if (isInfinite(a) || isInfinite(b)) {
    return isInfinite(c) && (c & sign) !== productSign
      ? { bits: canonicalNaN(format), flags: FLAG.NV }
      : { bits: productSign | infinity, flags: 0 };
  }
  if (isInfinite(c)) return { bits: c, flags: 0 };
  const sum = exactSum(unpack(format, a), unpack(format, b), unpack(format, c));
  if (sum !== undefined) return round(format, sum);
  // A zero has the sign that both have, else it is +0 (IEEE 754-2019, 6.3).
  return { bits: (c & sign) === productSign ? productSign : 0n, flags: 0 };
}
