/**
 * Memory as a hart sees it at some virtual address, read without a trace: no access flag is set, no TLB is
 * filled. For error messages, so permissions do not count.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { PhysicalMemory } from "../page_tables/physical_memory.ts";
import { translateBy, type TranslationRegisters } from "../page_tables/translate.ts";

const PAGE_BYTES = 4096;

/** Virtual memory. */
export class AddressSpace {
  readonly #memory: PhysicalMemory;
  readonly #registers: TranslationRegisters;

  constructor(harts: HartArray, registers: TranslationRegisters) {
    this.#memory = new PhysicalMemory(harts);
    this.#registers = registers;
  }

  /** Physical address, if there is one. */
  translate(address: bigint): bigint | undefined {
    return translateBy(this.#memory, this.#registers, address).physical;
  }

  /** Memory at an address; undefined if any of it is not there. */
  read(address: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const bytes = new Uint8Array(sizeBytes);
    for (let at = 0; at < sizeBytes;) {
      const here = BigInt.asUintN(64, address + BigInt(at));
      const length = Math.min(sizeBytes - at, PAGE_BYTES - Number(here % BigInt(PAGE_BYTES)));
      const physical = this.translate(here);
      const part = physical === undefined ? undefined : this.#memory.view(physical, length);
      if (part === undefined) return undefined;
      bytes.set(part, at);
      at += length;
    }
    return bytes;
  }

  /** Number of 64 bits at an address. */
  readU64(address: bigint): bigint | undefined {
    const bytes = this.read(address, 8);
    return bytes && new DataView(bytes.buffer).getBigUint64(0, true);
  }
}
