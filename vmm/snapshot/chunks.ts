/**
 * The distinct pages that a manifest names, and where they are.
 *
 * @module
 */

import type { PageContent } from "../../core/ram_image.ts";
import { DIGEST_BYTES } from "./digest.ts";
import type { Pack } from "./pack.ts";

/** Distinct pages by number, in arrays: a snapshot has some ten thousand. */
export class Chunks {
  /** SHA-256 of each. */
  readonly digests: Uint8Array;
  readonly packs: readonly Pack[];
  /** Number of each one's pack in `packs`. */
  readonly packNumbers: Uint32Array;
  /** Number of each one in its pack. */
  readonly pageNumbers: Uint32Array;

  constructor(
    digests: Uint8Array,
    packs: readonly Pack[],
    packNumbers: Uint32Array,
    pageNumbers: Uint32Array,
  ) {
    this.digests = digests;
    this.packs = packs;
    this.packNumbers = packNumbers;
    this.pageNumbers = pageNumbers;
  }

  /** How many there are. */
  get count(): number {
    return this.packNumbers.length;
  }

  /** Where in `digests` a chunk's digest starts. */
  digestAt(chunk: number): number {
    return chunk * DIGEST_BYTES;
  }

  /**
   * The bytes of a chunk.
   *
   * @throws {SnapshotError} if its pack is gone or damaged
   */
  bytes(chunk: number): Uint8Array {
    const pack = this.packs[this.packNumbers[chunk] as number] as Pack;
    return pack.page(this.pageNumbers[chunk] as number);
  }
}

/** Content of a page that is in the store, read when first asked for. */
export class StoredPage implements PageContent {
  readonly chunks: Chunks;
  readonly chunk: number;

  constructor(chunks: Chunks, chunk: number) {
    this.chunks = chunks;
    this.chunk = chunk;
  }

  /** @throws {SnapshotError} if its pack is gone or damaged */
  bytes(): Uint8Array {
    return this.chunks.bytes(this.chunk);
  }
}
