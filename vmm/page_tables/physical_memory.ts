/**
 * RAM and ROM at physical addresses. Devices are left alone: reading their registers may have effects.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";

/** The memory of one machine. */
export class PhysicalMemory {
  readonly #harts: HartArray;
  readonly #romBase: number;
  readonly #rom: Uint8Array<ArrayBuffer>;

  constructor(harts: HartArray) {
    this.#harts = harts;
    const { module } = harts;
    this.#romBase = module.getNumber(module.machineField("romBase"));
    const at = module.layout("ROM_OFFSET");
    const sizeBytes = module.getNumber(module.machineField("romSizeBytes"));
    this.#rom = module.bytes.subarray(at, at + sizeBytes);
  }

  /** What is there, to be read only; undefined unless all of it is RAM or all is ROM. */
  view(address: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const at = Number(address);
    if (BigInt(at) !== address) return undefined; // no memory lies so high
    const offset = at - this.#romBase;
    if (offset >= 0 && offset + sizeBytes <= this.#rom.length) {
      return this.#rom.subarray(offset, offset + sizeBytes);
    }
    return this.#harts.ramAt(at, sizeBytes);
  }

  /** A 64-bit word of RAM, which is the only place for page tables. */
  word(address: bigint): bigint | undefined {
    const at = Number(address);
    const bytes = BigInt(at) === address ? this.#harts.ramAt(at, 8) : undefined;
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  /** Writes to RAM; answers whether that is what is there. */
  write(address: bigint, bytes: Uint8Array): boolean {
    const at = Number(address);
    const ram = BigInt(at) === address ? this.#harts.ramAt(at, bytes.length) : undefined;
    if (ram === undefined) return false;
    ram.set(bytes);
    this.#harts.ramWritten(at, bytes.length);
    return true;
  }
}
