/**
 * Bytes that wait for a receiver with little room. What one costs does not depend on how many wait.
 *
 * @module
 */

/** First in, first out. */
export class InputQueue {
  #chunks: Uint8Array[] = [];
  /** The first chunk that has bytes left, and its first byte left. */
  #chunk = 0;
  #byte = 0;
  #length = 0;
  /** Bytes and chunks moved so far, for tests of what things cost. */
  work = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes.slice());
    this.work += bytes.length;
    this.#length += bytes.length;
  }

  /** The next bytes, at most so many. */
  peek(atMost: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(Math.min(atMost, this.#length));
    let [chunk, byte] = [this.#chunk, this.#byte];
    for (let at = 0; at < bytes.length; chunk++, byte = 0) {
      const part = this.#chunks[chunk]!.subarray(byte, byte + bytes.length - at);
      bytes.set(part, at);
      at += part.length;
    }
    this.work += bytes.length;
    return bytes;
  }

  /** Takes away bytes that {@link peek} showed. */
  drop(count: number): void {
    this.#length -= count;
    this.#byte += count;
    while (this.#chunk < this.#chunks.length && this.#byte >= this.#chunks[this.#chunk]!.length) {
      this.#byte -= this.#chunks[this.#chunk++]!.length;
    }
    // Chunks that are empty go when they are half of all.
    if (2 * this.#chunk < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#chunk);
    this.work += this.#chunks.length;
    this.#chunk = 0;
  }

  /** Takes all away. */
  clear(): void {
    this.#chunks = [];
    this.#chunk = this.#byte = this.#length = 0;
  }

  /** All that wait, in one. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const [n, chunk] of this.#chunks.slice(this.#chunk).entries()) {
      const left = n === 0 ? chunk.subarray(this.#byte) : chunk;
      all.set(left, at);
      at += left.length;
    }
    return all;
  }
}
