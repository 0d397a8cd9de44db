/**
 * The content of a machine's RAM at one moment, page by page: shared, never changed, cheap to derive
 * from another.
 *
 * A page is named by its number from the start of RAM. Pages that are absent hold zeros. An image
 * derived with {@link RamImage.with} shares all that did not change with the one it came from, so
 * that machines restored from it, and snapshots taken of them, share it too.
 *
 * @module
 */

/** Size of a page of RAM. */
export const PAGE_BYTES = 4096;

/** What a page holds. Compared by identity: two contents may be equal byte for byte. */
export interface PageContent {
  /**
   * The page's {@link PAGE_BYTES} bytes; not to be written to. They may have to be read from a file.
   *
   * @throws {Error} if they cannot be had any more
   */
  bytes(): Uint8Array;
}

/** Pages for which an image keeps one array: 2 MiB of RAM. */
const BLOCK_PAGES = 512;

type Block = readonly (PageContent | undefined)[];

/**
 * Which content each page has.
 *
 * @example
 * ```ts
 * import { PAGE_BYTES, RamImage } from "./ram_image.ts";
 *
 * const content = { bytes: () => new Uint8Array(PAGE_BYTES).fill(7) };
 * const image = RamImage.zeros(1024).with([[5, content]]);
 * console.log(image.page(5)?.bytes()[0], image.page(6)); // 7 undefined
 * ```
 */
export class RamImage {
  /** Number of pages. */
  readonly pageCount: number;
  readonly #blocks: readonly (Block | undefined)[];

  private constructor(pageCount: number, blocks: readonly (Block | undefined)[]) {
    this.pageCount = pageCount;
    this.#blocks = blocks;
  }

  /** An image of nothing but zeros. */
  static zeros(pageCount: number): RamImage {
    const blocks = new Array<Block | undefined>(Math.ceil(pageCount / BLOCK_PAGES)).fill(undefined);
    return new RamImage(pageCount, blocks);
  }

  /** Content of a page; undefined for zeros. */
  page(index: number): PageContent | undefined {
    return this.#blocks[Math.floor(index / BLOCK_PAGES)]?.[index % BLOCK_PAGES];
  }

  /**
   * The same with other contents for some pages; undefined makes zeros.
   *
   * @throws {RangeError} if there is no such page
   */
  with(changes: Iterable<readonly [page: number, content: PageContent | undefined]>): RamImage {
    const blocks = [...this.#blocks];
    const own = new Set<number>();
    for (const [index, content] of changes) {
      if (!(Number.isInteger(index) && index >= 0 && index < this.pageCount)) {
        throw new RangeError(`Page ${index} is outside an image of ${this.pageCount} pages`);
      }
      const at = Math.floor(index / BLOCK_PAGES);
      if (!own.has(at)) {
        own.add(at);
        blocks[at] = blocks[at]?.slice() ??
          new Array<PageContent | undefined>(BLOCK_PAGES).fill(undefined);
      }
      (blocks[at] as (PageContent | undefined)[])[index % BLOCK_PAGES] = content;
    }
    return new RamImage(this.pageCount, blocks);
  }

  /** The pages that are not zeros, in order. */
  *pages(): Generator<[page: number, content: PageContent]> {
    for (const [page, content] of this.changesFrom(RamImage.zeros(this.pageCount))) {
      if (content !== undefined) yield [page, content];
    }
  }

  /** The pages whose content is not the one of `other`, an image of as many pages, in order. */
  *changesFrom(other: RamImage): Generator<[page: number, content: PageContent | undefined]> {
    for (let at = 0; at < this.#blocks.length; at++) {
      const block = this.#blocks[at];
      const otherBlock = other.#blocks[at];
      if (block === otherBlock) continue;
      for (let n = 0; n < BLOCK_PAGES; n++) {
        const content = block?.[n];
        if (content !== otherBlock?.[n]) yield [at * BLOCK_PAGES + n, content];
      }
    }
  }
}
