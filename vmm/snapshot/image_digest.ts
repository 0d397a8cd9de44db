/**
 * What tells one content of RAM from another, without looking at pages that have not changed.
 *
 * @module
 */

import { DIGEST_BYTES, sha256Of } from "./digest.ts";
import { type PageTable, ZERO_CHUNK } from "./manifest.ts";

const NO_BASE = new Uint8Array(DIGEST_BYTES);

/**
 * SHA-256 of: the base's image digest, or zeros; `pageCount` and `pages` as 32-bit little-endian
 * numbers; the digest of each of `pages`, zeros for one that holds zeros.
 */
export function imageDigest(table: Omit<PageTable, "image">): Uint8Array {
  const { pages, pageChunks } = table;
  const content = new Uint8Array(pages.length * DIGEST_BYTES);
  for (let n = 0; n < pages.length; n++) {
    const chunk = pageChunks[n] as number;
    if (chunk === ZERO_CHUNK) continue;
    const start = chunk * DIGEST_BYTES;
    content.set(table.digests.subarray(start, start + DIGEST_BYTES), n * DIGEST_BYTES);
  }
  return sha256Of(
    table.base ?? NO_BASE,
    new Uint8Array(Uint32Array.of(table.pageCount).buffer),
    new Uint8Array(pages.buffer, pages.byteOffset, pages.byteLength),
    content,
  );
}
