/**
 * Values for floating-point registers and integers where instructions differ from what a host computes:
 * both ends of every range, NaNs with payloads, ties, numbers around the limits of integer types, and
 * singles that are not boxed as they must be.
 *
 * @module
 */

/** Types of operands, as mnemonics name them. */
export type ValueType = "h" | "s" | "d" | "integer" | "pattern";

/** All ones above a single or a half (Unprivileged, D, "NaN Boxing of Narrower Values"). */
const BOX_S = 0xffff_ffff_0000_0000n;
const BOX_H = 0xffff_ffff_ffff_0000n;

const view = new DataView(new ArrayBuffer(8));

/** The pattern of a double. */
export function doubleBits(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** The pattern of the single nearest to a number, without box. */
export function singleBits(value: number): bigint {
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

/** The patterns, and those with the other sign. */
function ofBothSigns(patterns: readonly bigint[], sign: bigint): bigint[] {
  return patterns.flatMap((bits) => [bits, bits ^ sign]);
}

const SIGN_D = 1n << 63n, SIGN_S = 1n << 31n, SIGN_H = 1n << 15n;

/** Numbers that integers of 32 and 64 bits end at, each with halves and neighbours. */
const INTEGER_LIMITS = [2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64];

/** Patterns of doubles, few enough for all pairs. */
const DOUBLES = ofBothSigns([
  0n,
  1n, // the smallest subnormal
  0x000f_ffff_ffff_ffffn, // the largest
  0x0010_0000_0000_0000n, // the smallest normal
  0x0010_0000_0000_0001n,
  doubleBits(2 ** -511),
  doubleBits(0.1),
  doubleBits(0.5),
  0x3fef_ffff_ffff_ffffn, // below 1
  doubleBits(1),
  0x3ff0_0000_0000_0001n, // above 1
  doubleBits(1.5),
  doubleBits(3),
  doubleBits(2 ** 53 - 1),
  doubleBits(2 ** 512),
  0x7fef_ffff_ffff_ffffn, // the largest
  0x7ff0_0000_0000_0000n, // infinity
  0x7ff8_0000_0000_0000n, // the canonical NaN
  0x7ff8_dead_0000_beefn, // quiet, with payload
  0x7ff0_0000_0000_0001n, // signalling
  0x7ff4_0000_cafe_0000n,
], SIGN_D);

/** More of them, for conversions. */
const MORE_DOUBLES = ofBothSigns([
  ...INTEGER_LIMITS.flatMap((limit) => [
    doubleBits(limit),
    doubleBits(limit) - 1n,
    doubleBits(limit) + 1n,
    ...[-1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1].map((away) => doubleBits(limit + away)),
  ]),
  ...[0.25, 0.75, 2, 2.5, 3.5, 1e15 + 0.5, 2 ** 52 - 0.5, 2 ** 52 + 1, 2 ** 53].map(doubleBits),
  doubleBits(0.5) - 1n,
  doubleBits(0.5) + 1n,
  doubleBits(1.5) - 1n,
  doubleBits(2.5) + 1n,
  // Around the singles' ends and ties.
  ...[2 ** -149, 2 ** -150, 2 ** -151, 2 ** -126, 2 ** -126 - 2 ** -150, 2 ** -126 - 2 ** -151]
    .flatMap((value) => [doubleBits(value) - 1n, doubleBits(value), doubleBits(value) + 1n]),
  ...[1 + 2 ** -24, 1 + 3 * 2 ** -24, 2 ** 128, 2 ** 128 - 2 ** 103, 2 ** 128 - 2 ** 104]
    .flatMap((value) => [doubleBits(value) - 1n, doubleBits(value), doubleBits(value) + 1n]),
  // Around the halves'.
  ...[65504, 65520, 2 ** -14, 2 ** -24, 2 ** -25, 1 + 2 ** -11].map(doubleBits),
], SIGN_D);

const SINGLE_PATTERNS = ofBothSigns([
  0n,
  1n,
  0x007f_ffffn,
  0x0080_0000n,
  0x0080_0001n,
  singleBits(2 ** -63),
  singleBits(0.1),
  singleBits(0.5),
  0x3f7f_ffffn,
  singleBits(1),
  0x3f80_0001n,
  singleBits(1.5),
  singleBits(3),
  singleBits(2 ** 24 - 1),
  singleBits(2 ** 64),
  0x7f7f_ffffn,
  0x7f80_0000n,
  0x7fc0_0000n,
  0x7fc0_beefn,
  0x7f80_0001n,
  0x7fa0_cafen,
], SIGN_S);

/** Not boxed: each counts as the canonical NaN. */
const BADLY_BOXED = [
  singleBits(1),
  0xffff_fffe_0000_0000n | singleBits(1.5),
  0x7fff_ffff_0000_0000n | singleBits(-2),
  0xffff_0000_0000_0000n | singleBits(Infinity),
  doubleBits(1),
  doubleBits(Infinity),
];

const MORE_SINGLES = ofBothSigns([
  ...INTEGER_LIMITS.flatMap((limit) => {
    const bits = singleBits(limit);
    return [bits - 2n, bits - 1n, bits, bits + 1n, singleBits(limit / 2), singleBits(limit / 4)];
  }),
  ...[0.25, 0.75, 2, 2.5, 3.5, 2 ** 22 + 0.5, 2 ** 22 + 1.5, 2 ** 23 - 0.5, 2 ** 24].map(
    singleBits,
  ),
  singleBits(0.5) - 1n,
  singleBits(0.5) + 1n,
  singleBits(1.5) - 1n,
  singleBits(2.5) + 1n,
  ...[65504, 65520, 2 ** -14, 2 ** -24, 2 ** -25, 1 + 2 ** -11].map(singleBits),
], SIGN_S);

const HALVES = [
  ...ofBothSigns(
    [0n, 1n, 0x3ffn, 0x400n, 0x3c00n, 0x3c01n, 0x7bffn, 0x7c00n, 0x7e00n, 0x7e55n],
    SIGN_H,
  ),
  ...ofBothSigns([0x7c01n, 0x7d55n], SIGN_H),
].map((bits) => BOX_H | bits).concat(0x3c00n, 0xffff_ffff_fffe_3c00n, BOX_S | 0x3c00n);

const INTEGERS = [
  ...[0n, 1n, 2n, 3n, 0x5555_5555_5555_5555n],
  ...[23n, 24n, 25n, 31n, 32n, 33n, 52n, 53n, 54n, 55n, 62n, 63n, 64n].flatMap((log2) => {
    const power = 1n << log2;
    return [power - 2n, power - 1n, power, power + 1n, power + 2n, power + 3n];
  }),
  // Ties and their neighbours for singles and doubles at the top of 32 and 64 bits.
  ...[(1n << 31n) - 64n, (1n << 32n) - 128n, (1n << 63n) - 512n, (1n << 64n) - 1024n]
    .flatMap((tie) => [tie - 1n, tie, tie + 1n]),
  ...[(1n << 63n) - (1n << 38n), (1n << 64n) - (1n << 39n), (1n << 62n) + (1n << 38n)]
    .flatMap((tie) => [tie - 1n, tie, tie + 1n]),
].flatMap((value) => [BigInt.asUintN(64, value), BigInt.asUintN(64, -value)]);

/** What an operand of a type is tried with, few enough for all pairs. */
export const VALUES: Readonly<Record<ValueType, readonly bigint[]>> = {
  h: HALVES,
  s: [...SINGLE_PATTERNS.map((bits) => BOX_S | bits), ...BADLY_BOXED],
  d: DOUBLES,
  integer: INTEGERS,
  pattern: [...DOUBLES, ...SINGLE_PATTERNS.map((bits) => BOX_S | bits), ...BADLY_BOXED, ...HALVES],
};

/** The same and more, for instructions with one operand. */
export const MORE_VALUES: Readonly<Record<ValueType, readonly bigint[]>> = {
  ...VALUES,
  s: [...VALUES.s, ...MORE_SINGLES.map((bits) => BOX_S | bits)],
  d: [...VALUES.d, ...MORE_DOUBLES],
};

/** The few that all triples are made of: zeros, ones, tiny and huge numbers, infinities, NaNs. */
export const FEW_VALUES: Readonly<Record<"s" | "d", readonly bigint[]>> = {
  d: [
    ...ofBothSigns([0n, 1n, 0x0010_0000_0000_0001n, doubleBits(1), doubleBits(1.5)], SIGN_D),
    ...ofBothSigns([0x7fef_ffff_ffff_ffffn, doubleBits(Infinity)], SIGN_D),
    0x7ff8_dead_0000_beefn,
    0xfff0_0000_0000_0001n,
  ],
  s: [
    ...ofBothSigns([0n, 1n, 0x0080_0001n, singleBits(1), singleBits(1.5)], SIGN_S),
    ...ofBothSigns([0x7f7f_ffffn, singleBits(Infinity)], SIGN_S),
    0x7fc0_beefn,
    0xff80_0001n,
  ].map((bits) => BOX_S | bits).concat(singleBits(1)),
};

/** A single's pattern with its box. */
export function boxSingle(bits: bigint): bigint {
  return BOX_S | bits;
}
