/**
 * Harts as threads: hart n is thread n + 1.
 *
 * @module
 */

import { parseSmall } from "./hex.ts";

/** The hart of a thread id; "any" for 0 and "all" for -1; undefined if it is none. */
export function parseThread(
  text: string,
  hartCount: number,
): number | "any" | "all" | undefined {
  if (text === "-1") return "all";
  const id = parseSmall(text, hartCount);
  return id === 0 ? "any" : id === undefined ? undefined : id - 1;
}

/** The thread id of a hart. */
export function threadOf(hartId: number): string {
  return (hartId + 1).toString(16);
}
