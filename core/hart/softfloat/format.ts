// The binary interchange formats (IEEE 754-2019, 3.4) and their fields.
//
// Every function is generic in the format and folds to constants. A pattern of any format is held
// in the low bits of a u64, the bits above it zero. A finite non-zero number has one unpacked form
// for all formats, subnormals included: (-1)^sign * significand * 2^(exponent - 63), where bit 63
// of the significand is set.

/** The type argument that stands for binary16, for which the host has no type. */
export type f16 = u16;

/** Bits of the trailing significand field. */
@inline
export function fractionBits<T>(): i32 {
  return sizeof<T>() == 8 ? 52 : sizeof<T>() == 4 ? 23 : 10;
}

/** Bits of the exponent field. */
@inline
export function exponentBits<T>(): i32 {
  return sizeof<T>() == 8 ? 11 : sizeof<T>() == 4 ? 8 : 5;
}

/** Bias of the exponent field; also the largest exponent of a finite number. */
@inline
export function bias<T>(): i32 {
  return (1 << (exponentBits<T>() - 1)) - 1;
}

/** The exponent field of infinities and NaNs. */
@inline
export function specialExponent<T>(): i32 {
  return (1 << exponentBits<T>()) - 1;
}

/** Mask of the trailing significand field. */
@inline
export function fractionMask<T>(): u64 {
  return ((<u64>1) << fractionBits<T>()) - 1;
}

/** Mask of the sign bit. */
@inline
export function signMask<T>(): u64 {
  return (<u64>1) << (fractionBits<T>() + exponentBits<T>());
}

/** Pattern of positive infinity. */
@inline
export function infinity<T>(): u64 {
  return (<u64>specialExponent<T>()) << fractionBits<T>();
}

/** Pattern of the smallest positive normal number. */
@inline
export function minNormal<T>(): u64 {
  return (<u64>1) << fractionBits<T>();
}

/** The NaN of every NaN result: positive, quiet, payload zero ("F" extension, NaN generation). */
@inline
export function canonicalNaN<T>(): u64 {
  return infinity<T>() | quietBit<T>();
}

/** The bit that tells a quiet NaN from a signalling one. */
@inline
export function quietBit<T>(): u64 {
  return (<u64>1) << (fractionBits<T>() - 1);
}

/** The pattern without its sign; orders like the magnitude of the number. */
@inline
export function magnitude<T>(bits: u64): u64 {
  return bits & (signMask<T>() - 1);
}

@inline
export function isNaN<T>(bits: u64): bool {
  return magnitude<T>(bits) > infinity<T>();
}

@inline
export function isSignalling<T>(bits: u64): bool {
  return isNaN<T>(bits) && (bits & quietBit<T>()) == 0;
}

@inline
export function isInfinity<T>(bits: u64): bool {
  return magnitude<T>(bits) == infinity<T>();
}

@inline
export function isZero<T>(bits: u64): bool {
  return magnitude<T>(bits) == 0;
}

@inline
export function isNegative<T>(bits: u64): bool {
  return (bits & signMask<T>()) != 0;
}

/** Unbiased exponent of a finite non-zero number, of its leading one if it is subnormal. */
@inline
export function exponent<T>(bits: u64): i32 {
  const field = <i32>(magnitude<T>(bits) >> fractionBits<T>());
  if (field) return field - bias<T>();
  return 1 - bias<T>() - <i32>clz(magnitude<T>(bits) << (63 - fractionBits<T>()));
}

/** Significand of a finite non-zero number, its leading one at bit 63. */
@inline
export function significand<T>(bits: u64): u64 {
  const fraction = (bits & fractionMask<T>()) << (63 - fractionBits<T>());
  if (magnitude<T>(bits) >= minNormal<T>()) return fraction | ((<u64>1) << 63);
  return fraction << clz(fraction);
}

/** The host number with this pattern. */
@inline
export function host<T>(bits: u64): T {
  if (sizeof<T>() == 8) return <T>reinterpret<f64>(bits);
  return <T>reinterpret<f32>(<u32>bits);
}

/** The pattern of a host number. NaN payloads are the host's: test before use. */
@inline
export function pattern<T>(value: T): u64 {
  if (sizeof<T>() == 8) return reinterpret<u64>(<f64>value);
  return <u64>reinterpret<u32>(<f32>value);
}
