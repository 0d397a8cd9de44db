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

/** A pack before it is a file. */
export interface FinishedPack extends BuiltPack {
  readonly digests: Uint8Array;
}

/** A pack in the making. The bytes of pages that are added are not to change before it is finished. */
export class PackBuilder {
  readonly #compressed: Uint8Array[] = [];
  readonly #digests: Uint8Array[] = [];
  readonly #scratch = new Uint8Array(FRAME_PAGES * PAGE_BYTES);
  /** The pages of the frame in the making, as long as they lie one behind the other: none is copied. */
  #run: Uint8Array | undefined;
  #framePages = 0;

  /** Whether it has all the pages that a pack can have. */
  get isFull(): boolean {
    return this.#digests.length === PACK_MAX_PAGES;
  }

  /** Adds a page; returns its number. */
  add(bytes: Uint8Array, digest: Uint8Array): number {
    const sizeBytes = this.#framePages * PAGE_BYTES;
    if (this.#framePages === 0) this.#run = bytes;
    else if (this.#run !== undefined && isBehind(this.#run, sizeBytes, bytes)) {
      this.#run = new Uint8Array(bytes.buffer, this.#run.byteOffset, sizeBytes + PAGE_BYTES);
    } else {
      if (this.#run !== undefined) this.#scratch.set(this.#run);
      this.#run = undefined;
      this.#scratch.set(bytes, sizeBytes);
    }
    this.#framePages++;
    if (this.#framePages === FRAME_PAGES) this.#compressFrame();
    return this.#digests.push(digest) - 1;
  }

  /** Puts it together. It has to have a page. */
  finish(): FinishedPack {
    if (this.#framePages > 0) this.#compressFrame();
    const digests = concat(this.#digests);
    return { ...buildPack(digests, this.#compressed), digests };
  }

  #compressFrame(): void {
    const pages = this.#run ?? this.#scratch.subarray(0, this.#framePages * PAGE_BYTES);
    // A copy, as the compressor's output is at the beginning of a buffer with room for the worst.
    this.#compressed.push(compressFrame(pages).slice());
    this.#framePages = 0;
  }
}

function isBehind(run: Uint8Array, sizeBytes: number, bytes: Uint8Array): boolean {
  return bytes.buffer === run.buffer && bytes.byteOffset === run.byteOffset + sizeBytes;
}
