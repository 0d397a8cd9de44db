/**
 * Makes a pack page by page; a frame is compressed as soon as it is full.
 *
 * @module
 */

import { PAGE_BYTES } from "../../core/ram_image.ts";
import {
  buildPack,
  type BuiltPack,
  compressFrame,
  concat,
  FRAME_PAGES,
  PACK_MAX_PAGES,
} from "./pack_format.ts";

/** A pack before it is a file, with its frames as they were. */
export interface FinishedPack extends BuiltPack {
  readonly digests: Uint8Array;
  readonly frames: readonly Uint8Array[];
}

/** A pack in the making. */
export class PackBuilder {
  readonly #frames: Uint8Array[] = [];
  readonly #compressed: Uint8Array[] = [];
  readonly #digests: Uint8Array[] = [];
  #pageCount = 0;

  /** Whether it has all the pages that a pack can have. */
  get isFull(): boolean {
    return this.#pageCount === PACK_MAX_PAGES;
  }

  /** Adds a page; returns its number. */
  add(bytes: Uint8Array, digest: Uint8Array): number {
    const slot = this.#pageCount % FRAME_PAGES;
    if (slot === 0) {
      this.#compressLast();
      this.#frames.push(new Uint8Array(FRAME_PAGES * PAGE_BYTES));
    }
    (this.#frames.at(-1) as Uint8Array).set(bytes, slot * PAGE_BYTES);
    this.#digests.push(digest);
    return this.#pageCount++;
  }

  /** Puts it together. It has to have a page. */
  finish(): FinishedPack {
    const used = (this.#pageCount - 1) % FRAME_PAGES + 1;
    // A copy, so that a pack of few pages does not keep a whole frame in memory.
    this.#frames.push((this.#frames.pop() as Uint8Array).slice(0, used * PAGE_BYTES));
    this.#compressLast();
    const digests = concat(this.#digests);
    return { ...buildPack(digests, this.#compressed), digests, frames: this.#frames };
  }

  #compressLast(): void {
    const last = this.#frames.at(-1);
    // A copy, as the compressor's output is at the beginning of a buffer with room for the worst.
    if (last !== undefined) this.#compressed.push(compressFrame(last).slice());
  }
}
