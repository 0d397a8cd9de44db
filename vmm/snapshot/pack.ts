/**
 * A pack in the store, opened when the first of its pages is asked for, and read frame by frame.
 *
 * @module
 */

import { PAGE_BYTES } from "../../core/ram_image.ts";
import type { FrameCache } from "./frame_cache.ts";
import {
  checkPageDigests,
  decompressFrame,
  frameTableBytes,
  PACK_HEADER_BYTES,
  PACK_MAX_PAGES,
  type PackHeader,
  pageDigestsBytes,
  pagesInFrame,
  parseFrameTable,
  parsePackHeader,
} from "./pack_format.ts";
import { cannotWrite } from "./publish.ts";
import { SnapshotError } from "./snapshot_error.ts";

/** Numbers packs, so that frames of all stores can be told apart. */
let packCount = 0;

interface OpenPack {
  readonly file: Deno.FsFile;
  readonly sizeBytes: number;
  readonly header: PackHeader;
  readonly frameStarts: Float64Array;
}

/** Many pages in one file. */
export class Pack {
  readonly name: string;
  readonly path: string;
  readonly #cache: FrameCache;
  readonly #firstFrameId = packCount++ * PACK_MAX_PAGES;
  #open: OpenPack | undefined;
  #isDamaged = false;

  constructor(path: string, name: string, cache: FrameCache) {
    this.path = path;
    this.name = name;
    this.#cache = cache;
  }

  /** Whether it was found damaged. What is saved anew must not rely on its pages then. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** How many pages there are. Throws as {@link page}. */
  get pageCount(): number {
    return this.#opened().header.pageCount;
  }

  /**
   * A page, as a view of its frame.
   *
   * @throws {SnapshotError} if the pack is gone or damaged, or has no such page
   */
  page(index: number): Uint8Array {
    const { header } = this.#opened();
    if (index >= header.pageCount) {
      throw this.#damaged(`it has ${header.pageCount} pages, asked for was page ${index}`);
    }
    const start = index % header.framePages * PAGE_BYTES;
    const frame = this.#frame(Math.floor(index / header.framePages));
    return frame.subarray(start, start + PAGE_BYTES);
  }

  /** SHA-256 of each page, as the pack has them. Throws as {@link page}. */
  pageDigests(): Uint8Array {
    const { header } = this.#opened();
    const digests = this.#read(
      PACK_HEADER_BYTES + frameTableBytes(header),
      pageDigestsBytes(header),
    );
    this.#checked(() => checkPageDigests(digests, header));
    return digests;
  }

  /** Size of the file in bytes, 0 if it is gone. */
  sizeBytes(): number {
    try {
      return Deno.statSync(this.path).size;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw this.#unreadable(error);
    }
  }

  /**
   * Checks that the pack is there, and as large as those who refer to it say, and opens it: when gc
   * in another process removes it, its pages are still to be had here.
   *
   * @throws {SnapshotError} if it is not
   */
  checkSize(sizeBytes: number): void {
    if (this.#open?.sizeBytes === sizeBytes) return;
    const found = this.sizeBytes();
    if (found === 0) throw new SnapshotError("pack-missing", this.path, "it is gone");
    if (found !== sizeBytes) throw this.#damaged(`it has ${found} bytes instead of ${sizeBytes}`);
    this.#opened();
  }

  /** Makes the pack young in the eyes of gc; false if it is gone. */
  touch(): boolean {
    try {
      const now = new Date();
      Deno.utimeSync(this.path, now, now);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw cannotWrite(this.path, error);
    }
    return true;
  }

  /** Hands over a frame that need not be read and decompressed then. */
  #keep(frame: number, pages: Uint8Array): void {
    this.#cache.put(this.#firstFrameId + frame, pages);
  }

  /** Says that the file has been replaced by one that is whole. */
  renew(): void {
    this.close();
    this.#isDamaged = false;
  }

  /** Closes the file. It is opened anew when need be. */
  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #frame(frame: number): Uint8Array {
    const cached = this.#cache.get(this.#firstFrameId + frame);
    if (cached !== undefined) return cached;
    const { header, frameStarts } = this.#opened();
    const start = frameStarts[frame] as number;
    const compressed = this.#read(start, (frameStarts[frame + 1] as number) - start);
    const pages = this.#checked(() => decompressFrame(compressed, pagesInFrame(header, frame)));
    this.#keep(frame, pages);
    return pages;
  }

  #opened(): OpenPack {
    if (this.#open !== undefined) return this.#open;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        throw new SnapshotError("pack-missing", this.path, "it is gone");
      }
      throw this.#unreadable(error);
    }
    try {
      const { size } = file.statSync();
      const header = this.#checked(() =>
        parsePackHeader(this.#read(0, Math.min(size, PACK_HEADER_BYTES), file), this.name)
      );
      if (PACK_HEADER_BYTES + frameTableBytes(header) + pageDigestsBytes(header) > size) {
        throw this.#damaged("it is cut short");
      }
      const table = this.#read(PACK_HEADER_BYTES, frameTableBytes(header), file);
      const frameStarts = this.#checked(() => parseFrameTable(table, header));
      const end = frameStarts[header.frameCount] as number;
      if (end !== size) throw this.#damaged(`it has ${size} bytes instead of ${end}`);
      return this.#open = { file, sizeBytes: size, header, frameStarts };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #read(start: number, length: number, file = this.#opened().file): Uint8Array {
    const bytes = new Uint8Array(length);
    try {
      file.seekSync(start, Deno.SeekMode.Start);
      for (let at = 0; at < length;) {
        const count = file.readSync(bytes.subarray(at));
        if (count === null) throw this.#damaged("it is cut short");
        at += count;
      }
    } catch (error) {
      throw error instanceof SnapshotError ? error : this.#unreadable(error);
    }
    return bytes;
  }

  #checked<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw error instanceof SyntaxError ? this.#damaged(error.message) : error;
    }
  }

  #damaged(detail: string): SnapshotError {
    this.#isDamaged = true;
    return new SnapshotError("pack-damaged", this.path, detail);
  }

  #unreadable(cause: unknown): SnapshotError {
    const detail = `it cannot be read (${(cause as Error).message})`;
    return new SnapshotError("unreadable", this.path, detail, { cause });
  }
}
