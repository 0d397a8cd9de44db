/**
 * Writes a cpio archive in the "newc" format (SVR4 without checksum), the one that Linux unpacks
 * into its first root file system (`Documentation/driver-api/early-userspace/buffer-format.rst`).
 *
 * Input is a file map: paths to what lies there. Output depends on nothing but the map: times are
 * zero, owners root, inode numbers count up, paths are in order, and directories on the way are
 * added where the map does not have them.
 *
 * @module
 */

/** What lies at a path of a file map. */
export type FileMapEntry =
  /** A regular file; a string is written as UTF-8. Mode 0o644 unless given. */
  | { readonly content: Uint8Array | string; readonly mode?: number }
  /** A symbolic link to a path. */
  | { readonly link: string }
  /** A directory. Mode 0o755 unless given. */
  | { readonly dir: true; readonly mode?: number }
  /** A device node. Mode 0o600 unless given. */
  | {
    readonly device: "char" | "block";
    readonly major: number;
    readonly minor: number;
    readonly mode?: number;
  };

/** Paths, with or without a leading `/`, to what lies there. */
export type FileMap = Readonly<Record<string, FileMapEntry>>;

/** Bits of a mode that say what a file is (`S_IFMT` of POSIX). */
export const FILE_TYPE = {
  mask: 0o170000,
  link: 0o120000,
  regular: 0o100000,
  block: 0o060000,
  dir: 0o040000,
  char: 0o020000,
} as const;

/** Name of the entry that ends an archive. */
export const TRAILER = "TRAILER!!!";

/**
 * Packs a file map.
 *
 * @throws {TypeError} if a path is empty, leaves the root (`..`), contains NUL, or lies below
 * something that is no directory, or two keys name one path
 * @throws {RangeError} if a mode, device number or file length does not fit the format
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readCpio, writeCpio } from "./mod.ts";
 *
 * const archive = writeCpio({
 *   "/bin/busybox": { content: new Uint8Array([0x7f, 0x45]), mode: 0o755 },
 *   "/init": { link: "bin/busybox" },
 *   "/dev/console": { device: "char", major: 5, minor: 1 },
 * });
 * assertEquals(readCpio(archive).map((entry) => entry.path), [
 *   "bin",
 *   "bin/busybox",
 *   "dev",
 *   "dev/console",
 *   "init",
 * ]);
 * ```
 */
export function writeCpio(files: FileMap): Uint8Array<ArrayBuffer> {
  const entries = [...withParents(files)].map(([path, entry]) => toHeader(path, entry));
  entries.push({ ...EMPTY, name: encodeName(TRAILER) });
  const archive = new Uint8Array(entries.reduce((sum, entry) => sum + packedSize(entry), 0));
  let at = 0;
  entries.forEach((entry, index) => {
    const inode = index + 1 < entries.length ? index + 1 : 0; // 0: the trailer
    ENCODER.encodeInto(headerText(entry, inode), archive.subarray(at));
    archive.set(entry.name, at + HEADER_LENGTH);
    archive.set(entry.data, at + aligned(HEADER_LENGTH + entry.name.length));
    at += packedSize(entry);
  });
  return archive;
}

interface Header {
  /** The path with the NUL that ends it. */
  readonly name: Uint8Array;
  readonly mode: number;
  readonly linkCount: number;
  readonly major: number;
  readonly minor: number;
  readonly data: Uint8Array;
}

const ENCODER = new TextEncoder();
/** The magic and thirteen fields of eight hexadecimal digits. */
const HEADER_LENGTH = 6 + 13 * 8;
const EMPTY = { mode: 0, linkCount: 1, major: 0, minor: 0, data: new Uint8Array(0) };

/** Normalised paths in order of their components, parents first. */
function withParents(files: FileMap): Map<string, FileMapEntry> {
  const entries = new Map<string, FileMapEntry>();
  for (const [key, entry] of Object.entries(files)) {
    const path = normalise(key);
    if (entries.has(path)) throw new TypeError(`File map names ${path} twice, once as ${key}`);
    entries.set(path, entry);
  }
  for (const path of [...entries.keys()]) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      const entry = entries.get(parent);
      if (entry === undefined) entries.set(parent, { dir: true });
      else if (!("dir" in entry)) {
        throw new TypeError(`File map has ${path} below ${parent}, which is no directory`);
      }
    }
  }
  return new Map([...entries].sort(([a], [b]) => orderOf(a) < orderOf(b) ? -1 : 1));
}

/**
 * By code units, so that the order depends on no locale; a parent comes before its children, as NUL comes
 * before all that may be in a name.
 */
function orderOf(path: string): string {
  return path.replaceAll("/", "\0");
}

function normalise(key: string): string {
  const parts = key.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0) throw new TypeError(`File map has an empty path ${JSON.stringify(key)}`);
  if (parts.includes("..")) throw new TypeError(`File map path ${key} leaves the root`);
  if (key.includes("\0")) throw new TypeError(`File map path ${JSON.stringify(key)} contains NUL`);
  if (parts.length === 1 && parts[0] === TRAILER) {
    throw new TypeError(`File map path ${key} is what ends an archive: use another name`);
  }
  return parts.join("/");
}

function toHeader(path: string, entry: FileMapEntry): Header {
  const name = encodeName(path);
  if ("content" in entry) {
    const { content } = entry;
    const data = typeof content === "string" ? ENCODER.encode(content) : content;
    if (data.length > 0xffff_ffff) {
      throw new RangeError(`${path} has ${data.length} bytes: at most 4 GiB - 1`);
    }
    return { ...EMPTY, name, mode: FILE_TYPE.regular | permissions(path, entry, 0o644), data };
  }
  if ("link" in entry) {
    if (entry.link === "" || entry.link.includes("\0")) {
      throw new TypeError(`File map has ${path} as a link to ${JSON.stringify(entry.link)}`);
    }
    const data = ENCODER.encode(entry.link);
    return { ...EMPTY, name, mode: FILE_TYPE.link | 0o777, data };
  }
  if ("dir" in entry) {
    return { ...EMPTY, name, mode: FILE_TYPE.dir | permissions(path, entry, 0o755), linkCount: 2 };
  }
  const mode = FILE_TYPE[entry.device] | permissions(path, entry, 0o600);
  for (const number of [entry.major, entry.minor]) {
    if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
      throw new RangeError(`Device ${path} has number ${entry.major}:${entry.minor}`);
    }
  }
  return { ...EMPTY, name, mode, major: entry.major, minor: entry.minor };
}

function permissions(path: string, entry: { readonly mode?: number }, standard: number): number {
  const mode = entry.mode ?? standard;
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw new RangeError(`${path} has mode ${mode}: give permission bits only, 0 to 0o7777`);
  }
  return mode;
}

function encodeName(path: string): Uint8Array {
  return ENCODER.encode(path + "\0");
}

/** Magic and fields; the name stands behind them. */
function headerText(header: Header, inode: number): string {
  const fields = [
    inode,
    header.mode,
    0, // uid
    0, // gid
    header.linkCount,
    0, // mtime
    header.data.length,
    0, // major and minor of the device that holds the file
    0,
    header.major,
    header.minor,
    header.name.length,
    0, // checksum, used by another format only
  ];
  return "070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
}

/** Header and name, then data, each padded to 4 bytes. */
function packedSize({ name, data }: Header): number {
  return aligned(HEADER_LENGTH + name.length) + aligned(data.length);
}

function aligned(length: number): number {
  return length + (-length & 3);
}
