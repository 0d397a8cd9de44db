import { assert, assertEquals } from "@std/assert";
import { PatternAutomaton } from "./pattern_automaton.ts";

/** Offsets behind which a match may have ended, by the automaton. */
function mayEnd(pattern: string | RegExp, text: string): number[] {
  const automaton = PatternAutomaton.for(pattern);
  if (automaton === undefined) throw new Error(`${pattern} is not followed`);
  return [...text].flatMap((character, at) => automaton.follow(character) ? [at + 1] : []);
}

Deno.test("a text is followed: matches may overlap", () => {
  assertEquals(mayEnd("aba", "ababa aba"), [3, 5, 9]);
  assertEquals(mayEnd("(+)", "(+) ()"), [3]);
  assertEquals(mayEnd("\n~ # ", "x\n~ # "), [6]);
});

Deno.test("regular expressions are followed", () => {
  assertEquals(mayEnd(/a(b|c)+d/, "abcbd acd ad"), [5, 9]);
  assertEquals(mayEnd(/(\d+) CPUs/, "2 CPUs, 16 CPUs"), [6, 15]);
  assertEquals(mayEnd(/x{2,3}y/, "xy xxy xxxy"), [6, 11]);
  assertEquals(mayEnd(/[^\]a]b|\x41\u0042/, "ab ]b cb AB"), [8, 11]);
  assertEquals(mayEnd(/HeLLo/i, "hello HELLO"), [5, 11]);
  assertEquals(mayEnd(/a.c/, "a\nc abc"), [7]);
  assertEquals(mayEnd(/a.c/s, "a\nc"), [3]);
  assertEquals(mayEnd(/{a}/, "{a}"), [3]);
});

Deno.test("what cannot be told by characters alone is taken for more", () => {
  assertEquals(mayEnd(/^ab$/, "ab ab"), [2, 5]);
  assertEquals(mayEnd(/(?<!x)ab/, "xab"), [3]);
  assertEquals(mayEnd(/(a|b)-\1/, "a-b"), [2, 3]);
  for (const [pattern, looksAhead] of [[/ab\b/, true], [/a(?=b)/, true], [/(?<=a)b/, false]]) {
    assertEquals(PatternAutomaton.for(pattern as RegExp)?.looksAhead, looksAhead);
  }
});

Deno.test("what cannot be followed is said so", () => {
  assertEquals(PatternAutomaton.for(/a/u), undefined);
  assertEquals(PatternAutomaton.for(/a/v), undefined);
  assertEquals(PatternAutomaton.for(/(?:(?:ab){100}){200}/), undefined);
});

/** Random regular expressions of this and that; the same each time. */
function* randomPatterns(count: number): Generator<RegExp> {
  let random = 7;
  const next = (below: number) => {
    random = (random * 48_271) % 0x7fff_ffff;
    return random % below;
  };
  const pick = (items: readonly string[]) => items[next(items.length)]!;
  const term = (depth: number): string => {
    const atom = depth > 0 && next(3) === 0
      ? `${pick(["(", "(?:", "(?<n>", "(?=", "(?!", "(?<=", "(?<!"])}${body(depth - 1)})`
      : pick(["a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\n", "\\b", "\\B", "^", "$", "\\1"]);
    const canRepeat = !/^(?:\\[bB]|\^|\$|\(\?)/.test(atom);
    return atom +
      (canRepeat ? pick(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{1,}", "*?"]) : "");
  };
  const body = (depth: number): string =>
    [...Array(1 + next(2))].map(() => [...Array(1 + next(3))].map(() => term(depth)).join(""))
      .join("|");
  while (count > 0) {
    try {
      yield new RegExp(body(2), pick(["", "i", "m", "s"]));
      count--;
    } catch {
      // Two groups of one name.
    }
  }
}

Deno.test("no match is missed, whatever the expression", () => {
  let followed = 0;
  const text = "abc\ncab ba\nbbca aab\nccb a bca";
  for (const pattern of randomPatterns(3_000)) {
    const automaton = PatternAutomaton.for(pattern);
    if (automaton === undefined) continue;
    let seen = false;
    for (let end = 1; end <= text.length; end++) {
      seen = automaton.follow(text[end - 1]!) || (seen && automaton.looksAhead);
      const match = pattern.exec(text.slice(0, end));
      if (match === null) continue;
      // A match without a character is there before any text is.
      if (pattern.test("") || match[0] === "") break;
      assert(seen, `${pattern} matches ${JSON.stringify(match[0])} in ${text.slice(0, end)}`);
      followed++;
      break;
    }
  }
  assert(followed > 1_000, `${followed} expressions told anything`);
});

Deno.test("a character costs one step, however many matches are under way", () => {
  const automaton = PatternAutomaton.for(/a.*b.*c.*d/s)!;
  automaton.follow("abcabcabc".repeat(1_000));
  assertEquals(automaton.steps, 9_000);
});
