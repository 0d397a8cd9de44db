/**
 * The instruction at a hart's `pc`, read quickly again and again: a page is translated once as long as
 * nothing has happened that could lead elsewhere. No bigint is made on the way.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { translate } from "../page_tables/translate.ts";
import { PhysicalMemory } from "../page_tables/physical_memory.ts";

const PAGE_BYTES = 4096;
const PAGE_OFFSET = 0xfff;
const LAST_HALF = 0xffe;
/** CSR accesses, fences and returns: all that changes translation but traps. */
const SYSTEM = 0x73;
const OPCODE = 0x7f;

/** A page of code, as a hart sees it. */
interface Page {
  readonly hartId: number;
  /** Its virtual address, in halves. */
  readonly low: number;
  readonly high: number;
  readonly bytes: Uint8Array;
}

/** Reads instructions of one machine while it runs. */
export class CodeWindow {
  readonly #harts: HartArray;
  readonly #memory: PhysicalMemory;
  readonly #pcs: readonly number[];
  #page: Page | undefined;

  constructor(harts: HartArray) {
    this.#harts = harts;
    this.#memory = new PhysicalMemory(harts);
    this.#pcs = Array.from(
      { length: harts.hartCount },
      (_, hartId) => harts.module.hartField(hartId, "pc"),
    );
  }

  /** To be called when a hart took a trap, and when the machine was changed from outside. */
  forget(): void {
    this.#page = undefined;
  }

  /** A hart's next instruction, 16 or 32 bits of it; undefined if it is not in memory. */
  next(hartId: number): number | undefined {
    const { module } = this.#harts;
    const at = this.#pcs[hartId]!;
    const low = module.getU32(at);
    const high = module.getU32(at + 4);
    const offset = low & PAGE_OFFSET;
    const page = this.#pageOf(hartId, (low - offset) >>> 0, high);
    if (page === undefined) return undefined;
    const first = halfAt(page, offset);
    if ((first & 3) !== 3) return first;
    if ((first & OPCODE) === SYSTEM) this.forget();
    if (offset !== LAST_HALF) return (first | (halfAt(page, offset + 2) << 16)) >>> 0;
    const following = (low + 2) >>> 0;
    const second = this.#pageOf(hartId, following, following === 0 ? (high + 1) >>> 0 : high);
    return second && (first | (halfAt(second, 0) << 16)) >>> 0;
  }

  #pageOf(hartId: number, low: number, high: number): Page | undefined {
    const known = this.#page;
    if (known?.low === low && known.high === high && known.hartId === hartId) return known;
    const address = (BigInt(high) << 32n) | BigInt(low);
    const { physical } = translate(this.#harts, hartId, address);
    const bytes = physical === undefined ? undefined : this.#memory.view(physical, PAGE_BYTES);
    return bytes && (this.#page = { hartId, low, high, bytes });
  }
}

function halfAt({ bytes }: Page, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}
