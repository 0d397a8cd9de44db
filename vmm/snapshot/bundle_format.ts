/**
 * The bytes of a bundle: snapshots, one on the other, with all pages that they need, in one file.
 *
 * ```text
 *   0  "himawari-bundle", padded with a zero to 16 bytes
 *  16  format version (u32, little-endian as all here)
 *  20  size of the index (u32)
 *  24  SHA-256 of the index
 *  56  index: CBOR, see below
 *      frames: zstd (RFC 8878), each one frame with content checksum
 * ```
 *
 * ```text
 * { "layers": [ { "record":  as in a manifest,
 *                 "machine": as in a manifest,
 *                 "ram":     { "pageCount", "pages", "pageChunks" } }, ... ],   lowest first
 *   "digests":    SHA-256 of each chunk, 32 bytes each,
 *   "framePages": how many chunks a frame holds; the last one may hold fewer,
 *   "frames":     compressed size of each frame (u32) }
 * ```
 *
 * A chunk is a page; chunk `c` is page `c % framePages` of frame `c / framePages`. Page `pages[i]` of a
 * layer holds chunk `pageChunks[i]`, or zeros if that is 0xffffffff. Every other page is the one of the
 * layer below if that has as many pages, else zeros. All but the lowest lie on the one before.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { DIGEST_BYTES, sha256 } from "./digest.ts";
import { FieldReader } from "./fields.ts";
import {
  bytesOf,
  machineFromValue,
  machineToValue,
  recordFromValue,
  recordToValue,
  ZERO_CHUNK,
} from "./manifest.ts";
import type { SnapshotRecord } from "./record.ts";
import type { MachineSnapshot } from "./snapshot.ts";

/** Size of what comes before the index. */
export const BUNDLE_HEADER_BYTES = 56;
/**
 * Pages that are compressed together when exporting. A host and a guest at their prompts, 31 MB: 10.4 MB
 * in 0.4 s at level 9 in frames of 1024; 10.8 MB in 0.7 s in frames of 256; 9.5 MB in 7.9 s at level 19.
 */
export const BUNDLE_FRAME_PAGES = 1024;
/** zstd's level when exporting. */
export const BUNDLE_LEVEL = 9;
/** Most layers on each other. What an image of RAM takes in memory goes by this and the next. */
export const BUNDLE_MAX_LAYERS = 64;
/** Most pages of a machine: 4 GiB of RAM. */
export const BUNDLE_MAX_PAGES = 2 ** 20;

const MAGIC = new TextEncoder().encode("himawari-bundle\0");
const VERSION = 1;

/** A snapshot in a bundle. */
export interface BundleLayer {
  readonly record: SnapshotRecord;
  readonly machine: Omit<MachineSnapshot, "ram">;
  readonly pageCount: number;
  /** Numbers of the pages that differ from the layer below, rising. */
  readonly pages: Uint32Array;
  /** Chunk of each of them, or `ZERO_CHUNK`. */
  readonly pageChunks: Uint32Array;
}

/** What a bundle holds, and where. */
export interface BundleIndex {
  readonly layers: readonly BundleLayer[];
  /** SHA-256 of each chunk. */
  readonly digests: Uint8Array;
  readonly framePages: number;
  /** Compressed size of each frame. */
  readonly frames: Uint32Array;
}

/** Writes all that comes before the frames. */
export function encodeBundleHead(index: BundleIndex): Uint8Array<ArrayBuffer> {
  const { layers, digests, framePages, frames } = index;
  const body = encodeCbor({
    layers: layers.map(layerToValue),
    digests,
    framePages,
    frames: bytesOf(frames),
  });
  const head = new Uint8Array(BUNDLE_HEADER_BYTES + body.length);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint32(16, VERSION, true);
  view.setUint32(20, body.length, true);
  head.set(sha256(body), 24);
  head.set(body, BUNDLE_HEADER_BYTES);
  return head;
}

/**
 * Reads a header: how large the index is.
 *
 * @throws {SyntaxError} if it is none, or of another version
 */
export function bundleIndexBytes(header: Uint8Array): number {
  if (!MAGIC.every((byte, at) => header[at] === byte)) {
    throw new SyntaxError("it holds no snapshots: it does not begin as `cache export` writes it");
  }
  if (header.length < BUNDLE_HEADER_BYTES) throw new SyntaxError("it is cut short");
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const version = view.getUint32(16, true);
  if (version !== VERSION) {
    throw new SyntaxError(`it has format version ${version}, known is ${VERSION}`);
  }
  return view.getUint32(20, true);
}

/**
 * Reads an index, and checks that all in it agrees.
 *
 * @param header the bytes before it
 * @throws {SyntaxError | RangeError} if it is damaged or contradicts itself
 */
export function parseBundleIndex(bytes: Uint8Array, header: Uint8Array): BundleIndex {
  if (!sha256(bytes).every((byte, n) => byte === header[24 + n])) {
    throw new SyntaxError("its index is damaged");
  }
  const fields = new FieldReader(decodeCbor(bytes), "the index");
  const digests = fields.bytes("digests");
  if (digests.length % DIGEST_BYTES !== 0) {
    throw new SyntaxError("the index.digests is not a whole number of digests");
  }
  const chunkCount = digests.length / DIGEST_BYTES;
  const framePages = fields.integer("framePages", BUNDLE_FRAME_PAGES);
  if (framePages === 0) throw new SyntaxError("the index.framePages is 0");
  const frames = fields.words("frames", Math.ceil(chunkCount / framePages));
  const layers = fields.maps("layers").map((layer) => layerFromFields(layer, chunkCount));
  checkLayers(layers);
  return { layers, digests, framePages, frames };
}

function layerToValue({ record, machine, pageCount, pages, pageChunks }: BundleLayer): StateValue {
  return {
    record: recordToValue(record),
    machine: machineToValue(machine),
    ram: { pageCount, pages: bytesOf(pages), pageChunks: bytesOf(pageChunks) },
  };
}

function layerFromFields(layer: FieldReader, chunkCount: number): BundleLayer {
  const ram = layer.map("ram");
  const pageCount = ram.integer("pageCount", BUNDLE_MAX_PAGES);
  const pages = ram.words("pages");
  const pageChunks = ram.words("pageChunks", pages.length);
  let least = 0;
  for (let n = 0; n < pages.length; n++) {
    const page = pages[n] as number;
    if (page < least || page >= pageCount) {
      throw new SyntaxError(`ram.pages: page ${page} is out of order or outside RAM`);
    }
    least = page + 1;
    const chunk = pageChunks[n] as number;
    if (chunk >= chunkCount && chunk !== ZERO_CHUNK) {
      throw new SyntaxError(`ram.pageChunks: there is no chunk ${chunk}`);
    }
  }
  return {
    record: recordFromValue(layer.value("record")),
    machine: machineFromValue(layer.value("machine")),
    pageCount,
    pages,
    pageChunks,
  };
}

function checkLayers(layers: readonly BundleLayer[]): void {
  if (layers.length === 0 || layers.length > BUNDLE_MAX_LAYERS) {
    throw new SyntaxError(`it has ${layers.length} layers instead of 1 to ${BUNDLE_MAX_LAYERS}`);
  }
  for (const [n, { record }] of layers.entries()) {
    if (n > 0 && record.parent !== (layers[n - 1] as BundleLayer).record.key) {
      throw new SyntaxError(`layer ${record.layer} does not lie on the one before it`);
    }
  }
}
