// Significands as host numbers, for the operations that let the host find the leading 53 bits.

/** The host number in [1, 2) with this unpacked significand, of which 53 bits may be in use. */
@inline
export function unit(significand: u64): f64 {
  return reinterpret<f64>(((significand << 1) >> 12) | reinterpret<u64>(<f64>1));
}

/** The 53-bit significand of a normal host number as an integer. */
@inline
export function significandOfHost(value: f64): u64 {
  return (reinterpret<u64>(value) & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000;
}

/**
 * The unpacked significand of a 53-bit approximation that misses the exact value by less than half
 * a unit in its last place, towards the sign of `remainder`. An approximation by a power of two is
 * never too large here, so the leading one stays at bit 63.
 */
@inline
export function fromUnit(approximation: u64, remainder: i64): u64 {
  return (approximation << 11) + <u64>(<i64>(remainder > 0) - <i64>(remainder < 0));
}
