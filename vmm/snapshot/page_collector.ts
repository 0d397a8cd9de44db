/**
 * Turns the pages to save into a page table and packs with what the store does not have yet.
 *
 * @module
 */

import { PAGE_BYTES, type PageContent, type RamImage } from "../../core/ram_image.ts";
import { StoredPage } from "./chunks.ts";
import { DIGEST_BYTES, sha256 } from "./digest.ts";
import { imageDigest } from "./image_digest.ts";
import { type PackReference, type PageTable, ZERO_CHUNK } from "./manifest.ts";
import type { Pack } from "./pack.ts";
import { type FinishedPack, PackBuilder } from "./pack_builder.ts";
import type { PackDirectory } from "./pack_directory.ts";
import { PageIndex } from "./page_index.ts";

/** An image in the store from which another one is the difference. */
export interface BaseImage {
  readonly ram: RamImage;
  readonly image: Uint8Array;
}

/** What has to be written for an image. */
export interface CollectedPages {
  readonly table: PageTable;
  /** To be published before the table. */
  readonly newPacks: readonly FinishedPack[];
  /** Packs of the store that the table refers to. */
  readonly oldPacks: readonly Pack[];
}

/**
 * Collects the pages of an image that differ from the base's. What differs is decided by content,
 * so that the same contents give the same table whoever saves them.
 *
 * @throws {SnapshotError} if a page of the image comes from a store and cannot be read any more
 */
export function collectPages(
  ram: RamImage,
  base: BaseImage | undefined,
  packs: PackDirectory,
): CollectedPages {
  const collector = new PageCollector(packs);
  const changes = base === undefined ? ram.pages() : ram.changesFrom(base.ram);
  for (const [page, content] of changes) collector.add(page, content, base?.ram.page(page));
  return collector.finish(ram.pageCount, base?.image);
}

class PageCollector {
  readonly #packs: PackDirectory;
  readonly #pages: number[] = [];
  readonly #pageChunks: number[] = [];
  readonly #chunks = new PageIndex();
  readonly #chunkPacks: number[] = [];
  readonly #chunkPages: number[] = [];
  /** The packs in the order of their numbers: old ones, and new ones being made. */
  readonly #used: (Pack | PackBuilder)[] = [];
  readonly #usedNumbers = new Map<Pack, number>();
  #builder = new PackBuilder();
  #builderNumber = -1;

  constructor(packs: PackDirectory) {
    this.#packs = packs;
  }

  add(page: number, content: PageContent | undefined, before: PageContent | undefined): void {
    const bytes = content instanceof StoredPage ? undefined : content?.bytes();
    if (content === undefined || bytes !== undefined && isZero(bytes)) {
      if (before !== undefined) this.#addEntry(page, ZERO_CHUNK);
      return;
    }
    const digests = content instanceof StoredPage
      ? content.chunks.digests
      : sha256(bytes as Uint8Array);
    const at = content instanceof StoredPage ? content.chunks.digestAt(content.chunk) : 0;
    if (before instanceof StoredPage && isDigestOf(before, digests, at)) return;
    const known = this.#chunks.count;
    const chunk = this.#chunks.add(digests, at);
    if (chunk === known) {
      this.#place(digests.subarray(at, at + DIGEST_BYTES), () => bytes ?? content.bytes());
    }
    this.#addEntry(page, chunk);
  }

  finish(pageCount: number, base: Uint8Array | undefined): CollectedPages {
    const newPacks: FinishedPack[] = [];
    const oldPacks: Pack[] = [];
    const references = this.#used.map((pack): PackReference => {
      if (pack instanceof PackBuilder) {
        const finished = pack.finish();
        newPacks.push(finished);
        return { name: finished.name, sizeBytes: finished.bytes.length };
      }
      oldPacks.push(pack);
      return { name: pack.name, sizeBytes: pack.sizeBytes() };
    });
    const table = {
      pageCount,
      base,
      pages: Uint32Array.from(this.#pages),
      pageChunks: Uint32Array.from(this.#pageChunks),
      packs: references,
      digests: this.#chunks.digests(),
      chunkPacks: Uint32Array.from(this.#chunkPacks),
      chunkPages: Uint32Array.from(this.#chunkPages),
    };
    return { table: { ...table, image: imageDigest(table) }, newPacks, oldPacks };
  }

  #addEntry(page: number, chunk: number): void {
    this.#pages.push(page);
    this.#pageChunks.push(chunk);
  }

  /** Finds a new chunk in the store, or puts it into a new pack. */
  #place(digest: Uint8Array, bytes: () => Uint8Array): void {
    const place = this.#packs.find(digest, 0);
    if (place !== undefined) {
      let number = this.#usedNumbers.get(place.pack);
      if (number === undefined) {
        number = this.#used.push(place.pack) - 1;
        this.#usedNumbers.set(place.pack, number);
      }
      this.#chunkPacks.push(number);
      this.#chunkPages.push(place.page);
      return;
    }
    if (this.#builderNumber < 0 || this.#builder.isFull) {
      this.#builder = new PackBuilder();
      this.#builderNumber = this.#used.push(this.#builder) - 1;
    }
    this.#chunkPacks.push(this.#builderNumber);
    this.#chunkPages.push(this.#builder.add(bytes(), digest));
  }
}

function isDigestOf({ chunks, chunk }: StoredPage, digests: Uint8Array, at: number): boolean {
  const start = chunks.digestAt(chunk);
  for (let n = 0; n < DIGEST_BYTES; n++) {
    if (chunks.digests[start + n] !== digests[at + n]) return false;
  }
  return true;
}

function isZero(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  if (length !== PAGE_BYTES) throw new RangeError(`A page has ${length} bytes`);
  if (byteOffset % 4 !== 0) return bytes.every((byte) => byte === 0);
  const words = new Int32Array(buffer, byteOffset, PAGE_BYTES / 4);
  for (let n = 0; n < words.length; n++) {
    if (words[n] !== 0) return false;
  }
  return true;
}
