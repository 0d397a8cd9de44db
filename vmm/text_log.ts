/**
 * Text that only grows, and of which parts are asked for meanwhile: neither costs more the longer it is.
 *
 * @module
 */

/** Text at the end is put together when it is asked for, or is so long. */
const PIECE_CHARACTERS = 1 << 14;

/** An append-only text. */
export class TextLog {
  /** Whole pieces, and where each begins. */
  readonly #pieces: string[] = [];
  readonly #starts: number[] = [];
  /** What came after them, as it came. */
  #recent: string[] = [];
  #recentStart = 0;
  #length = 0;
  /** Characters copied so far, for tests of what things cost. */
  copied = 0;

  /** Number of UTF-16 code units. */
  get length(): number {
    return this.#length;
  }

  /** Adds text. */
  append(text: string): void {
    this.#recent.push(text);
    this.#length += text.length;
    if (this.#length - this.#recentStart < PIECE_CHARACTERS) return;
    this.#pieces.push(this.#joinRecent());
    this.#starts.push(this.#recentStart);
    this.#recent = [];
    this.#recentStart = this.#length;
  }

  /** Text from one offset up to another, or to the end. */
  slice(start: number, end = this.#length): string {
    if (start >= this.#recentStart) {
      return this.#joinRecent().slice(start - this.#recentStart, end - this.#recentStart);
    }
    const parts: string[] = [];
    for (let n = this.#pieceAt(start); n < this.#pieces.length; n++) {
      const at = this.#starts[n]!;
      if (at >= end) break;
      parts.push(this.#pieces[n]!.slice(Math.max(0, start - at), end - at));
    }
    if (end > this.#recentStart) parts.push(this.#joinRecent().slice(0, end - this.#recentStart));
    this.copied += Math.max(0, end - start);
    return parts.join("");
  }

  #joinRecent(): string {
    if (this.#recent.length !== 1) {
      this.copied += this.#length - this.#recentStart;
      this.#recent = [this.#recent.join("")];
    }
    return this.#recent[0]!;
  }

  #pieceAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
