/**
 * SHA-256, at once.
 *
 * @module
 */

import { encodeHex } from "./hex.ts";

/** Size of a digest. */
export const DIGEST_BYTES = 32;

/** SHA-256 of one run of bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return crypto().hash("sha256", bytes, "buffer");
}

/** SHA-256 of several runs of bytes as if they were one. */
export function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = crypto().createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest();
}

/** Lower-case hex SHA-256. */
export function sha256Hex(bytes: Uint8Array): string {
  return encodeHex(sha256(bytes));
}

let loaded: typeof import("node:crypto") | undefined;

/** Loading it takes longer than anything else that a machine is made of: not before it is wanted. */
function crypto(): typeof import("node:crypto") {
  // deno-lint-ignore no-process-global -- an import is what this avoids (vmm/initramfs/node_zlib.ts)
  return loaded ??= process.getBuiltinModule("node:crypto");
}
