/**
 * What every loader returns: where to put which bytes, and where to start.
 *
 * @module
 */

/** Bytes that stay where they are until they are copied into memory, as often as a machine starts. */
export interface StoredBytes {
  readonly length: number;
  /** The first 64, or all if there are fewer. */
  readonly head: Uint8Array;
  /** Writes all of them to the beginning of `target`. */
  copyTo(target: Uint8Array): void;
  /** All of them. */
  read(): Uint8Array;
}

/** A stretch of physical memory to fill before the first instruction. */
export interface LoadSegment {
  /** Physical address of the first byte. */
  readonly physAddr: number;
  /** What to put there. */
  readonly bytes: Uint8Array | StoredBytes;
  /** Length in memory; what `bytes` does not cover is zero. */
  readonly memSizeBytes: number;
}

/** A program ready to be copied into memory. */
export interface LoadedProgram {
  /** What the file was. */
  readonly format: "image" | "elf" | "raw";
  /** Physical address of the first instruction. */
  readonly entry: number;
  /** What to copy, in order of address, without overlaps. */
  readonly segments: readonly LoadSegment[];
}

/** Whether `bytes` begins with `magic` at `offset`. */
export function hasMagic(bytes: Uint8Array, magic: readonly number[], offset = 0): boolean {
  return magic.every((byte, index) => bytes[offset + index] === byte);
}
