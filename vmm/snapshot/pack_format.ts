/**
 * The bytes of a pack: pages compressed in frames, named by a digest of what it holds.
 *
 * ```text
 *   0  "himawari-pack", padded with zeros to 16 bytes
 *  16  format version (u32, little-endian as all here)
 *  20  pages in a frame; the last one may hold fewer
 *  24  number of pages
 *  28  number of frames
 *  32  SHA-256 of the frame table
 *  64  SHA-256 of the page digests
 *  96  frame table: compressed size of each frame (u32)
 *      page digests: SHA-256 of each page
 *      frames: zstd (RFC 8878), each one frame with content checksum
 * ```
 *
 * The name of a pack is the SHA-256 of its first 96 bytes, which stand for its pages and for where
 * they are in it: packs of the same name are interchangeable.
 *
 * @module
 */

import { nodeZlib } from "../initramfs/node_zlib.ts";
import { PAGE_BYTES } from "../../core/ram_image.ts";
import { DIGEST_BYTES, sha256, sha256Hex } from "./digest.ts";

/** Size of a pack's header, of which its name is the digest. */
export const PACK_HEADER_BYTES = 96;
/** Most pages in a pack: 64 MiB. */
export const PACK_MAX_PAGES = 16384;
/**
 * Pages that are compressed together. Compressing 8660 pages of a booted host takes 74 ms in frames
 * of 16, 87 in 8, 125 in 4, 390 in 1. Reading 1000 of them here and there takes 41 to 47 ms from frames
 * of 16, 36 to 44 ms from those of 8.
 */
export const FRAME_PAGES = 16;

const MAGIC = new TextEncoder().encode("himawari-pack\0\0\0");
const VERSION = 1;
/** Limit when reading, for packs made with other sizes of frames. */
const MAX_FRAME_PAGES = 16;
const FRAME_ENTRY_BYTES = 4;

/** zstd's magic number (RFC 8878, 3.1.1). */
const ZSTD_MAGIC = 0xfd2fb528;
/** Content_Checksum_flag in the byte behind it (RFC 8878, 3.1.1.1.1.4). */
const ZSTD_CHECKSUM_FLAG = 4;
/**
 * Saving a nested guest takes 234 ms at level 1, 214 at -3 and 216 at -5, and 9.6, 11.4 and 13.0 MB;
 * restoring takes the same time.
 */
const LEVEL = -3;
/** Room that zlib takes at a time; frames of a booted host need 16 KiB on average. */
const COMPRESSION_CHUNK_BYTES = 32768;

/** The numbers in a pack's header. */
export interface PackHeader {
  readonly framePages: number;
  readonly pageCount: number;
  readonly frameCount: number;
  readonly tableDigest: Uint8Array;
  readonly pagesDigest: Uint8Array;
}

/** Size of the frame table that follows the header. */
export function frameTableBytes({ frameCount }: PackHeader): number {
  return frameCount * FRAME_ENTRY_BYTES;
}

/** Size of the page digests that follow the frame table. */
export function pageDigestsBytes({ pageCount }: PackHeader): number {
  return pageCount * DIGEST_BYTES;
}

/** How many pages a frame holds. */
export function pagesInFrame({ framePages, pageCount }: PackHeader, frame: number): number {
  return Math.min(framePages, pageCount - frame * framePages);
}

/**
 * Reads a header.
 *
 * @throws {SyntaxError} if it is none, of another version, or not the one that `name` stands for
 */
export function parsePackHeader(bytes: Uint8Array, name: string): PackHeader {
  if (bytes.length < PACK_HEADER_BYTES) throw new SyntaxError("it ends within its header");
  const header = bytes.subarray(0, PACK_HEADER_BYTES);
  if (!MAGIC.every((byte, at) => header[at] === byte)) throw new SyntaxError("it is no pack");
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const version = view.getUint32(16, true);
  if (version !== VERSION) {
    throw new SyntaxError(`it has format version ${version}, known is ${VERSION}`);
  }
  if (sha256Hex(header) !== name) throw new SyntaxError("its header is not what its name says");
  const framePages = view.getUint32(20, true);
  const pageCount = view.getUint32(24, true);
  const frameCount = view.getUint32(28, true);
  if (
    framePages === 0 || framePages > MAX_FRAME_PAGES || pageCount === 0 ||
    pageCount > PACK_MAX_PAGES || frameCount !== Math.ceil(pageCount / framePages)
  ) throw new SyntaxError("the numbers in its header are out of range");
  return {
    framePages,
    pageCount,
    frameCount,
    tableDigest: header.slice(32, 64),
    pagesDigest: header.slice(64, 96),
  };
}

/**
 * Reads a frame table: where in the pack each frame starts, and where the last one ends.
 *
 * @throws {SyntaxError} if it is not the one of the header
 */
export function parseFrameTable(bytes: Uint8Array, header: PackHeader): Float64Array {
  if (!equalBytes(sha256(bytes), header.tableDigest)) {
    throw new SyntaxError("its frame table is damaged");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = new Float64Array(header.frameCount + 1);
  let at = PACK_HEADER_BYTES + frameTableBytes(header) + pageDigestsBytes(header);
  for (let frame = 0; frame < header.frameCount; frame++) {
    starts[frame] = at;
    at += view.getUint32(frame * FRAME_ENTRY_BYTES, true);
  }
  starts[header.frameCount] = at;
  return starts;
}

/**
 * Checks page digests.
 *
 * @throws {SyntaxError} if they are not those of the header
 */
export function checkPageDigests(bytes: Uint8Array, header: PackHeader): void {
  if (!equalBytes(sha256(bytes), header.pagesDigest)) {
    throw new SyntaxError("its page digests are damaged");
  }
}

/** Compresses the pages of one frame. */
export function compressFrame(pages: Uint8Array): Uint8Array {
  const { constants, zstdCompressSync } = nodeZlib();
  return zstdCompressSync(pages, {
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    chunkSize: COMPRESSION_CHUNK_BYTES,
  });
}

/**
 * Decompresses a frame of so many pages.
 *
 * @throws {SyntaxError} if it is damaged or holds anything else
 */
export function decompressFrame(frame: Uint8Array, pageCount: number): Uint8Array {
  const sizeBytes = pageCount * PAGE_BYTES;
  if (frame.length < 9) throw new SyntaxError("a frame is cut short");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== ZSTD_MAGIC || !(view.getUint8(4) & ZSTD_CHECKSUM_FLAG)) {
    throw new SyntaxError("a frame is not compressed as it must be");
  }
  let pages: Uint8Array;
  try {
    // With room to spare zlib sees at once that the frame has ended.
    pages = nodeZlib().zstdDecompressSync(frame, {
      chunkSize: sizeBytes + 64,
      maxOutputLength: sizeBytes,
    });
  } catch (cause) {
    throw new SyntaxError(`a frame cannot be decompressed (${(cause as Error).message})`);
  }
  if (pages.length !== sizeBytes) {
    throw new SyntaxError(`a frame holds ${pages.length} bytes instead of ${sizeBytes}`);
  }
  // A plain view: Buffer's own methods are slower, and some mean something else.
  return new Uint8Array(pages.buffer, pages.byteOffset, pages.length);
}

/** A pack before it is a file. */
export interface BuiltPack {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Puts a pack together from the digests of its pages and its compressed frames. */
export function buildPack(digests: Uint8Array, frames: readonly Uint8Array[]): BuiltPack {
  const table = new Uint8Array(frames.length * FRAME_ENTRY_BYTES);
  const tableView = new DataView(table.buffer);
  frames.forEach(({ length }, n) => tableView.setUint32(n * FRAME_ENTRY_BYTES, length, true));
  const header = new Uint8Array(PACK_HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint32(16, VERSION, true);
  view.setUint32(20, FRAME_PAGES, true);
  view.setUint32(24, digests.length / DIGEST_BYTES, true);
  view.setUint32(28, frames.length, true);
  header.set(sha256(table), 32);
  header.set(sha256(digests), 64);
  return { name: sha256Hex(header), bytes: concat([header, table, digests, ...frames]) };
}

/** Bytes of several arrays, one behind the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let sizeBytes = 0;
  for (const { length } of parts) sizeBytes += length;
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
