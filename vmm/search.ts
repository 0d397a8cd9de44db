/**
 * Looking for something in a transcript as it grows: in what is pending once, then in what comes.
 *
 * @module
 */

import { PatternAutomaton } from "./patterns/pattern_automaton.ts";
import { type Found, MATCH_WINDOW, type Transcript } from "./transcript.ts";

/** Looks for one thing. What was found is not consumed. */
export interface Search {
  /** Looks in all that is pending; what comes after is for {@link findNew}. */
  find(): Found | undefined;
  /** Looks whether what came since then completes it. */
  findNew(): Found | undefined;
}

/** Looks for a text or a regular expression. */
export class PatternSearch implements Search {
  readonly #transcript: Transcript;
  readonly #pattern: string | RegExp;
  readonly #automaton: PatternAutomaton | undefined;
  #seenTo = 0;
  /** Up to here a match that ended may become complete by what follows it. */
  #suspectTo = -1;

  constructor(transcript: Transcript, pattern: string | RegExp) {
    this.#transcript = transcript;
    this.#pattern = pattern;
    this.#automaton = PatternAutomaton.for(pattern);
  }

  /** Characters looked at one by one, for tests of what things cost. */
  get steps(): number {
    return this.#automaton?.steps ?? 0;
  }

  find(): Found | undefined {
    const found = this.#transcript.find(this.#pattern);
    if (found === undefined) this.#begin();
    return found;
  }

  findNew(): Found | undefined {
    const { length, tailStart } = this.#transcript;
    if (length === this.#seenTo) return undefined;
    const isSuspect = tailStart > this.#seenTo ? this.#begin() : this.#follow(this.#seenTo);
    return isSuspect ? this.#transcript.findAtEnd(this.#pattern) : undefined;
  }

  /** Follows from the beginning of what a match may still lie in. */
  #begin(): boolean {
    this.#automaton?.reset();
    return this.#follow(this.#transcript.tailStart);
  }

  #follow(start: number): boolean {
    const { length } = this.#transcript;
    this.#seenTo = length;
    if (this.#automaton === undefined) return true;
    if (this.#automaton.follow(this.#transcript.slice(start))) {
      if (this.#automaton.looksAhead) this.#suspectTo = length + MATCH_WINDOW;
      return true;
    }
    return length <= this.#suspectTo;
  }
}

/** Looks for a whole line: one that is a text, or in which a regular expression matches. */
export class LineSearch implements Search {
  readonly #transcript: Transcript;
  readonly #pattern: string | RegExp;
  /** The first character not looked at. */
  #from = 0;

  constructor(transcript: Transcript, pattern: string | RegExp) {
    this.#transcript = transcript;
    this.#pattern = pattern;
  }

  find(): Found | undefined {
    this.#from = this.#transcript.cursor;
    return this.findNew();
  }

  findNew(): Found | undefined {
    const transcript = this.#transcript;
    let line = transcript.lineOf(this.#from);
    while (line + 1 < transcript.lineCount) {
      const start = this.#from;
      const end = transcript.startOfLine(++line);
      const text = transcript.slice(start, end - 1);
      const groups = this.#match(text);
      if (groups !== undefined) return { start, text, groups, end };
      this.#from = end;
    }
    return undefined;
  }

  #match(line: string): readonly (string | undefined)[] | undefined {
    if (typeof this.#pattern === "string") return line === this.#pattern ? [] : undefined;
    this.#pattern.lastIndex = 0;
    return this.#pattern.exec(line)?.slice(1);
  }
}

/** Looks for the first of several; of those that begin at one place, the first in the list. */
export class AnySearch implements Search {
  readonly #searches: readonly Search[];
  /** Which of them was found. */
  index = -1;

  constructor(searches: readonly Search[]) {
    this.#searches = searches;
  }

  find(): Found | undefined {
    return this.#first((search) => search.find());
  }

  findNew(): Found | undefined {
    return this.#first((search) => search.findNew());
  }

  #first(look: (search: Search) => Found | undefined): Found | undefined {
    let first: Found | undefined;
    for (const [index, search] of this.#searches.entries()) {
      const found = look(search);
      if (found === undefined || (first !== undefined && first.start <= found.start)) continue;
      first = found;
      this.index = index;
    }
    return first;
  }
}
