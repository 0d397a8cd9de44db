/**
 * Reads DTS source piece by piece for the parser. What a piece is depends on where it stands (`a-b`
 * is a name at the start of a property and a subtraction inside of an expression), so the parser
 * asks for what it expects, and the scanner knows blanks, comments and positions.
 *
 * @module
 */

/** Names of nodes and properties: the characters that dtc takes. */
const NAME = /[a-zA-Z0-9,._+*#?@-]+/y;
const LABEL_DEFINITION = /([a-zA-Z_][a-zA-Z0-9_]*):/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const PATH = /\{(\/[a-zA-Z0-9,._+*#?@/-]*)\}/y;
const NUMBER = /(0[xX][0-9a-fA-F]+|[0-9]+)[0-9a-zA-Z_]*/y;
const SUFFIX = /^(?:U|L|UL|LL|ULL)?$/;
const BLANK = /[ \t\n\r\v\f]+/y;

/** Escapes of one character (as in C). */
const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
};

/** A position in DTS source, with what is read there. */
export class DtsScanner {
  #text: string;
  #name: string;
  #at = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
    this.skipBlanks();
  }

  /** Offset of the next piece. */
  get at(): number {
    return this.#at;
  }

  /** Whether the source ends here. */
  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Goes behind blanks and comments. */
  skipBlanks(): void {
    for (;;) {
      this.#match(BLANK);
      if (this.next("//")) this.#at = this.#find("\n") ?? this.#text.length;
      else if (this.next("/*")) {
        const end = this.#find("*/", 2);
        if (end === undefined) throw this.errorAt(this.#at, "comment has no */");
        this.#at = end + 2;
      } else return;
    }
  }

  /** Whether `piece` comes next; it is not consumed. */
  next(piece: string): boolean {
    return this.#text.startsWith(piece, this.#at);
  }

  /** Consumes `piece` if it comes next. */
  accept(piece: string): boolean {
    if (!this.next(piece)) return false;
    this.#at += piece.length;
    this.skipBlanks();
    return true;
  }

  /** Consumes `piece`, which must come next. */
  expect(piece: string, where: string): void {
    if (!this.accept(piece)) throw this.error(`expected ${quoted(piece)} ${where}`);
  }

  /** Consumes a label definition, `label:`, if one comes next. */
  acceptLabel(): string | undefined {
    return this.#take(LABEL_DEFINITION)?.[1];
  }

  /** Consumes the name of a node or property. dtc takes a `\` before one that looks like a keyword. */
  acceptName(): string | undefined {
    const start = this.#at;
    if (this.next("\\")) this.#at++;
    const name = this.#take(NAME)?.[0];
    if (name === undefined) this.#at = start;
    return name;
  }

  /** Consumes `&label` or `&{/path}` if one comes next; returns the label or path. */
  acceptReference(): string | undefined {
    if (!this.next("&")) return undefined;
    this.#at++;
    const reference = this.#take(PATH)?.[1] ?? this.#take(LABEL)?.[0];
    if (reference === undefined) throw this.error("expected a label or {/path} behind &");
    return reference;
  }

  /** Consumes a number as in C: decimal, 0x, or octal with a leading 0; at most 64 bits. */
  acceptNumber(): bigint | undefined {
    const start = this.#at;
    const match = this.#take(NUMBER);
    if (match === null) return undefined;
    const digits = match[1]!;
    const octal = /^0[0-9]/.test(digits);
    if (!SUFFIX.test(match[0].slice(digits.length)) || (octal && /[89]/.test(digits))) {
      throw this.errorAt(start, `bad number ${match[0].slice(0, 40)}`);
    }
    // 64 bits have at most 22 octal digits. Converting a longer text would take quadratic time.
    const significant = digits.replace(/^0[xX]?0*/, "");
    const value = significant.length > 22 ? 1n << 64n : BigInt(octal ? `0o${digits}` : digits);
    if (value >= 1n << 64n) throw this.errorAt(start, "number does not fit 64 bits");
    return value;
  }

  /** Consumes a character literal, `'c'` with C's escapes, if one comes next. */
  acceptCharacter(): bigint | undefined {
    if (!this.next("'")) return undefined;
    const start = this.#at;
    const bytes = this.#quoted("'", "character literal");
    if (bytes.length !== 1) throw this.errorAt(start, `character literal of ${bytes.length} bytes`);
    return BigInt(bytes[0]!);
  }

  /** Consumes a string literal with C's escapes if one comes next; returns its bytes without NUL. */
  acceptString(): Uint8Array | undefined {
    return this.next('"') ? this.#quoted('"', "string") : undefined;
  }

  /** Consumes two hexadecimal digits if they come next. */
  acceptByte(): number | undefined {
    const digits = this.#take(/[0-9a-fA-F]{2}/y);
    return digits === null ? undefined : parseInt(digits[0], 16);
  }

  /** An error at the next piece, showing what stands there. */
  error(message: string): SyntaxError {
    const found = this.atEnd
      ? "the end"
      : quoted(this.#text.slice(this.#at, this.#at + 20).split("\n")[0]!);
    return this.errorAt(this.#at, `${message}, found ${found}`);
  }

  /** An error at an offset. */
  errorAt(offset: number, message: string): SyntaxError {
    return new SyntaxError(`${this.locate(offset)}: ${message}`);
  }

  /** `name:line:column` of an offset, both counted from 1. */
  locate(offset: number): string {
    const before = this.#text.slice(0, offset);
    const line = before.split("\n").length;
    return `${this.#name}:${line}:${offset - before.lastIndexOf("\n")}`;
  }

  /** A literal between quotes as bytes: UTF-8, and escapes as single bytes. */
  #quoted(quote: string, what: string): Uint8Array {
    const start = this.#at++;
    const bytes: number[] = [];
    const encoder = new TextEncoder();
    for (;;) {
      const plain = this.#match(quote === '"' ? /[^"\\]+/y : /[^'\\]+/y);
      if (plain !== null) { for (const byte of encoder.encode(plain[0])) bytes.push(byte); }
      if (this.atEnd) throw this.errorAt(start, `${what} has no closing ${quote}`);
      if (this.#text[this.#at++] === quote) break;
      bytes.push(...this.#escape(start, what, quote));
    }
    this.skipBlanks();
    return Uint8Array.from(bytes);
  }

  #escape(start: number, what: string, quote: string): Iterable<number> {
    const octal = this.#match(/[0-7]{1,3}/y);
    if (octal !== null) return [parseInt(octal[0], 8) & 0xff];
    const hex = this.#match(/x([0-9a-fA-F]{1,2})/y);
    if (hex !== null) return [parseInt(hex[1]!, 16)];
    if (this.next("x")) throw this.error("expected hexadecimal digits behind \\x");
    const other = this.#match(/[^\n]/yu);
    if (other === null) throw this.errorAt(start, `${what} has no closing ${quote}`);
    const code = ESCAPES[other[0]];
    return code === undefined ? new TextEncoder().encode(other[0]) : [code];
  }

  #find(text: string, distance = 0): number | undefined {
    const found = this.#text.indexOf(text, this.#at + distance);
    return found < 0 ? undefined : found;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    const match = this.#match(pattern);
    if (match !== null) this.skipBlanks();
    return match;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
