/**
 * What came nearest to a pattern that nothing matched: mostly there is a word more, a space less, or
 * another number, and nobody sees it.
 *
 * For a text: the line of which a part differs from it by the fewest characters put in, left out or
 * changed. For a regular expression: the longest beginning of it that matches somewhere.
 *
 * @module
 */

import { parseRegExp } from "../patterns/regexp_syntax.ts";
import type { Moment } from "../transcript_times.ts";
import { alignWithin } from "./alignment.ts";
import { printable } from "./printable.ts";

/** The best that there was. */
export interface NearMiss {
  /** What was looked for. */
  readonly pattern: string | RegExp;
  /** The line, or several if the pattern has line feeds. */
  readonly text: string;
  /** When it came. */
  readonly at?: Moment | undefined;
  /** Part of the text that corresponds to the pattern, or to the beginning of it that matches. */
  readonly start: number;
  readonly end: number;
  /** Characters of the text that are not as in the pattern; one behind the end if something is missing. */
  readonly differing: readonly number[];
  /** Of a regular expression: the source of its longest beginning that matches, and what follows. */
  readonly prefix?: string;
  readonly rest?: string;
}

/** Less than this part of a pattern is no near-miss. */
const LEAST_SIMILARITY = 0.5;
/** One or two characters are somewhere always. */
const LEAST_CHARACTERS = 3;
const MOST_LINES = 1_000;
/** A longer pattern is compared up to here. */
const MOST_PATTERN = 200;
const MOST_LINE = 400;

/** Text that patterns were looked for in: its lines, the last first come last. */
export interface Searched {
  readonly lines: readonly { readonly text: string; readonly at?: Moment }[];
}

/** The nearest near-miss of several patterns, if one is near enough. */
export function findNearMiss(
  patterns: readonly (string | RegExp)[],
  { lines }: Searched,
): NearMiss | undefined {
  const recent = lines.slice(-MOST_LINES);
  let best: { miss: NearMiss; similarity: number } | undefined;
  for (const pattern of patterns) {
    const found = typeof pattern === "string"
      ? nearestText(pattern, recent)
      : nearestPrefix(pattern, recent);
    if (found !== undefined && found.similarity > (best?.similarity ?? 0)) best = found;
  }
  return best?.miss;
}

type Lines = Searched["lines"];
type Found = { miss: NearMiss; similarity: number } | undefined;

function nearestText(pattern: string, lines: Lines): Found {
  if (pattern.length < LEAST_CHARACTERS) return undefined;
  const wanted = pattern.slice(0, MOST_PATTERN);
  const span = wanted.split("\n").length;
  let best: Found;
  // The last of equals: what came last is what the wait ended with.
  for (let n = lines.length - 1; n >= 0; n--) {
    const text = lines.slice(n, n + span).map((line) => line.text.slice(0, MOST_LINE)).join("\n");
    const { distance, start, end, differing } = alignWithin(wanted, text);
    const similarity = 1 - distance / wanted.length;
    if (similarity < LEAST_SIMILARITY || similarity <= (best?.similarity ?? 0)) continue;
    best = { similarity, miss: { pattern, text, at: lines[n]!.at, start, end, differing } };
  }
  return best;
}

function nearestPrefix(pattern: RegExp, lines: Lines): Found {
  const parsed = parseRegExp(pattern);
  if (parsed === undefined) return undefined;
  const text = lines.map((line) => line.text).join("\n");
  let best: Found;
  for (const { start: from, terms } of parsed.alternatives) {
    for (let n = terms.length - 1; n > 0; n--) {
      const similarity = n / terms.length;
      if (similarity <= (best?.similarity ?? 0)) break;
      const prefix = pattern.source.slice(from, terms[n - 1]!.end);
      const match = lastMatch(prefix, pattern.flags, text);
      if (match === undefined || match.length < LEAST_CHARACTERS) continue;
      const rest = pattern.source.slice(terms[n - 1]!.end, terms.at(-1)!.end);
      best = { similarity, miss: prefixMiss(pattern, match, lines, prefix, rest) };
      break;
    }
  }
  return best;
}

/** Where a beginning of a pattern matches last; undefined if it does not, or is no pattern by itself. */
function lastMatch(
  source: string,
  flags: string,
  text: string,
): { index: number; length: number } | undefined {
  let expression: RegExp;
  try {
    expression = new RegExp(source, `${flags.replace(/[gy]/g, "")}g`);
  } catch {
    return undefined;
  }
  let last: { index: number; length: number } | undefined;
  for (const match of text.matchAll(expression)) {
    last = { index: match.index, length: match[0].length };
  }
  return last;
}

function prefixMiss(
  pattern: RegExp,
  match: { index: number; length: number },
  lines: Lines,
  prefix: string,
  rest: string,
): NearMiss {
  let [line, lineStart] = [0, 0];
  while (lineStart + lines[line]!.text.length < match.index) {
    lineStart += lines[line++]!.text.length + 1;
  }
  const start = match.index - lineStart;
  const end = start + match.length;
  const texts = [lines[line]!.text];
  for (let length = texts[0]!.length; length < end; line++) {
    const next = lines[line + 1]!.text;
    texts.push(next);
    length += next.length + 1;
  }
  return {
    pattern,
    text: texts.join("\n"),
    at: lines[line - texts.length + 1]?.at,
    start,
    end,
    differing: [end],
    prefix,
    rest,
  };
}

/** Lines of a message. */
export function describeNearMiss(miss: NearMiss): string[] {
  const { pattern, text, at, differing, prefix, rest } = miss;
  const when = at === undefined ? "" : `, printed at ${(at.nowNs / 1e6).toFixed(3)} ms`;
  // Marks stand below what is shown of a character, which may be longer than it.
  const marks = [...text, ""].map((character, n) =>
    (differing.includes(n) ? "^" : " ").repeat(Math.max(1, printable(character).length))
  ).join("").trimEnd();
  const isText = typeof pattern === "string";
  return [
    `nearest to it${when}:`,
    ...(isText ? [`  expected | ${printable(pattern)}`] : [
      `  matched  | /${prefix}/`,
      `  not      | /${rest}/`,
    ]),
    `  printed  | ${printable(text)}`,
    `           | ${marks}`,
  ];
}
