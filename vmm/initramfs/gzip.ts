/**
 * The gzip file format (RFC 1952), one member at a time. `node:zlib` inflates; header and trailer
 * are read here, because a member must end exactly where it ends: an initramfs may go on behind it
 * with something else.
 *
 * @module
 */

import { nodeZlib } from "./node_zlib.ts";

/** The first two bytes of a member, and the only method (RFC 1952, 2.3.1). */
export const GZIP_MAGIC = [0x1f, 0x8b] as const;
const METHOD_DEFLATE = 8;
const HEADER_LENGTH = 10;
const TRAILER_LENGTH = 8;
/** Byte of the header that names the operating system; 255 is "unknown". */
const OS_OFFSET = 9;

/** Bits of the header's byte 3. */
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/** Compresses with a header that depends on neither time nor host. */
export function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(nodeZlib().gzipSync(bytes, { level: 9 }));
  packed[OS_OFFSET] = 255;
  return packed;
}

/**
 * Unpacks the members of a gzip file. Zeros behind the last one are padding.
 *
 * @param maxBytes unpack at most this much: a guard against files made to fill memory
 * @param name what to call the file in errors
 * @throws {SyntaxError} if the file is damaged or truncated
 * @throws {RangeError} if it unpacks to more than `maxBytes`
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { gunzip, gzip } from "./gzip.ts";
 *
 * assertEquals(gunzip(gzip(new Uint8Array([1, 2, 3])), 1 << 20), new Uint8Array([1, 2, 3]));
 * ```
 */
export function gunzip(packed: Uint8Array, maxBytes: number, name = "gzip"): Uint8Array {
  const first = readGzipMember(packed, 0, maxBytes, name);
  const chunks = [first.bytes];
  let length = first.bytes.length;
  let at = first.end;
  while (packed.subarray(at).some((byte) => byte !== 0)) {
    const member = readGzipMember(packed, at, maxBytes - length, name);
    chunks.push(member.bytes);
    length += member.bytes.length;
    at = member.end;
  }
  if (chunks.length === 1) return first.bytes;
  const joined = new Uint8Array(length);
  for (let i = 0, to = 0; i < chunks.length; to += chunks[i]!.length, i++) {
    joined.set(chunks[i]!, to);
  }
  return joined;
}

/**
 * Unpacks the member at an offset.
 *
 * @returns its content, and the offset behind its trailer
 * @throws as {@linkcode gunzip}
 */
export function readGzipMember(
  packed: Uint8Array,
  offset: number,
  maxBytes: number,
  name: string,
): { bytes: Uint8Array; end: number } {
  const fail = (at: number, message: string) =>
    new SyntaxError(`${name}: offset ${at}: ${message}: the file is damaged or truncated`);
  const dataAt = readHeader(packed, offset, fail);
  const { bytes, consumedBytes } = inflate(packed.subarray(dataAt), dataAt, maxBytes, name, fail);
  const trailerAt = dataAt + consumedBytes;
  if (packed.length - trailerAt < TRAILER_LENGTH) {
    throw fail(trailerAt, "gzip data ends without CRC32 and ISIZE");
  }
  const view = new DataView(packed.buffer, packed.byteOffset + trailerAt, TRAILER_LENGTH);
  if (view.getUint32(0, true) !== nodeZlib().crc32(bytes)) {
    throw fail(trailerAt, "CRC32 does not match");
  }
  if (view.getUint32(4, true) !== bytes.length % 2 ** 32) {
    throw fail(trailerAt + 4, "ISIZE does not match");
  }
  return { bytes, end: trailerAt + TRAILER_LENGTH };
}

type Failure = (offset: number, message: string) => SyntaxError;

/** Checks the header; returns the offset of the compressed data. */
function readHeader(packed: Uint8Array, offset: number, fail: Failure): number {
  if (packed.length - offset < HEADER_LENGTH) throw fail(offset, "gzip header is incomplete");
  if (!GZIP_MAGIC.every((byte, index) => packed[offset + index] === byte)) {
    throw fail(offset, "no gzip magic 1f 8b");
  }
  const method = packed[offset + 2]!;
  if (method !== METHOD_DEFLATE) throw fail(offset + 2, `gzip method ${method} is not deflate (8)`);
  const flags = packed[offset + 3]!;
  if ((flags & FLAG.reserved) !== 0) {
    throw fail(offset + 3, `gzip flags ${flags} have unknown bits`);
  }

  let at = offset + HEADER_LENGTH;
  if (flags & FLAG.extra) {
    if (packed.length - at < 2) throw fail(at, "gzip header is incomplete");
    at += 2 + packed[at]! + packed[at + 1]! * 256;
  }
  for (const flag of [FLAG.name, FLAG.comment]) {
    if ((flags & flag) === 0) continue;
    const nul = packed.indexOf(0, at);
    if (nul < 0) throw fail(at, "gzip header has a text without end");
    at = nul + 1;
  }
  if (flags & FLAG.headerCrc) at += 2;
  if (at >= packed.length) throw fail(offset, "gzip header is incomplete");
  return at;
}

function inflate(
  deflated: Uint8Array,
  offset: number,
  maxBytes: number,
  name: string,
  fail: Failure,
): { bytes: Uint8Array; consumedBytes: number } {
  // With `info`, which the type declarations lack, the result has the engine too, and with it the
  // number of bytes consumed. Bytes behind the end of the data are left alone.
  const settings = { maxOutputLength: Math.max(1, maxBytes), info: true };
  try {
    const { buffer, engine } = nodeZlib().inflateRawSync(deflated, settings) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { bytes: new Uint8Array(buffer), consumedBytes: engine.bytesWritten };
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
      throw new RangeError(
        `${name}: offset ${offset}: unpacks to more than ${maxBytes} bytes, the limit`,
      );
    }
    throw fail(offset, `deflate data: ${(error as Error).message}`);
  }
}
