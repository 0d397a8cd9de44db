/**
 * The text that came over a serial line: raw bytes kept, and a normalised text to match against.
 *
 * Normalised means: UTF-8 decoded, carriage returns and escape sequences removed. A cursor marks what
 * expectations have consumed.
 *
 * @module
 */

import { EscapeFilter } from "./escape_filter.ts";

/** Until it is complete, a match is looked for in so many of the last characters. */
export const MATCH_WINDOW = 4096;
const ESCAPE = "\x1b";

/** What a pattern found. */
export interface ConsoleMatch {
  /** The matched text. */
  readonly text: string;
  /** Capture groups of a regular expression, in order; absent ones are `undefined`. */
  readonly groups: readonly (string | undefined)[];
  /** What came before the match since the last one. */
  readonly before: string;
}

/** A match, not consumed yet. */
export interface Found {
  /** Offset of its first character in {@link Transcript.text}. */
  readonly start: number;
  readonly text: string;
  readonly groups: readonly (string | undefined)[];
}

/** An append-only record of console output. */
export class Transcript {
  #raw = new Uint8Array(4096);
  #rawLength = 0;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #midCharacter = false;
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
    return this.#raw.slice(0, this.#rawLength);
  }

  /** Number of bytes that came. */
  get rawLength(): number {
    return this.#rawLength;
  }

  /** What no expectation has consumed yet. */
  get pending(): string {
    return this.text.slice(this.#cursor);
  }

  /** How much of {@link text} expectations have consumed. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * Takes over a record: the bytes that came, and how much of their text was consumed.
   *
   * @throws {RangeError} if there is less text than that
   */
  restore(raw: Uint8Array, cursor: number): void {
    this.#raw = new Uint8Array(Math.max(4096, raw.length));
    this.#raw.set(raw);
    this.#rawLength = raw.length;
    this.#decoder.decode();
    this.#escapes.reset();
    const text = this.#normalise(this.#decoder.decode(raw, { stream: true }));
    this.#midCharacter = (raw.at(-1) ?? 0) >= 0x80;
    if (cursor > text.length) {
      throw new RangeError(`A cursor at ${cursor} is behind a text of ${text.length} characters`);
    }
    this.#pieces.splice(0, Infinity, text);
    this.#length = text.length;
    this.#cursor = cursor;
    this.#tail = text.slice(Math.max(cursor, this.#length - MATCH_WINDOW));
  }

  /** Adds a byte; answers what it added to the text (nothing while a sequence is incomplete). */
  append(byte: number): string {
    this.#appendRaw(byte);
    const added = this.#normalise(this.#decode(byte));
    if (added === "") return added;
    this.#pieces.push(added);
    this.#length += added.length;
    this.#tail += added;
    if (this.#tail.length > 2 * MATCH_WINDOW) this.#tail = this.#tail.slice(-MATCH_WINDOW);
    return added;
  }

  /** Adds bytes that came one after the other; answers what they added to the text. */
  appendAll(bytes: Uint8Array): string {
    let added = "";
    const first = bytes.subarray(0, 1);
    // What was begun is completed byte by byte.
    if (this.#midCharacter || first.length === 0) {
      for (const byte of bytes) added += this.append(byte);
      return added;
    }
    while (this.#raw.length < this.#rawLength + bytes.length) this.#growRaw();
    this.#raw.set(bytes, this.#rawLength);
    this.#rawLength += bytes.length;
    added = this.#normalise(this.#decoder.decode(bytes, { stream: true }));
    this.#midCharacter = bytes.at(-1)! >= 0x80;
    this.#pieces.push(added);
    this.#length += added.length;
    this.#tail = tailAfter(this.#tail, added);
    return added;
  }

  /** Looks for a pattern in what is pending, however long. */
  find(pattern: string | RegExp): Found | undefined {
    return findIn(this.pending, this.#cursor, pattern);
  }

  /** As {@link find}, for a match that the last byte may have completed: in the last characters only. */
  findAtEnd(pattern: string | RegExp): Found | undefined {
    return findIn(this.#tail, this.#length - this.#tail.length, pattern);
  }

  /** Moves the cursor behind a match. */
  consume({ start, text, groups }: Found): ConsoleMatch {
    const before = this.text.slice(this.#cursor, start);
    this.#cursor = start + text.length;
    this.#tail = this.text.slice(Math.max(this.#cursor, this.#length - MATCH_WINDOW));
    return { text, groups, before };
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

  #appendRaw(byte: number): void {
    if (this.#rawLength === this.#raw.length) this.#growRaw();
    this.#raw[this.#rawLength++] = byte;
  }

  #growRaw(): void {
    const grown = new Uint8Array(Math.max(4096, 2 * this.#raw.length));
    grown.set(this.#raw);
    this.#raw = grown;
  }

  #normalise(decoded: string): string {
    let text = "";
    for (let at = 0; at < decoded.length;) {
      if (!this.#escapes.isInSequence) {
        // Most of it is plain text.
        const escape = decoded.indexOf(ESCAPE, at);
        const end = escape < 0 ? decoded.length : escape;
        text += decoded.slice(at, end);
        at = end;
        if (at === decoded.length) break;
      }
      const character = String.fromCodePoint(decoded.codePointAt(at)!);
      if (this.#escapes.accepts(character.codePointAt(0)!)) text += character;
      at += character.length;
    }
    return text.includes("\r") ? text.replaceAll("\r", "") : text;
  }

  #decode(byte: number): string {
    if (byte < 0x80 && !this.#midCharacter) return String.fromCharCode(byte);
    const decoded = this.#decoder.decode(Uint8Array.of(byte), { stream: true });
    // An ASCII byte completes whatever was begun, if only as an error.
    this.#midCharacter = byte >= 0x80 && (decoded === "" || decoded.endsWith("\ufffd"));
    return decoded;
  }
}

/** The tail after text was added character by character, so that a pattern finds the same either way. */
function tailAfter(tail: string, added: string): string {
  const longest = 2 * MATCH_WINDOW;
  const over = tail.length + added.length - (longest + 1);
  const text = tail + added;
  if (over < 0) return text;
  return text.slice(-(MATCH_WINDOW + over % (longest + 1 - MATCH_WINDOW)));
}

function findIn(text: string, offset: number, pattern: string | RegExp): Found | undefined {
  if (typeof pattern === "string") {
    const at = text.indexOf(pattern);
    return at < 0 ? undefined : { start: offset + at, text: pattern, groups: [] };
  }
  pattern.lastIndex = 0; // a global or sticky pattern starts over
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return { start: offset + match.index, text: match[0], groups: match.slice(1) };
}
