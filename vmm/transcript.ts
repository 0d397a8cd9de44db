/**
 * The text that came over a serial line: raw bytes kept, and a normalised text to match against.
 *
 * Normalised means: UTF-8 decoded, carriage returns and ANSI escape sequences removed. A cursor marks
 * what expectations have consumed.
 *
 * @module
 */

/** A match ends at the last byte received, and spans at most so many characters. */
export const MATCH_WINDOW = 4096;

const ESCAPE = 0x1b;

/** What a pattern found. */
export interface ConsoleMatch {
  /** The matched text. */
  readonly text: string;
  /** Capture groups of a regular expression, in order; absent ones are `undefined`. */
  readonly groups: readonly (string | undefined)[];
  /** What came before the match since the last one. */
  readonly before: string;
}

/** Removes ANSI escape sequences (ECMA-48, 5.4) from a stream, one character at a time. */
class EscapeFilter {
  #state: "text" | "escape" | "sequence" = "text";

  /** Whether the character is text. */
  accepts(code: number): boolean {
    switch (this.#state) {
      case "text":
        if (code === ESCAPE) {
          this.#state = "escape";
          return false;
        }
        return true;
      case "escape":
        this.#state = code === 0x5b ? "sequence" : "text"; // CSI; others have one more byte
        return false;
      case "sequence":
        if (code >= 0x40 && code <= 0x7e) this.#state = "text";
        return false;
    }
  }
}

/** An append-only record of console output. */
export class Transcript {
  readonly #raw: number[] = [];
  readonly #decoder = new TextDecoder();
  readonly #escapes = new EscapeFilter();
  /** The text, in pieces: joined when asked for, so that appending stays cheap. */
  readonly #pieces: string[] = [];
  /** The end of the text, not before the cursor and at most twice the match window. */
  #tail = "";
  #length = 0;
  #cursor = 0;

  /** Everything so far, normalised. */
  get text(): string {
    if (this.#pieces.length > 1) this.#pieces.splice(0, Infinity, this.#pieces.join(""));
    return this.#pieces[0] ?? "";
  }

  /** Length of {@link text}. */
  get length(): number {
    return this.#length;
  }

  /** Everything so far, as it came. */
  get raw(): Uint8Array {
    return Uint8Array.from(this.#raw);
  }

  /** What no expectation has consumed yet. */
  get pending(): string {
    return this.text.slice(this.#cursor);
  }

  /** Adds a byte; answers what it added to the text (nothing while a sequence is incomplete). */
  append(byte: number): string {
    this.#raw.push(byte);
    const decoded = byte < 0x80
      ? String.fromCharCode(byte)
      : this.#decoder.decode(Uint8Array.of(byte), { stream: true });
    let added = "";
    for (const character of decoded) {
      const code = character.codePointAt(0)!;
      if (this.#escapes.accepts(code) && character !== "\r") added += character;
    }
    if (added === "") return added;
    this.#pieces.push(added);
    this.#length += added.length;
    this.#tail += added;
    if (this.#tail.length > 2 * MATCH_WINDOW) this.#tail = this.#tail.slice(-MATCH_WINDOW);
    return added;
  }

  /** Looks for a pattern that ends near the last byte; a match is consumed. */
  consume(pattern: string | RegExp): ConsoleMatch | undefined {
    return this.#consumeIn(this.#tail, pattern);
  }

  /** As {@link consume}, but looks at all that is pending, however long. */
  consumeAnywhere(pattern: string | RegExp): ConsoleMatch | undefined {
    return this.#consumeIn(this.pending, pattern);
  }

  #consumeIn(window: string, pattern: string | RegExp): ConsoleMatch | undefined {
    const found = find(window, pattern);
    if (found === undefined) return undefined;
    const start = this.#length - window.length + found.at;
    const before = this.text.slice(this.#cursor, start);
    this.#cursor = start + found.text.length;
    this.#tail = this.text.slice(Math.max(this.#cursor, this.#length - MATCH_WINDOW));
    return { text: found.text, groups: found.groups, before };
  }

  /** Consumes everything. */
  drain(): string {
    const drained = this.pending;
    this.#cursor = this.#length;
    this.#tail = "";
    return drained;
  }

  /** The last `count` lines, without an empty one at the end. */
  lastLines(count: number): string[] {
    const lines = this.text.slice(-200 * count).split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines.slice(-count);
  }
}

function find(
  text: string,
  pattern: string | RegExp,
): { at: number; text: string; groups: readonly (string | undefined)[] } | undefined {
  if (typeof pattern === "string") {
    const at = text.indexOf(pattern);
    return at < 0 ? undefined : { at, text: pattern, groups: [] };
  }
  pattern.lastIndex = 0; // a global or sticky pattern starts over
  const match = pattern.exec(text);
  return match === null ? undefined : { at: match.index, text: match[0], groups: match.slice(1) };
}
