/**
 * What Linux takes as an initramfs: cpio archives one behind the other, each plain or compressed,
 * with zeros between them (`Documentation/driver-api/early-userspace/buffer-format.rst`). Packing
 * one, and finding out what one unpacks to.
 *
 * @module
 */

import { type CpioEntry, isCpio, readCpioAt } from "./cpio_reader.ts";
import { FILE_TYPE, type FileMap, writeCpio } from "./cpio_writer.ts";
import { gzip, GZIP_MAGIC, readGzipMember } from "./gzip.ts";

const MIB = 1 << 20;
/** Size of a page, the unit in which Linux keeps files in memory. */
const PAGE_BYTES = 4096;

/** Compressions that Linux can be configured for, by magic. Only gzip is unpacked here. */
const COMPRESSIONS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ["gzip", GZIP_MAGIC],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lzma", [0x5d, 0x00, 0x00]],
  ["lzo", [0x89, 0x4c, 0x5a, 0x4f]],
  ["lz4", [0x02, 0x21, 0x4c, 0x18]],
];

/** Options of the functions that unpack. */
export interface UnpackOptions {
  /** What to call the file in errors. Default `initramfs`. */
  readonly name?: string;
  /** Unpack at most this much: a guard against archives made to fill memory. Default 1 GiB. */
  readonly maxBytes?: number;
}

/** What an initramfs holds. */
export interface InitramfsContents {
  /** Entries of every archive in it, in order. */
  readonly entries: readonly CpioEntry[];
  /**
   * Compression (`zstd`, `xz`, ...) of a part that only the kernel can unpack. That part and what is
   * behind it are not in `entries`.
   */
  readonly unreadCompression?: string;
}

/**
 * Packs a file map into a gzip-compressed archive. The same map gives the same bytes with one
 * version of Deno.
 *
 * @throws as `writeCpio`
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { packInitramfs, unpackedSize } from "./mod.ts";
 *
 * const initrd = packInitramfs({ "/init": { content: "#!/bin/sh\n", mode: 0o755 } });
 * assertEquals(unpackedSize(initrd), 4096);
 * ```
 */
export function packInitramfs(files: FileMap): Uint8Array<ArrayBuffer> {
  return gzip(writeCpio(files));
}

/**
 * Reads an initramfs.
 *
 * @throws {SyntaxError} if it is malformed or no initramfs at all
 * @throws {RangeError} if it unpacks to more than allowed
 */
export function readInitramfs(
  initramfs: Uint8Array,
  options: UnpackOptions = {},
): InitramfsContents {
  const { name = "initramfs", maxBytes = 1024 * MIB } = options;
  const entries: CpioEntry[] = [];
  let unpackedBytes = 0;
  let archives = 0;
  for (let at = 0; at < initramfs.length;) {
    if (initramfs[at] === 0) {
      at++;
      continue;
    }
    archives++;
    if (isCpio(initramfs, at)) {
      const archive = readCpioAt(initramfs, at, name);
      for (const entry of archive.entries) entries.push(entry);
      at = archive.end;
      continue;
    }
    const compression = compressionAt(initramfs, at);
    if (compression !== "gzip") {
      if (compression !== undefined) return { entries, unreadCompression: compression };
      throw new SyntaxError(
        `${name}: offset ${at}: bytes ${initramfs.subarray(at, at + 4).toHex()} begin neither a ` +
          "cpio archive nor compressed data",
      );
    }
    const member = readGzipMember(initramfs, at, maxBytes - unpackedBytes, name);
    unpackedBytes += member.bytes.length;
    for (const entry of readUnpacked(member.bytes, `${name} (offset ${at}, unpacked)`)) {
      entries.push(entry);
    }
    at = member.end;
  }
  if (archives === 0) {
    throw new SyntaxError(`${name}: ${initramfs.length} bytes without a cpio archive`);
  }
  return { entries };
}

/**
 * How much memory the files of an initramfs take when Linux has unpacked it: contents rounded up to
 * pages. A path that comes twice counts as it was last.
 *
 * @returns undefined if a part has a compression that only the kernel can unpack
 * @throws as {@linkcode readInitramfs}
 */
export function unpackedSize(
  initramfs: Uint8Array,
  options: UnpackOptions = {},
): number | undefined {
  const { entries, unreadCompression } = readInitramfs(initramfs, options);
  if (unreadCompression !== undefined) return undefined;
  const sizes = new Map<string, number>();
  for (const { path, mode, data } of entries) {
    if ((mode & FILE_TYPE.mask) === FILE_TYPE.regular) sizes.set(path, data.length);
  }
  return [...sizes.values()]
    .reduce((sum, size) => sum + Math.ceil(size / PAGE_BYTES) * PAGE_BYTES, 0);
}

/** Name of the compression whose magic stands at the offset. */
export function compressionAt(bytes: Uint8Array, offset = 0): string | undefined {
  return COMPRESSIONS.find(([, magic]) =>
    magic.every((byte, index) => bytes[offset + index] === byte)
  )?.[0];
}

/** Archives, one behind the other, in what a compressed part unpacked to. */
function* readUnpacked(bytes: Uint8Array, name: string): Generator<CpioEntry> {
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0) {
      at++;
      continue;
    }
    const archive = readCpioAt(bytes, at, name);
    yield* archive.entries;
    at = archive.end;
  }
}
