/**
 * The structure of a regular expression, as far as it is needed to follow a match as it grows: units that
 * match one character, put after one another, side by side, or repeated.
 *
 * What cannot be followed character by character is taken for more than it is: assertions for true,
 * backreferences for any text. So the structure matches whatever the expression does, and perhaps more.
 *
 * @module
 */

/** A part of a regular expression. */
export type Syntax =
  /** Matches without a character. */
  | { readonly kind: "nothing" }
  /** Matches one UTF-16 code unit; `source` is a regular expression for it. */
  | { readonly kind: "unit"; readonly source: string }
  /** Matches any text. */
  | { readonly kind: "anything" }
  | { readonly kind: "sequence"; readonly items: readonly Syntax[] }
  | { readonly kind: "choice"; readonly of: readonly Syntax[] }
  | { readonly kind: "repeat"; readonly item: Syntax; readonly min: number; readonly max: number };

/** A term of an alternative: where it ends in the source. */
export interface Term {
  readonly end: number;
}

/** An expression that was understood. */
export interface ParsedRegExp {
  readonly syntax: Syntax;
  /** Whether it depends on text behind the match, which then is complete only later than at its end. */
  readonly looksAhead: boolean;
  /** The alternatives at the top: beginning in the source, and its terms. */
  readonly alternatives: readonly { readonly start: number; readonly terms: readonly Term[] }[];
}

/** Units of one character behind a backslash; others are read below. */
const LOOK_AROUND = /^\(\?(?:=|!|<=|<!)/;
const PLAIN_GROUP = /^\((?:\?:|\?<[^>=!][^>]*>|(?!\?))/;
const QUANTIFIER = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/;
const ESCAPE = /^\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|c[a-z]|[^])/i;
const CLASS = /^\[(?:\\[^]|[^\]\\])*\]/;
const NOTHING: Syntax = { kind: "nothing" };

/**
 * Reads the structure of a regular expression.
 *
 * @returns undefined if it has what is not read here: the flags `u` and `v`, or groups with flags
 */
export function parseRegExp(pattern: RegExp): ParsedRegExp | undefined {
  if (pattern.unicode || pattern.unicodeSets) return undefined;
  const parser = new Parser(pattern.source);
  try {
    return parser.parse();
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

class NotUnderstood extends Error {}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #looksAhead = false;
  readonly #alternatives: { start: number; terms: Term[] }[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  parse(): ParsedRegExp {
    const syntax = this.#choice();
    if (this.#at < this.#source.length) throw new NotUnderstood();
    return { syntax, looksAhead: this.#looksAhead, alternatives: this.#alternatives };
  }

  get #rest(): string {
    return this.#source.slice(this.#at);
  }

  #choice(): Syntax {
    const of = [this.#sequence()];
    while (this.#source[this.#at] === "|") {
      this.#at++;
      of.push(this.#sequence());
    }
    return of.length === 1 ? of[0]! : { kind: "choice", of };
  }

  #sequence(): Syntax {
    const items: Syntax[] = [];
    const terms: Term[] = [];
    if (this.#depth === 0) this.#alternatives.push({ start: this.#at, terms });
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      const item = this.#quantified(this.#term());
      items.push(item);
      terms.push({ end: this.#at });
    }
    return { kind: "sequence", items };
  }

  #quantified(item: Syntax): Syntax {
    const match = QUANTIFIER.exec(this.#rest);
    if (match === null) return item;
    this.#at += match[0].length;
    const [, sign, low, comma, high] = match;
    if (sign !== undefined) {
      return { kind: "repeat", item, min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : Infinity };
    }
    const min = Number(low);
    const max = comma === undefined ? min : high === "" ? Infinity : Number(high);
    return { kind: "repeat", item, min, max };
  }

  #term(): Syntax {
    const character = this.#source[this.#at]!;
    if (character === "^" || character === "$") {
      this.#at++;
      return NOTHING;
    }
    if (character === "(") return this.#group();
    if (character === "\\") return this.#escape();
    if (character === "[") return this.#unit(CLASS.exec(this.#rest)?.[0]);
    return this.#unit(character);
  }

  #unit(source: string | undefined): Syntax {
    if (source === undefined) throw new NotUnderstood();
    this.#at += source.length;
    // A brace that is no quantifier stands for itself, but not everywhere.
    return { kind: "unit", source: source === "{" || source === "}" ? `\\${source}` : source };
  }

  #group(): Syntax {
    const isLookAround = LOOK_AROUND.test(this.#rest);
    const opening = (isLookAround ? LOOK_AROUND : PLAIN_GROUP).exec(this.#rest)?.[0];
    if (opening === undefined) throw new NotUnderstood();
    this.#at += opening.length;
    if (isLookAround && !opening.includes("<")) this.#looksAhead = true;
    this.#depth++;
    const inside = this.#choice();
    this.#depth--;
    if (this.#source[this.#at] !== ")") throw new NotUnderstood();
    this.#at++;
    return isLookAround ? NOTHING : inside;
  }

  #escape(): Syntax {
    const rest = this.#rest;
    const [next = ""] = rest.slice(1);
    if (next === "b" || next === "B") {
      this.#at += 2;
      this.#looksAhead = true;
      return NOTHING;
    }
    // A backreference, or an octal number of old: any text is more than either.
    const reference = /^\\(?:\d+|k<[^>]*>|c(?![a-z]))/i.exec(rest)?.[0];
    if (reference !== undefined && reference !== "\\0") {
      this.#at += reference.length;
      return { kind: "anything" };
    }
    return this.#unit(ESCAPE.exec(rest)?.[0]);
  }
}
