/**
 * 64-bit registers seen as two 32-bit halves, as the bus splits them.
 *
 * @module
 */

/** Bits 31:0 of an unsigned 64-bit value. */
export function lowHalf(value: bigint): number {
  return Number(value & 0xffff_ffffn);
}

/** Bits 63:32 of an unsigned 64-bit value. */
export function highHalf(value: bigint): number {
  return Number(value >> 32n);
}

/** `value` with bits 31:0 replaced. */
export function withLowHalf(value: bigint, low: number): bigint {
  return (value & ~0xffff_ffffn) | BigInt(low);
}

/** `value` with bits 63:32 replaced. */
export function withHighHalf(value: bigint, high: number): bigint {
  return (value & 0xffff_ffffn) | (BigInt(high) << 32n);
}
