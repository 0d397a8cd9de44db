/**
 * The symbol table that Linux keeps in its own memory (`CONFIG_KALLSYMS`), found by what it looks like:
 * nothing says where it is.
 *
 * Names are compressed: each is a list of tokens, 256 of which are in a table. Among the tokens are the
 * ten digits, one after the other, which are looked for first; everything else lies beside the token
 * table, in the order of `scripts/kallsyms.c` since Linux 6.4:
 *
 * ```text
 *   num_syms       u32
 *   names          for each symbol: length (one byte, or two as LEB128), then its tokens
 *   markers        u32 for each 256th symbol: where it begins in names
 *   token_table    256 texts that end with 0
 *   token_index    u16 each: where a token begins in token_table
 *   offsets        u32 for each symbol: address less relative_base
 *   relative_base  u64
 * ```
 *
 * Each part is aligned to 8 bytes. Of a name the first character is the symbol's type, as `nm` has it.
 *
 * @module
 */

import { type Symbol, SymbolTable } from "./symbol_table.ts";

const TOKENS = 256;
const MARKER_SYMBOLS = 256;
const ALIGNMENT = 8;
/** More symbols than any kernel has. */
const MOST_SYMBOLS = 1 << 20;
/** The digits are tokens of one character. */
const DIGITS = [..."0123456789"].map((digit) => `${digit}\0`).join("");
/** Longest name, in tokens (`KSYM_NAME_LEN`). */
const LONGEST_NAME = 512;
const LATIN1 = new TextDecoder("latin1");

/** Finds the symbols in a kernel's image in memory; undefined if there are none of the known form. */
export function findKallsyms(image: Uint8Array): SymbolTable | undefined {
  const text = LATIN1.decode(image);
  for (let at = text.indexOf(DIGITS); at >= 0; at = text.indexOf(DIGITS, at + 1)) {
    const symbols = new Kallsyms(image).readAround(at);
    if (symbols !== undefined) return new SymbolTable(symbols);
  }
  return undefined;
}

class Kallsyms {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  readAround(digits: number): Symbol[] | undefined {
    const tokenTable = this.#tokenTableBefore(digits);
    if (tokenTable === undefined) return undefined;
    const tokens = this.#tokens(tokenTable);
    if (tokens === undefined) return undefined;
    const { texts, end } = tokens;
    const tokenIndex = aligned(end);
    if (!this.#isTokenIndex(tokenIndex, texts)) return undefined;
    const markers = this.#markersBefore(tokenTable);
    const names = markers && this.#namesBefore(markers.at, markers.offsets);
    if (names === undefined) return undefined;
    const offsets = aligned(tokenIndex + 2 * TOKENS);
    const relativeBase = aligned(offsets + 4 * names.count);
    if (relativeBase + 8 > this.#bytes.length) return undefined;
    const base = this.#view.getBigUint64(relativeBase, true);
    return this.#symbols(names.at, names.count, texts, offsets, base);
  }

  /** Tokens before the digits end with 0 each; before the first is padding, or a marker's upper half. */
  #tokenTableBefore(digits: number): number | undefined {
    // "0" is the token of its own code: so many come before it.
    let start = digits;
    for (let left = "0".charCodeAt(0); left > 0; left--) {
      let at = start - 2;
      while (at >= 0 && start - at < LONGEST_NAME && this.#bytes[at] !== 0) at--;
      start = at + 1;
    }
    // An unused token is empty, so padding before the table may have been taken for one.
    for (; start <= digits; start++) {
      if (start % ALIGNMENT === 0) return start;
    }
    return undefined;
  }

  #tokens(at: number): { texts: string[]; end: number } | undefined {
    const texts: string[] = [];
    for (let n = 0; n < TOKENS; n++) {
      const end = this.#bytes.indexOf(0, at);
      if (end < 0 || end - at > LONGEST_NAME) return undefined;
      texts.push(LATIN1.decode(this.#bytes.subarray(at, end)));
      at = end + 1;
    }
    return { texts, end: at };
  }

  #isTokenIndex(at: number, texts: readonly string[]): boolean {
    if (at + 2 * TOKENS > this.#bytes.length) return false;
    let expected = 0;
    return texts.every((text, n) => {
      const isRight = this.#view.getUint16(at + 2 * n, true) === expected;
      expected += text.length + 1;
      return isRight;
    });
  }

  /** Rising numbers from 0 on, up to the token table or the padding before it. */
  #markersBefore(tokenTable: number): { at: number; offsets: number[] } | undefined {
    const offsets: number[] = [];
    let at = tokenTable - 4;
    if (this.#view.getUint32(at, true) === 0) at -= 4; // padding
    for (let above = Infinity; at >= 0; at -= 4) {
      const offset = this.#view.getUint32(at, true);
      if (offset >= above) return undefined;
      offsets.unshift(offset);
      above = offset;
      if (offset === 0) return { at, offsets };
    }
    return undefined;
  }

  #namesBefore(
    markersAt: number,
    offsets: readonly number[],
  ): { at: number; count: number } | undefined {
    const last = offsets.at(-1)!;
    // Of what looks like it, the first: the others are within its names.
    let found: { at: number; count: number } | undefined;
    const lowest = Math.max(8, markersAt - last - MARKER_SYMBOLS * (LONGEST_NAME + 2));
    for (let at = markersAt - last - markersAt % ALIGNMENT; at >= lowest; at--) {
      if (at % ALIGNMENT !== 0) continue;
      if (this.#view.getUint32(at - 4, true) !== 0) continue; // padding
      const count = this.#view.getUint32(at - ALIGNMENT, true);
      if (count === 0 || count > MOST_SYMBOLS) continue;
      if (Math.ceil(count / MARKER_SYMBOLS) !== offsets.length) continue;
      let end = at + last;
      for (let n = MARKER_SYMBOLS * (offsets.length - 1); n < count && end < markersAt; n++) {
        end = this.#nameAt(end).end;
      }
      if (aligned(end) === markersAt && this.#areMarkers(at, count, offsets)) found = { at, count };
    }
    return found;
  }

  /** Whether each 256th name begins where a marker says. */
  #areMarkers(names: number, count: number, offsets: readonly number[]): boolean {
    let at = names;
    for (let n = 0; n < count; n++) {
      if (n % MARKER_SYMBOLS === 0 && at - names !== offsets[n / MARKER_SYMBOLS]) return false;
      at = this.#nameAt(at).end;
    }
    return true;
  }

  /** Length of a name in tokens, where they begin and end. */
  #nameAt(at: number): { start: number; end: number } {
    const first = this.#bytes[at]!;
    const isLong = (first & 0x80) !== 0;
    const length = isLong ? first & 0x7f | (this.#bytes[at + 1] ?? 0) << 7 : first;
    const start = at + (isLong ? 2 : 1);
    return { start, end: start + length };
  }

  #symbols(
    names: number,
    count: number,
    texts: readonly string[],
    offsets: number,
    base: bigint,
  ): Symbol[] {
    const symbols: Symbol[] = [];
    let at = names;
    for (let n = 0; n < count; n++) {
      const { start, end } = this.#nameAt(at);
      let name = "";
      for (let token = start; token < end; token++) name += texts[this.#bytes[token]!];
      at = end;
      const address = base + BigInt(this.#view.getUint32(offsets + 4 * n, true));
      if (/^[tTwW]/.test(name)) symbols.push({ address, name: name.slice(1) });
    }
    return symbols;
  }
}

function aligned(at: number): number {
  return Math.ceil(at / ALIGNMENT) * ALIGNMENT;
}
