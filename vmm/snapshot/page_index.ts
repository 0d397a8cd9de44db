/**
 * Finds pages by their SHA-256: a hash table in typed arrays, as there may be millions of pages.
 *
 * Every digest has a number, given in the order in which they were added.
 *
 * @module
 */

import { DIGEST_BYTES } from "./digest.ts";

const LEAST_SLOTS = 1024;
const WORDS = DIGEST_BYTES / 4;

/** Numbers for digests. */
export class PageIndex {
  /** Number + 1 of the digest in each slot, 0 if it is free; at most half of them are taken. */
  #slots = new Uint32Array(LEAST_SLOTS);
  #words = new Uint32Array(LEAST_SLOTS / 2 * WORDS);
  #count = 0;
  readonly #wanted = new Uint8Array(DIGEST_BYTES);
  readonly #wantedWords = new Uint32Array(this.#wanted.buffer);

  /** How many digests there are. */
  get count(): number {
    return this.#count;
  }

  /** Number of the digest at `offset`, or -1. */
  find(digests: Uint8Array, offset = 0): number {
    this.#want(digests, offset);
    return (this.#slots[this.#slot()] as number) - 1;
  }

  /** Number of the digest at `offset`, which gets one if it has none. */
  add(digests: Uint8Array, offset = 0): number {
    this.#want(digests, offset);
    let slot = this.#slot();
    const found = this.#slots[slot] as number;
    if (found !== 0) return found - 1;
    if ((this.#count + 1) * 2 > this.#slots.length) {
      this.#grow();
      slot = this.#slot();
    }
    this.#words.set(this.#wantedWords, this.#count * WORDS);
    this.#slots[slot] = ++this.#count;
    return this.#count - 1;
  }

  /** All digests in the order of their numbers, as a copy. */
  digests(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#words.slice(0, this.#count * WORDS).buffer);
  }

  #want(digests: Uint8Array, offset: number): void {
    for (let n = 0; n < DIGEST_BYTES; n++) this.#wanted[n] = digests[offset + n] as number;
  }

  /** The slot that has the wanted digest, or the free one where it belongs. */
  #slot(): number {
    const mask = this.#slots.length - 1;
    const wanted = this.#wantedWords;
    for (let slot = (wanted[0] as number) & mask;; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1;
      if (number < 0) return slot;
      let n = 0;
      while (n < WORDS && this.#words[number * WORDS + n] === wanted[n]) n++;
      if (n === WORDS) return slot;
    }
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const words = new Uint32Array(slots.length / 2 * WORDS);
    words.set(this.#words);
    for (let number = 0; number < this.#count; number++) {
      let slot = (words[number * WORDS] as number) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number + 1;
    }
    this.#slots = slots;
    this.#words = words;
  }
}
