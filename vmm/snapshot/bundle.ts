/**
 * Reading a bundle. Nothing in it is believed: what is handed out has been compared with its digest.
 *
 * @module
 */

import { PAGE_BYTES, type PageContent, RamImage } from "../../core/ram_image.ts";
import {
  BUNDLE_HEADER_BYTES,
  type BundleIndex,
  bundleIndexBytes,
  type BundleLayer,
  parseBundleIndex,
} from "./bundle_format.ts";
import { DIGEST_BYTES, sha256 } from "./digest.ts";
import { FrameCache } from "./frame_cache.ts";
import { ZERO_CHUNK } from "./manifest.ts";
import { decompressFrame } from "./pack_format.ts";

/** How much of decompressed pages is kept: pages come mostly in the order in which they are wanted. */
const CACHE_BYTES = 64 * 2 ** 20;

/** A file is no bundle, or a damaged one. */
export class BundleError extends Error {
  override readonly name = "BundleError";

  constructor(readonly file: string, readonly detail: string, options?: ErrorOptions) {
    super(`Cannot import ${file}: ${detail}`, options);
  }
}

/** An open bundle. */
export class Bundle implements Disposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #index: BundleIndex;
  /** Where each frame starts, and where the last one ends. */
  readonly #frameStarts: Float64Array;
  readonly #cache = new FrameCache(CACHE_BYTES);

  private constructor(path: string, file: Deno.FsFile, index: BundleIndex, starts: Float64Array) {
    this.path = path;
    this.#file = file;
    this.#index = index;
    this.#frameStarts = starts;
  }

  /**
   * Opens a bundle, and checks all but its pages.
   *
   * @throws {BundleError} if it cannot be read, is none, or is damaged
   */
  static open(path: string): Bundle {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (cause) {
      const isMissing = cause instanceof Deno.errors.NotFound;
      const detail = isMissing ? "there is no such file" : (cause as Error).message;
      throw new BundleError(path, detail, { cause });
    }
    try {
      return checked(path, () => {
        const { size, isFile } = file.statSync();
        if (!isFile) throw new SyntaxError("it is no file");
        const header = readAt(file, 0, Math.min(size, BUNDLE_HEADER_BYTES));
        const indexBytes = bundleIndexBytes(header);
        if (indexBytes > size - BUNDLE_HEADER_BYTES) throw new SyntaxError("it is cut short");
        const index = parseBundleIndex(readAt(file, BUNDLE_HEADER_BYTES, indexBytes), header);
        const starts = frameStartsOf(index, BUNDLE_HEADER_BYTES + indexBytes);
        const end = starts.at(-1) as number;
        if (end !== size) throw new SyntaxError(`it has ${size} bytes instead of ${end}`);
        return new Bundle(path, file, index, starts);
      });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The snapshots in it, lowest first. */
  get layers(): readonly BundleLayer[] {
    return this.#index.layers;
  }

  /**
   * Reads every page and compares it with its digest.
   *
   * @throws {BundleError} if one is not what its digest says
   */
  verify(): void {
    for (let frame = 0; frame < this.#index.frames.length; frame++) this.#frame(frame);
  }

  /** RAM of each layer; pages are read when they are wanted, which throws as {@link verify}. */
  *images(): Generator<RamImage> {
    const contents = new Map<number, PageContent>();
    const contentOf = (chunk: number): PageContent | undefined => {
      if (chunk === ZERO_CHUNK) return undefined;
      const known = contents.get(chunk);
      if (known !== undefined) return known;
      const content = { bytes: () => this.#page(chunk) };
      contents.set(chunk, content);
      return content;
    };
    let below: RamImage | undefined;
    for (const { pageCount, pages, pageChunks } of this.layers) {
      const from = below?.pageCount === pageCount ? below : RamImage.zeros(pageCount);
      const changes = Array.from(
        pages,
        (page, n) => [page, contentOf(pageChunks[n] as number)] as const,
      );
      below = from.with(changes);
      yield below;
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    this.#cache.clear();
  }

  #page(chunk: number): Uint8Array {
    const { framePages } = this.#index;
    const start = chunk % framePages * PAGE_BYTES;
    return this.#frame(Math.floor(chunk / framePages)).subarray(start, start + PAGE_BYTES);
  }

  #frame(frame: number): Uint8Array {
    const cached = this.#cache.get(frame);
    if (cached !== undefined) return cached;
    const { framePages, digests, frames } = this.#index;
    const first = frame * framePages;
    const count = Math.min(framePages, digests.length / DIGEST_BYTES - first);
    const pages = checked(this.path, () => {
      const start = this.#frameStarts[frame] as number;
      const bytes = decompressFrame(readAt(this.#file, start, frames[frame] as number), count);
      for (let n = 0; n < count; n++) {
        const digest = sha256(bytes.subarray(n * PAGE_BYTES, (n + 1) * PAGE_BYTES));
        const at = (first + n) * DIGEST_BYTES;
        if (!digest.every((byte, i) => byte === digests[at + i])) {
          throw new SyntaxError(`page ${first + n} is not what its digest says`);
        }
      }
      return bytes;
    });
    this.#cache.put(frame, pages);
    return pages;
  }
}

function frameStartsOf({ frames }: BundleIndex, first: number): Float64Array {
  const starts = new Float64Array(frames.length + 1);
  let at = first;
  for (let frame = 0; frame < frames.length; frame++) {
    starts[frame] = at;
    at += frames[frame] as number;
  }
  starts[frames.length] = at;
  return starts;
}

function readAt(file: Deno.FsFile, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(start, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) throw new SyntaxError("it is cut short");
    at += count;
  }
  return bytes;
}

function checked<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    // Not well-formed, of another type, or too large for an engine's limits: all the same here.
    if (error instanceof BundleError || !(error instanceof Error)) throw error;
    throw new BundleError(path, error.message, { cause: error });
  }
}
