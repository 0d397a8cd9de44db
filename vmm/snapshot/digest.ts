/**
 * SHA-256, at once.
 *
 * @module
 */

import { createHash, hash } from "node:crypto";
import { encodeHex } from "./hex.ts";

/** Size of a digest. */
export const DIGEST_BYTES = 32;

/** SHA-256 of one run of bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/** SHA-256 of several runs of bytes as if they were one. */
export function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest();
}

/** Lower-case hex SHA-256. */
export function sha256Hex(bytes: Uint8Array): string {
  return encodeHex(sha256(bytes));
}
