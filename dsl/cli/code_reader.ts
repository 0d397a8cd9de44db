/**
 * Reads the instruction at a hart's `pc` as a debugger would: through the page tables, without effect
 * on the machine. No permission is checked: what faults is told by the trap that follows.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { PhysicalMemory } from "../../vmm/page_tables/physical_memory.ts";
import { registersOf, translateBy } from "../../vmm/page_tables/translate.ts";

/** Reads instructions of one machine. */
export class CodeReader {
  readonly #harts: HartArray;
  readonly #memory: PhysicalMemory;

  constructor(harts: HartArray) {
    this.#harts = harts;
    this.#memory = new PhysicalMemory(harts);
  }

  /** The instruction, 16 or 32 bits of it; undefined if it is not in memory. */
  read(hartId: number, pc: bigint): number | undefined {
    const low = this.#readHalf(hartId, pc);
    if (low === undefined || (low & 3) !== 3) return low;
    const high = this.#readHalf(hartId, BigInt.asUintN(64, pc + 2n));
    return high === undefined ? undefined : (low | (high << 16)) >>> 0;
  }

  #readHalf(hartId: number, address: bigint): number | undefined {
    const { physical } = translateBy(this.#memory, registersOf(this.#harts, hartId), address);
    const bytes = physical === undefined ? undefined : this.#memory.view(physical, 2);
    return bytes && (bytes[0]! | (bytes[1]! << 8));
  }
}
