/**
 * The guest's RAM as a device sees it that reads and writes there by itself (DMA).
 *
 * Addresses are physical and come from the guest, as numbers: what lies beyond 2^53 is rounded, and no
 * RAM either way.
 *
 * @module
 */

/** RAM of the machine. */
export interface GuestMemory {
  /** Whether all of these bytes are RAM. Nothing is brought in for it. */
  contains(address: number, sizeBytes: number): boolean;
  /**
   * The bytes themselves, to read and to write, or undefined if {@link contains} denies them. They hold
   * until the guest goes on.
   */
  bytesAt(address: number, sizeBytes: number): Uint8Array | undefined;
  /** Must be called after bytes were written. */
  written(address: number, sizeBytes: number): void;
}

/** Little-endian 16 bits. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

/** Little-endian 32 bits. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset) + readU16(bytes, offset + 2) * 0x1_0000;
}

/** Little-endian 64 bits, as the number that is nearest. */
export function readU64(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) + readU32(bytes, offset + 4) * 0x1_0000_0000;
}

/** Little-endian 16 bits. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}

/** Little-endian 32 bits. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  writeU16(bytes, offset, value);
  writeU16(bytes, offset + 2, value >>> 16);
}
