/**
 * Follows a pattern through text character by character, and tells where a match may have ended.
 *
 * A pattern becomes states between its units; the sets of states that text leads to, and which set
 * follows on which character, are found out as they occur and remembered. So a character costs one
 * look-up, however many matches are under way. Where it says that a match may have ended, the regular
 * expression itself is asked: see {@link parseRegExp} for what is taken for more than it is.
 *
 * @module
 */

import { parseRegExp, type Syntax } from "./regexp_syntax.ts";

/** A pattern of more states is not followed. */
const MOST_STATES = 10_000;
/** So many sets are remembered; then it begins anew. */
const MOST_SETS = 2_000;
const ASCII = 128;

/** A state: what it is left by. */
type State =
  | { readonly kind: "unit"; readonly test: (code: number) => boolean; next: number }
  | { readonly kind: "fork"; readonly next: number[] }
  | { readonly kind: "end" };

/** States that text may have led to. */
interface StateSet {
  /** Those that a character leaves. */
  readonly units: readonly number[];
  readonly hasEnd: boolean;
  readonly byAscii: (StateSet | undefined)[];
  readonly byOther: Map<number, StateSet>;
}

/** Follows one pattern. */
export class PatternAutomaton {
  readonly #states: State[];
  readonly #start: number;
  readonly #sets = new Map<string, StateSet>();
  #now: StateSet;
  /** Whether a match may be complete only behind its end. */
  readonly looksAhead: boolean;
  /** Characters followed so far. */
  steps = 0;

  private constructor(states: State[], start: number, looksAhead: boolean) {
    this.#states = states;
    this.#start = start;
    this.looksAhead = looksAhead;
    this.#now = this.#setOf([start]);
  }

  /** For a text, or a regular expression; undefined if it cannot be followed. */
  static for(pattern: string | RegExp): PatternAutomaton | undefined {
    const parsed = typeof pattern === "string"
      ? { syntax: literal(pattern), looksAhead: false }
      : parseRegExp(pattern);
    if (parsed === undefined) return undefined;
    const flags = typeof pattern === "string" ? "" : pattern.flags.replace(/[^is]/g, "");
    const builder = new Builder(flags);
    const start = builder.add(parsed.syntax, builder.end);
    if (start === undefined) return undefined;
    return new PatternAutomaton(builder.states, start, parsed.looksAhead);
  }

  /** Back to where no text came. */
  reset(): void {
    this.#now = this.#setOf([this.#start]);
  }

  /** Follows text; answers whether a match may end in it. */
  follow(text: string): boolean {
    this.steps += text.length;
    let mayEnd = false;
    let now = this.#now;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const known = code < ASCII ? now.byAscii[code] : now.byOther.get(code);
      now = known ?? this.#step(now, code);
      mayEnd ||= now.hasEnd;
    }
    this.#now = now;
    return mayEnd;
  }

  #step(from: StateSet, code: number): StateSet {
    const next = [this.#start];
    for (const unit of from.units) {
      const state = this.#states[unit]!;
      if (state.kind === "unit" && state.test(code)) next.push(state.next);
    }
    const to = this.#setOf(next);
    if (code < ASCII) from.byAscii[code] = to;
    else from.byOther.set(code, to);
    return to;
  }

  #setOf(roots: readonly number[]): StateSet {
    const seen = new Set<number>(roots);
    const units: number[] = [];
    let hasEnd = false;
    for (const each of seen) {
      const state = this.#states[each]!;
      if (state.kind === "fork") state.next.forEach((next) => seen.add(next));
      else if (state.kind === "end") hasEnd = true;
      else units.push(each);
    }
    units.sort((a, b) => a - b);
    const key = `${units.join()}${hasEnd ? "!" : ""}`;
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    if (this.#sets.size === MOST_SETS) this.#sets.clear();
    const set = { units, hasEnd, byAscii: new Array(ASCII), byOther: new Map() };
    this.#sets.set(key, set);
    return set;
  }
}

/** Makes states, from the end of the pattern to its beginning. */
class Builder {
  readonly states: State[] = [{ kind: "end" }];
  readonly end = 0;
  readonly #flags: string;
  readonly #tests = new Map<string, (code: number) => boolean>();

  constructor(flags: string) {
    this.#flags = flags;
  }

  /** Adds what leads to `next`; answers where it begins, or undefined if that is too much. */
  add(syntax: Syntax, next: number): number | undefined {
    switch (syntax.kind) {
      case "nothing":
        return next;
      case "unit":
        return this.#state({ kind: "unit", test: this.#test(syntax.source), next });
      case "anything":
        return this.add({ kind: "repeat", item: ANY_UNIT, min: 0, max: Infinity }, next);
      case "sequence":
        return syntax.items.reduceRight<number | undefined>(
          (after, item) => after === undefined ? undefined : this.add(item, after),
          next,
        );
      case "choice": {
        const starts = syntax.of.map((item) => this.add(item, next));
        if (starts.includes(undefined)) return undefined;
        return this.#state({ kind: "fork", next: starts as number[] });
      }
      case "repeat":
        return this.#repeat(syntax.item, syntax.min, syntax.max, next);
    }
  }

  #repeat(item: Syntax, min: number, max: number, next: number): number | undefined {
    let start: number | undefined = next;
    if (max === Infinity) {
      const loop: number[] = [next];
      start = this.#state({ kind: "fork", next: loop });
      if (start === undefined) return undefined;
      const inside = this.add(item, start);
      if (inside === undefined) return undefined;
      loop.push(inside);
    } else {
      for (let n = min; n < max && start !== undefined; n++) {
        const inside = this.add(item, start);
        start = inside === undefined
          ? undefined
          : this.#state({ kind: "fork", next: [inside, next] });
      }
    }
    for (let n = 0; n < min && start !== undefined; n++) start = this.add(item, start);
    return start;
  }

  #state(state: State): number | undefined {
    return this.states.length === MOST_STATES ? undefined : this.states.push(state) - 1;
  }

  /** Whether a unit matches a character: asked once for each, of the expression for it. */
  #test(source: string): (code: number) => boolean {
    const known = this.#tests.get(source);
    if (known !== undefined) return known;
    const expression = new RegExp(`^(?:${source})$`, this.#flags);
    const test = (code: number) => expression.test(String.fromCharCode(code));
    this.#tests.set(source, test);
    return test;
  }
}

const ANY_UNIT: Syntax = { kind: "unit", source: "[^]" };

function literal(text: string): Syntax {
  const items = [...Array(text.length).keys()].map((at): Syntax => ({
    kind: "unit",
    source: `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`,
  }));
  return { kind: "sequence", items };
}
