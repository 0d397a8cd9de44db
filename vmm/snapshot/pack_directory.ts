/**
 * All packs of a store, and which pages they hold.
 *
 * Other processes add packs at any time, and remove some: {@link PackDirectory.refresh} looks.
 *
 * @module
 */

import type { FrameCache } from "./frame_cache.ts";
import { isHexDigest } from "./hex.ts";
import { Pack } from "./pack.ts";
import { PageIndex } from "./page_index.ts";
import { SnapshotError } from "./snapshot_error.ts";

const SUFFIX = ".pack";

/** Where a page is. */
export interface PagePlace {
  readonly pack: Pack;
  readonly page: number;
}

/** The folder of packs. */
export class PackDirectory {
  readonly path: string;
  readonly #cache: FrameCache;
  readonly #packs = new Map<string, Pack>();
  readonly #index = new PageIndex();
  /** Where the page with each number of the index is. */
  readonly #packOf: Pack[] = [];
  readonly #pageOf: number[] = [];
  /** Packs that the index covers and that were there when last looked. */
  #indexed = new Set<Pack>();

  constructor(path: string, cache: FrameCache) {
    this.path = path;
    this.#cache = cache;
  }

  /** Name of the file of a pack. */
  fileName(name: string): string {
    return `${name}${SUFFIX}`;
  }

  /** The pack of a name, whether it is there or not. */
  pack(name: string): Pack {
    let pack = this.#packs.get(name);
    if (pack === undefined) {
      pack = new Pack(`${this.path}/${this.fileName(name)}`, name, this.#cache);
      this.#packs.set(name, pack);
    }
    return pack;
  }

  /** Names of the packs that are there. */
  names(): string[] {
    const names: string[] = [];
    for (const { name } of Deno.readDirSync(this.path)) {
      const digest = name.slice(0, -SUFFIX.length);
      if (name.endsWith(SUFFIX) && isHexDigest(digest)) names.push(digest);
    }
    return names.sort();
  }

  /** Brings the index up to date. Packs that cannot be read are left out. */
  refresh(): void {
    const present = new Set<Pack>();
    for (const name of this.names()) {
      const pack = this.pack(name);
      if (this.#indexed.has(pack)) {
        present.add(pack);
        continue;
      }
      try {
        this.#addToIndex(pack, pack.pageDigests());
        present.add(pack);
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
      }
    }
    this.#indexed = present;
  }

  /** Takes in a pack that has just been published. */
  add(pack: Pack, digests: Uint8Array): void {
    pack.renew();
    this.#addToIndex(pack, digests);
    this.#indexed.add(pack);
  }

  /** Where the page with the digest at `offset` is; undefined if it is nowhere. */
  find(digests: Uint8Array, offset: number): PagePlace | undefined {
    const number = this.#index.find(digests, offset);
    if (number < 0) return undefined;
    const pack = this.#packOf[number] as Pack;
    return this.#isUsable(pack) ? { pack, page: this.#pageOf[number] as number } : undefined;
  }

  /** Closes all packs. */
  close(): void {
    for (const pack of this.#packs.values()) pack.close();
  }

  #isUsable(pack: Pack): boolean {
    return this.#indexed.has(pack) && !pack.isDamaged;
  }

  #addToIndex(pack: Pack, digests: Uint8Array): void {
    for (let page = 0, at = 0; at < digests.length; page++, at += 32) {
      const number = this.#index.add(digests, at);
      const known = this.#packOf[number];
      if (known !== undefined && this.#isUsable(known)) continue;
      this.#packOf[number] = pack;
      this.#pageOf[number] = page;
    }
  }
}
