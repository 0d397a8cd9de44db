/**
 * Where the lines of a transcript begin, in its bytes and in its text.
 *
 * @module
 */

/** Offsets of each line's first byte and first character. */
export class LineIndex {
  /** Two for each line: byte, character. */
  #starts = new Uint32Array(64);
  #count = 1;

  /** Lines begun: the last may be empty. */
  get count(): number {
    return this.#count;
  }

  /** A line ended: the next begins here. */
  begin(byte: number, character: number): void {
    const at = 2 * this.#count++;
    if (at === this.#starts.length) {
      const grown = new Uint32Array(2 * at);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[at] = byte;
    this.#starts[at + 1] = character;
  }

  /** First byte of a line. */
  byteAt(line: number): number {
    return this.#starts[2 * line]!;
  }

  /** Offset in the text of a line's first character. */
  characterAt(line: number): number {
    return this.#starts[2 * line + 1]!;
  }

  /** The line that a character of the text lies in. */
  lineOf(character: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[2 * middle + 1]! <= character) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
