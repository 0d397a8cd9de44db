/**
 * Reads cpio archives in the "newc" format. The input is hostile: every length is checked against
 * what is left of the archive, and nothing is copied; file contents are views of the input. Each
 * error names the byte offset and the field.
 *
 * @module
 */

import { TRAILER } from "./cpio_writer.ts";

/** One entry of an archive. */
export interface CpioEntry {
  /** Path as the archive has it, usually without a leading `/`. */
  readonly path: string;
  /** Type and permissions (`st_mode`). */
  readonly mode: number;
  /** Number of the inode; entries that share it and have more than one link are one file. */
  readonly inode: number;
  /** User who owns it. */
  readonly uid: number;
  /** Group that owns it. */
  readonly gid: number;
  /** Number of hard links. */
  readonly linkCount: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Major number of a device node. */
  readonly major: number;
  /** Minor number of a device node. */
  readonly minor: number;
  /** Content of a file or target of a symbolic link: a view of the archive. */
  readonly data: Uint8Array;
}

/** Fields behind the magic, eight hexadecimal digits each. */
const FIELDS = [
  "inode",
  "mode",
  "uid",
  "gid",
  "nlink",
  "mtime",
  "filesize",
  "devmajor",
  "devminor",
  "rdevmajor",
  "rdevminor",
  "namesize",
  "check",
] as const;
const MAGIC_LENGTH = 6;
const HEADER_LENGTH = MAGIC_LENGTH + 8 * FIELDS.length;
/** Linux's PATH_MAX: longer names are skipped by the kernel, so no sound archive has them. */
const MAX_NAME_LENGTH = 4096;

const utf8 = new TextDecoder();

/**
 * Reads one uncompressed archive up to its trailer.
 *
 * @param name what to call the file in errors
 * @throws {SyntaxError} if the archive is malformed or has no trailer
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readCpio, writeCpio } from "./mod.ts";
 *
 * const [file] = readCpio(writeCpio({ "motd": { content: "hello\n" } }));
 * assertEquals(new TextDecoder().decode(file?.data), "hello\n");
 * ```
 */
export function readCpio(archive: Uint8Array, name = "cpio"): CpioEntry[] {
  return readCpioAt(archive, 0, name).entries;
}

/** Reads the archive at an offset; returns its entries and the offset behind its trailer. */
export function readCpioAt(
  archive: Uint8Array,
  offset: number,
  name: string,
): { entries: CpioEntry[]; end: number } {
  const entries: CpioEntry[] = [];
  for (let at = offset;;) {
    const { entry, end } = readEntry(archive, at, offset, name);
    if (entry.path === TRAILER) return { entries, end };
    entries.push(entry);
    at = end;
  }
}

/** Whether the magic of an entry ("newc", with or without checksums) stands at the offset. */
export function isCpio(bytes: Uint8Array, offset = 0): boolean {
  const magic = latin1(bytes, offset, MAGIC_LENGTH);
  return magic === "070701" || magic === "070702";
}

function readEntry(archive: Uint8Array, at: number, start: number, name: string) {
  const fail = (offset: number, message: string) =>
    new SyntaxError(`${name}: offset ${offset}: ${message}`);

  if (at >= archive.length) throw fail(at, `archive ends without its ${TRAILER} entry: truncated`);
  if (!isCpio(archive, at)) {
    const found = JSON.stringify(latin1(archive, at, MAGIC_LENGTH));
    throw fail(at, `magic of an entry is ${found}, not "070701"; pack with cpio -o -H newc`);
  }
  if (archive.length - at < HEADER_LENGTH) throw fail(at, "archive ends inside of a header");
  const header = latin1(archive, at, HEADER_LENGTH);
  const field = (wanted: typeof FIELDS[number]): number => {
    const offset = MAGIC_LENGTH + 8 * FIELDS.indexOf(wanted);
    const digits = header.slice(offset, offset + 8);
    if (!/^[0-9a-fA-F]{8}$/.test(digits)) {
      throw fail(at + offset, `${wanted} is ${JSON.stringify(digits)}, not 8 hexadecimal digits`);
    }
    return parseInt(digits, 16);
  };

  const nameSize = field("namesize");
  const nameAt = at + HEADER_LENGTH;
  if (nameSize < 1 || nameSize > MAX_NAME_LENGTH || nameSize > archive.length - nameAt) {
    throw fail(at, `namesize is ${nameSize}; ${archive.length - nameAt} bytes are left`);
  }
  const rawName = archive.subarray(nameAt, nameAt + nameSize - 1);
  if (rawName.includes(0) || archive[nameAt + nameSize - 1] !== 0) {
    throw fail(nameAt, `name of ${nameSize} bytes does not end with its only NUL`);
  }
  const path = utf8.decode(rawName);

  // Padding counts from the start of the archive: a segment behind another is aligned to itself.
  const dataAt = aligned(nameAt + nameSize, start);
  const sizeBytes = field("filesize");
  if (sizeBytes > archive.length - dataAt) {
    throw fail(
      at,
      `filesize of ${path} is ${sizeBytes}; ${Math.max(0, archive.length - dataAt)} bytes are left`,
    );
  }
  const entry: CpioEntry = {
    path,
    mode: field("mode"),
    inode: field("inode"),
    uid: field("uid"),
    gid: field("gid"),
    linkCount: field("nlink"),
    mtime: field("mtime"),
    major: field("rdevmajor"),
    minor: field("rdevminor"),
    data: archive.subarray(dataAt, dataAt + sizeBytes),
  };
  return { entry, end: Math.min(archive.length, aligned(dataAt + sizeBytes, start)) };
}

function aligned(offset: number, start: number): number {
  return offset + (-(offset - start) & 3);
}

function latin1(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
