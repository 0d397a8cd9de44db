/**
 * The text that came over a serial line: raw bytes kept, with when each came, and a normalised text to
 * match against.
 *
 * Normalised means: UTF-8 decoded, carriage returns and escape sequences removed. A cursor marks what
 * expectations have consumed. Nothing here costs more the longer the transcript is, but for what asks
 * for all of it.
 *
 * @module
 */

import { EscapeFilter } from "./escape_filter.ts";
import { LineIndex } from "./line_index.ts";
import { TextLog } from "./text_log.ts";
import { type Moment, TranscriptTimes } from "./transcript_times.ts";

/** Until it is complete, a match is looked for in so many of the last characters. */
export const MATCH_WINDOW = 4096;
const ESCAPE = "\x1b";
const LINE_FEED = 0x0a;
const POWER_ON: Moment = { nowNs: 0, instructions: 0 };

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
  /** Where what it consumes ends, if that is not the end of its text. */
  readonly end?: number;
}

/** A line of a transcript. */
export interface TimedLine {
  /** Without the line feed; the last line may be still to end. */
  readonly text: string;
  /** When its first byte was printed. */
  readonly at: Moment;
}

/** An append-only record of console output. */
export class Transcript {
  #raw = new Uint8Array(4096);
  #rawLength = 0;
  #times = new TranscriptTimes();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #midCharacter = false;
  readonly #escapes = new EscapeFilter();
  #text = new TextLog();
  #lines = new LineIndex();
  /** Where the end of the text begins: not before the cursor, and at most twice the match window back. */
  #tailStart = 0;
  #cursor = 0;
  /** What was added last: mostly all that a search has not seen. */
  #latest = "";
  #searched = 0;

  /** Everything so far, normalised. */
  get text(): string {
    return this.#text.slice(0);
  }

  /** Length of {@link text}. */
  get length(): number {
    return this.#text.length;
  }

  /** Everything so far, as it came. */
  get raw(): Uint8Array {
    return this.#raw.slice(0, this.#rawLength);
  }

  /** Number of bytes that came. */
  get rawLength(): number {
    return this.#rawLength;
  }

  /** When each byte came. */
  get times(): TranscriptTimes {
    return this.#times;
  }

  /** What no expectation has consumed yet. */
  get pending(): string {
    return this.#text.slice(this.#cursor);
  }

  /** How much of {@link text} expectations have consumed. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Where the last characters of the text begin, in which a match may still become complete. */
  get tailStart(): number {
    return this.#tailStart;
  }

  /** Characters copied or searched so far, for tests of what things cost. */
  get work(): number {
    return this.#text.copied + this.#searched;
  }

  /** Part of {@link text}. */
  slice(start: number, end?: number): string {
    const latestStart = this.length - this.#latest.length;
    if (end === undefined && start >= latestStart) return this.#latest.slice(start - latestStart);
    return this.#text.slice(start, end);
  }

  /**
   * Takes over a record: the bytes that came, when, and how much of their text was consumed.
   *
   * @throws {RangeError} if there is less text than that, or there are not as many times
   */
  restore(raw: Uint8Array, times: TranscriptTimes, cursor: number): void {
    if (times.length !== raw.length) {
      throw new RangeError(`Times of ${times.length} bytes are not those of ${raw.length}`);
    }
    this.#raw = new Uint8Array(Math.max(4096, raw.length));
    this.#rawLength = 0;
    this.#times = times;
    this.#text = new TextLog();
    this.#lines = new LineIndex();
    this.#decoder.decode();
    this.#escapes.reset();
    this.#midCharacter = false;
    this.#addAll(raw);
    if (cursor > this.length) {
      throw new RangeError(`A cursor at ${cursor} is behind a text of ${this.length} characters`);
    }
    this.#moveCursor(cursor);
  }

  /** Adds a byte; answers what it added to the text (nothing while a sequence is incomplete). */
  append(byte: number, at: Moment = POWER_ON): string {
    this.#times.append(at);
    return this.#add(byte);
  }

  /**
   * Adds bytes of another record, one after the other, from its byte `start` on; answers what they added
   * to the text.
   */
  appendAll(bytes: Uint8Array, times: TranscriptTimes, start = 0): string {
    this.#times.appendFrom(times, start, bytes.length);
    return this.#addAll(bytes);
  }

  /** Looks for a pattern in what is pending, however long. */
  find(pattern: string | RegExp): Found | undefined {
    this.#searched += this.length - this.#cursor;
    return findIn(this.pending, this.#cursor, pattern);
  }

  /** As {@link find}, for a match that the last byte may have completed: in the last characters only. */
  findAtEnd(pattern: string | RegExp): Found | undefined {
    // One more, so that what follows does not look like the beginning of a text.
    const context = this.#tailStart > this.#cursor ? 1 : 0;
    const start = this.#tailStart - context;
    this.#searched += this.length - start;
    return findIn(this.#text.slice(start), start, pattern, context);
  }

  /** Moves the cursor behind a match. */
  consume({ start, text, groups, end = start + text.length }: Found): ConsoleMatch {
    const before = this.#text.slice(this.#cursor, start);
    this.#moveCursor(end);
    return { text, groups, before };
  }

  /** Consumes everything. */
  drain(): string {
    const drained = this.pending;
    this.#moveCursor(this.length);
    return drained;
  }

  /** The last `count` lines, without an empty one at the end. */
  lastLines(count: number): string[] {
    return this.lastTimedLines(count).map(({ text }) => text);
  }

  /** The same, with when each began. */
  lastTimedLines(count: number): TimedLine[] {
    const lines = this.#lines;
    const endsInLine = lines.characterAt(lines.count - 1) < this.length;
    const end = endsInLine ? lines.count : lines.count - 1;
    return this.timedLines(Math.max(0, end - count), end);
  }

  /** Lines from one number up to another, counted from 0. */
  timedLines(from: number, to: number): TimedLine[] {
    return Array.from({ length: to - from }, (_, n) => {
      const line = from + n;
      const end = line + 1 < this.#lines.count ? this.#lines.characterAt(line + 1) - 1 : undefined;
      // A last line of escape sequences alone has bytes but no text; one without bytes is not asked for.
      const at = this.#times.at(Math.min(this.#lines.byteAt(line), this.#rawLength - 1));
      return { text: this.#text.slice(this.#lines.characterAt(line), end), at };
    });
  }

  /** Lines begun: the last may be empty. */
  get lineCount(): number {
    return this.#lines.count;
  }

  /** Number of the line that a character lies in, counted from 0. */
  lineOf(character: number): number {
    return this.#lines.lineOf(character);
  }

  /** Offset in the text of a line's first character. */
  startOfLine(line: number): number {
    return this.#lines.characterAt(line);
  }

  #moveCursor(cursor: number): void {
    this.#cursor = cursor;
    this.#tailStart = Math.max(cursor, this.length - MATCH_WINDOW);
  }

  #add(byte: number): string {
    this.#appendRaw(byte);
    const added = this.#normalise(this.#decode(byte));
    if (added === "") return added;
    this.#appendText(added);
    if (byte === LINE_FEED) this.#lines.begin(this.#rawLength, this.length);
    return added;
  }

  #addAll(bytes: Uint8Array): string {
    // What was begun is completed byte by byte.
    if (this.#midCharacter || bytes.length === 0) {
      let added = "";
      for (const byte of bytes) added += this.#add(byte);
      return added;
    }
    const start = this.#rawLength;
    const textStart = this.length;
    while (this.#raw.length < start + bytes.length) this.#growRaw();
    this.#raw.set(bytes, start);
    this.#rawLength += bytes.length;
    const added = this.#normalise(this.#decoder.decode(bytes, { stream: true }));
    this.#midCharacter = bytes.at(-1)! >= 0x80;
    this.#appendText(added);
    // Each line feed is a character, and no other byte is one.
    let character = added.indexOf("\n");
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
      this.#lines.begin(start + at + 1, textStart + character + 1);
      character = added.indexOf("\n", character + 1);
    }
    return added;
  }

  #appendText(added: string): void {
    this.#text.append(added);
    this.#latest = added;
    // As if it had come character by character, so that a pattern finds the same either way.
    const longest = 2 * MATCH_WINDOW;
    const over = this.length - this.#tailStart - (longest + 1);
    if (over < 0) return;
    this.#tailStart = this.length - (MATCH_WINDOW + over % (longest + 1 - MATCH_WINDOW));
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

/** Looks for a pattern in text that begins at `offset`; of its first characters `context` are not part of it. */
function findIn(
  text: string,
  offset: number,
  pattern: string | RegExp,
  context = 0,
): Found | undefined {
  if (typeof pattern === "string") {
    const at = text.indexOf(pattern, context);
    return at < 0 ? undefined : { start: offset + at, text: pattern, groups: [] };
  }
  const expression = context === 0 ? pattern : fromIndex(pattern);
  expression.lastIndex = context; // a global or sticky pattern starts over
  const match = expression.exec(text);
  if (match === null) return undefined;
  return { start: offset + match.index, text: match[0], groups: match.slice(1) };
}

const global = new WeakMap<RegExp, RegExp>();

/** The same expression, but one that heeds `lastIndex`. */
function fromIndex(pattern: RegExp): RegExp {
  let expression = pattern.global || pattern.sticky ? pattern : global.get(pattern);
  if (expression === undefined) {
    expression = new RegExp(pattern.source, `${pattern.flags}g`);
    global.set(pattern, expression);
  }
  return expression;
}
