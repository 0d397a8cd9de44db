/**
 * Memory at the virtual addresses of a hart's present mode, as a debugger reads and writes it.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { translate } from "../page_tables/translate.ts";
import { PhysicalMemory } from "../page_tables/physical_memory.ts";

const PAGE_BYTES = 4096;
const PAGE_OFFSET = 0xfffn;

/** A stretch within one page. */
interface Piece {
  readonly physical: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What a hart sees. */
export class VirtualMemory {
  readonly #harts: HartArray;
  readonly #memory: PhysicalMemory;

  constructor(harts: HartArray) {
    this.#harts = harts;
    this.#memory = new PhysicalMemory(harts);
  }

  /** As many bytes from `address` on as there are, up to `sizeBytes`. */
  read(hartId: number, address: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(sizeBytes);
    let length = 0;
    for (const piece of this.#pieces(hartId, address, sizeBytes)) {
      const view = piece && this.#memory.view(piece.physical, piece.sizeBytes);
      if (view === undefined) break;
      bytes.set(view, length);
      length += view.length;
    }
    return bytes.subarray(0, length);
  }

  /** Writes all of it, or nothing if not all of it is RAM; answers which. */
  write(hartId: number, address: bigint, bytes: Uint8Array): boolean {
    const pieces: Piece[] = [];
    for (const piece of this.#pieces(hartId, address, bytes.length)) {
      if (piece === undefined || !this.#isRam(piece)) return false;
      pieces.push(piece);
    }
    for (const { physical, offset, sizeBytes } of pieces) {
      this.#memory.write(physical, bytes.subarray(offset, offset + sizeBytes));
    }
    return true;
  }

  #isRam({ physical, sizeBytes }: Piece): boolean {
    return this.#harts.ramAt(Number(physical), sizeBytes) !== undefined;
  }

  *#pieces(hartId: number, address: bigint, sizeBytes: number): Generator<Piece | undefined> {
    let offset = 0;
    while (offset < sizeBytes) {
      const at = BigInt.asUintN(64, address + BigInt(offset));
      const { physical } = translate(this.#harts, hartId, at);
      const left = Math.min(sizeBytes - offset, PAGE_BYTES - Number(at & PAGE_OFFSET));
      yield physical === undefined ? undefined : { physical, offset, sizeBytes: left };
      offset += left;
    }
  }
}
