/**
 * Writing a bundle: a snapshot with all below it, for another computer or for keeping.
 *
 * @module
 */

import { nodeZlib } from "../initramfs/node_zlib.ts";
import { PAGE_BYTES, RamImage } from "../../core/ram_image.ts";
import {
  BUNDLE_FRAME_PAGES,
  BUNDLE_LEVEL,
  BUNDLE_MAX_LAYERS,
  BUNDLE_MAX_PAGES,
  type BundleLayer,
  encodeBundleHead,
} from "./bundle_format.ts";
import { StoredPage } from "./chunks.ts";
import { sha256 } from "./digest.ts";
import { ZERO_CHUNK } from "./manifest.ts";
import { PageIndex } from "./page_index.ts";
import type { StoredSnapshot } from "./record.ts";
import { SnapshotError } from "./snapshot_error.ts";
import type { SnapshotStore } from "./store.ts";

/** What was written. */
export interface ExportedBundle {
  /** The snapshots in it, lowest first. */
  readonly layers: readonly StoredSnapshot[];
  readonly sizeBytes: number;
  /** The layer below the lowest one, which is not in the store. */
  readonly missingParent: string | undefined;
}

/**
 * Writes a snapshot and all that it lies on into a file, which is there when it is whole.
 *
 * @throws {SnapshotError} if one of them cannot be used
 * @throws {RangeError} if there are too many, or a machine has too much RAM
 * @throws {Error} if there is no such snapshot, or the file cannot be written
 */
export function exportBundle(store: SnapshotStore, key: string, path: string): ExportedBundle {
  const layers = chainOf(store, key);
  const missingParent = layers[0]?.parent;
  const writer = new FrameWriter();
  const described = layers.map((layer, n) => describeLayer(layer, layers[n - 1], writer));
  const { digests, frames } = writer.finish();
  const sizes = Uint32Array.from(frames, ({ length }) => length);
  const head = encodeBundleHead({
    layers: described,
    digests,
    framePages: BUNDLE_FRAME_PAGES,
    frames: sizes,
  });
  const sizeBytes = writeWhole(path, [head, ...frames]);
  return { layers, sizeBytes, missingParent };
}

/** The snapshot and those below it, lowest first. */
function chainOf(store: SnapshotStore, key: string): StoredSnapshot[] {
  const chain: StoredSnapshot[] = [];
  for (let next: string | undefined = key; next !== undefined;) {
    const stored = store.load(next);
    if (stored === undefined) {
      if (chain.length > 0) break;
      throw new Error(`There is no snapshot ${key} in ${store.directory}`);
    }
    const { pageCount } = stored.snapshot.ram;
    if (pageCount > BUNDLE_MAX_PAGES) {
      throw new RangeError(
        `Cannot export ${pageCount} pages of RAM, only up to ${BUNDLE_MAX_PAGES}`,
      );
    }
    if (chain.push(stored) > BUNDLE_MAX_LAYERS) {
      throw new RangeError(`Cannot export more than ${BUNDLE_MAX_LAYERS} layers on each other`);
    }
    next = stored.parent;
  }
  return chain.reverse();
}

function describeLayer(
  { snapshot, ...record }: StoredSnapshot,
  below: StoredSnapshot | undefined,
  writer: FrameWriter,
): BundleLayer {
  const { ram, ...machine } = snapshot;
  const { pageCount } = ram;
  const base = below?.snapshot.ram;
  const from = base?.pageCount === pageCount ? base : RamImage.zeros(pageCount);
  const pages: number[] = [];
  const pageChunks: number[] = [];
  for (const [page, content] of ram.changesFrom(from)) {
    pages.push(page);
    pageChunks.push(content === undefined ? ZERO_CHUNK : writer.add(checkedBytes(content)));
  }
  return {
    record,
    machine,
    pageCount,
    pages: Uint32Array.from(pages),
    pageChunks: Uint32Array.from(pageChunks),
  };
}

/** A page with its digest, which has to be the one that it was stored under. */
function checkedBytes(content: { bytes(): Uint8Array }): { bytes: Uint8Array; digest: Uint8Array } {
  const bytes = content.bytes();
  const digest = sha256(bytes);
  if (content instanceof StoredPage) {
    const { chunks, chunk } = content;
    const start = chunks.digestAt(chunk);
    if (!digest.every((byte, n) => byte === chunks.digests[start + n])) {
      const { path } = chunks.packs[chunks.packNumbers[chunk] as number]!;
      const detail = `page ${chunks.pageNumbers[chunk]} is not what its digest says`;
      throw new SnapshotError("pack-damaged", path, detail);
    }
  }
  return { bytes, digest };
}

/** Compresses distinct pages, frame by frame. */
class FrameWriter {
  readonly #index = new PageIndex();
  readonly #frames: Uint8Array[] = [];
  readonly #frame = new Uint8Array(BUNDLE_FRAME_PAGES * PAGE_BYTES);
  #used = 0;

  /** Adds a page if it is not there yet; answers its number. */
  add({ bytes, digest }: { readonly bytes: Uint8Array; readonly digest: Uint8Array }): number {
    const known = this.#index.count;
    const chunk = this.#index.add(digest);
    if (chunk < known) return chunk;
    this.#frame.set(bytes, this.#used);
    this.#used += PAGE_BYTES;
    if (this.#used === this.#frame.length) this.#compress();
    return chunk;
  }

  finish(): { readonly digests: Uint8Array; readonly frames: readonly Uint8Array[] } {
    if (this.#used > 0) this.#compress();
    return { digests: this.#index.digests(), frames: this.#frames };
  }

  #compress(): void {
    const { constants, zstdCompressSync } = nodeZlib();
    const params = {
      [constants.ZSTD_c_compressionLevel]: BUNDLE_LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
    };
    this.#frames.push(zstdCompressSync(this.#frame.subarray(0, this.#used), { params }));
    this.#used = 0;
  }
}

/** Writes a file under another name first. Answers its size. */
function writeWhole(path: string, parts: readonly Uint8Array[]): number {
  const temporary = `${path}.${Deno.pid}-${crypto.randomUUID()}.tmp`;
  let sizeBytes = 0;
  try {
    using file = Deno.openSync(temporary, { write: true, createNew: true });
    for (const part of parts) {
      for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
      sizeBytes += part.length;
    }
    file.syncDataSync();
    Deno.renameSync(temporary, path);
  } catch (cause) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was not even made.
    }
    throw new Error(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
  return sizeBytes;
}
