/**
 * The bytes of a manifest file, one CBOR item:
 *
 * ```text
 * 55799([ "himawari-snapshot", 1, SHA-256 of the body, body ])
 * ```
 *
 * The tag says that it is CBOR (RFC 8949, 3.4.6); magic and version come before all that another
 * version may have changed. The body is a byte string that holds the CBOR of {@link Manifest}.
 *
 * @module
 */

import { decodeCbor, encodeCbor } from "./cbor.ts";
import { scanCbor, TruncatedCborError } from "./cbor_scan.ts";
import { DIGEST_BYTES, sha256 } from "./digest.ts";
import { type Manifest, manifestFromValue, manifestToValue, recordFromValue } from "./manifest.ts";
import type { SnapshotRecord } from "./record.ts";
import { SnapshotError } from "./snapshot_error.ts";

const MAGIC = "himawari-snapshot";
const VERSION = 1;

/** Tag 55799, array of four, text of the magic's length. */
const OPENING = Uint8Array.of(
  ...[0xd9, 0xd9, 0xf7, 0x84, 0x60 + MAGIC.length],
  ...new TextEncoder().encode(MAGIC),
);
const VERSION_AT = OPENING.length;
/** Byte string of 32 bytes: 0x58, 0x20. */
const DIGEST_AT = VERSION_AT + 3;
/** Byte string with a length of four bytes: 0x5a. */
const BODY_AT = DIGEST_AT + DIGEST_BYTES + 5;

/** Map of three, whose first key is "record". */
const BODY_OPENING = Uint8Array.of(0xa3, 0x66, ...new TextEncoder().encode("record"));

/** How much of a file is likely to have all of the record. */
const RECORD_HEAD_BYTES = 16384;

/** Writes the bytes of a manifest file. */
export function encodeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  const body = encodeCbor(manifestToValue(manifest));
  const bytes = new Uint8Array(BODY_AT + body.length);
  bytes.set(OPENING);
  bytes.set([VERSION, 0x58, DIGEST_BYTES], VERSION_AT);
  bytes.set(sha256(body), DIGEST_AT);
  bytes[BODY_AT - 5] = 0x5a;
  new DataView(bytes.buffer).setUint32(BODY_AT - 4, body.length);
  bytes.set(body, BODY_AT);
  return bytes;
}

/**
 * Reads a manifest file.
 *
 * @returns undefined if there is none
 * @throws {SnapshotError} if it cannot be used
 */
export function readManifest(path: string, key: string): Manifest | undefined {
  const bytes = readFile(path);
  return bytes && checked(path, key, () => {
    checkOpening(bytes, path);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (bytes.length < BODY_AT || view.getUint32(BODY_AT - 4) !== bytes.length - BODY_AT) {
      throw new SyntaxError("it is cut short, or there is something behind it");
    }
    const body = bytes.subarray(BODY_AT);
    if (!sha256(body).every((byte, n) => byte === bytes[DIGEST_AT + n])) {
      throw new SyntaxError("its digest is not that of its content");
    }
    return manifestFromValue(decodeCbor(body));
  });
}

/**
 * Reads the record of a manifest file, and no more of it than need be; that it is whole follows
 * from its key. Returns and throws as {@link readManifest}.
 */
export function readRecord(path: string, key: string): SnapshotRecord | undefined {
  const read = (bytes: Uint8Array) => {
    checkOpening(bytes, path);
    const body = bytes.subarray(BODY_AT);
    if (!startsWith(body, BODY_OPENING)) throw new SyntaxError("its record is not in its place");
    const end = scanCbor(body, BODY_OPENING.length);
    return { record: recordFromValue(decodeCbor(body.subarray(BODY_OPENING.length, end))) };
  };
  const head = readFile(path, RECORD_HEAD_BYTES);
  const result = head && checked(path, key, () => {
    try {
      return read(head);
    } catch (error) {
      if (!(error instanceof TruncatedCborError) || head.length < RECORD_HEAD_BYTES) throw error;
      const whole = readFile(path);
      return whole && read(whole);
    }
  });
  return result?.record;
}

function checkOpening(bytes: Uint8Array, path: string): void {
  if (!startsWith(bytes, OPENING)) {
    throw new SnapshotError("not-a-snapshot", path, "it is not a snapshot");
  }
  const version = bytes[VERSION_AT];
  if (version === undefined) throw new SyntaxError("it is cut short");
  if (version !== VERSION) {
    const shown = version < 24 ? version : "unknown";
    throw new SnapshotError(
      "unknown-version",
      path,
      `it has format version ${shown}, known is ${VERSION}`,
    );
  }
  if (bytes[DIGEST_AT - 2] !== 0x58 || bytes[DIGEST_AT - 1] !== DIGEST_BYTES) {
    throw new SyntaxError("its digest is missing");
  }
  if (bytes[BODY_AT - 5] !== 0x5a) throw new SyntaxError("its body is missing");
}

function checked<T extends { readonly record: SnapshotRecord } | undefined>(
  path: string,
  key: string,
  read: () => T,
): T {
  try {
    const result = read();
    if (result !== undefined && result.record.key !== key) {
      throw new SyntaxError("it is the snapshot of another key");
    }
    return result;
  } catch (error) {
    // Not well-formed, of another type, or too large for an engine's limits: all the same here.
    if (error instanceof SnapshotError || !(error instanceof Error)) throw error;
    throw new SnapshotError("damaged", path, error.message, { cause: error });
  }
}

/** The first bytes of a file, all unless told otherwise. */
function readFile(path: string, limitBytes = Infinity): Uint8Array | undefined {
  try {
    if (limitBytes === Infinity) return Deno.readFileSync(path);
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(limitBytes);
    let length = 0;
    for (let count: number | null; (count = file.readSync(bytes.subarray(length)));) {
      length += count;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    const detail = `it cannot be read (${(error as Error).message})`;
    throw new SnapshotError("unreadable", path, detail, { cause: error });
  }
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, n) => bytes[n] === byte);
}
