/**
 * The ChaCha20 block function (D. J. Bernstein, "ChaCha, a variant of Salsa20"; RFC 8439, 2.3), with the
 * 64-bit counter and 64-bit nonce of the original. The nonce is 0: each stream has a key of its own.
 *
 * @module
 */

/** Length of a block in bytes. */
export const CHACHA20_BLOCK_BYTES = 64;
/** Words of a key. */
export const CHACHA20_KEY_WORDS = 8;

const WORDS = CHACHA20_BLOCK_BYTES / 4;
const DOUBLE_ROUNDS = 10;
/** "expand 32-byte k" in ASCII. */
const CONSTANTS = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/** Columns, then diagonals. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/**
 * One block of the stream that a key determines.
 *
 * @param key {@linkcode CHACHA20_KEY_WORDS} words
 * @param block number of the block, below 2^53
 */
export function chacha20Block(key: Uint32Array, block: number): Uint8Array<ArrayBuffer> {
  const start = new Uint32Array(WORDS);
  start.set(CONSTANTS);
  start.set(key, 4);
  start[12] = block;
  start[13] = block / 2 ** 32;
  const words = start.slice();
  for (let round = 0; round < DOUBLE_ROUNDS; round++) {
    for (const [a, b, c, d] of QUARTERS) quarterRound(words, a, b, c, d);
  }
  const bytes = new Uint8Array(CHACHA20_BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  for (let n = 0; n < WORDS; n++) view.setUint32(4 * n, words[n]! + start[n]!, true);
  return bytes;
}

function quarterRound(words: Uint32Array, a: number, b: number, c: number, d: number): void {
  words[a]! += words[b]!;
  words[d] = rotateLeft(words[d]! ^ words[a]!, 16);
  words[c]! += words[d]!;
  words[b] = rotateLeft(words[b]! ^ words[c]!, 12);
  words[a]! += words[b]!;
  words[d] = rotateLeft(words[d]! ^ words[a]!, 8);
  words[c]! += words[d]!;
  words[b] = rotateLeft(words[b]! ^ words[c]!, 7);
}

function rotateLeft(word: number, bits: number): number {
  return word << bits | word >>> 32 - bits;
}
