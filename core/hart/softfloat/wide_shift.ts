// Right shift of a 128-bit number, high:low, by any count.

/** Bits 64 to 127 of the shifted number. */
@inline
export function shiftedHigh(high: u64, count: i32): u64 {
  return count < 64 ? high >> count : 0;
}

/** Bits 0 to 63 of the shifted number; a one that is lost stays visible in bit 0. */
@inline
export function shiftedLowSticky(high: u64, low: u64, count: i32): u64 {
  if (count == 0) return low;
  if (count < 64) {
    return (high << (64 - count)) | (low >> count) | <u64>(low << (64 - count) != 0);
  }
  if (count == 64) return high | <u64>(low != 0);
  if (count < 128) return (high >> (count - 64)) | <u64>(((high << (128 - count)) | low) != 0);
  return <u64>((high | low) != 0);
}
