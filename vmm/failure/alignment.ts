/**
 * Finds the part of a text that is most like a pattern: Sellers' algorithm, edit distance with a free
 * beginning and end of the text.
 *
 * @module
 */

/** How a pattern lies in a text. */
export interface Alignment {
  /** Characters put in, left out or changed. */
  readonly distance: number;
  /** Part of the text that it corresponds to. */
  readonly start: number;
  readonly end: number;
  /**
   * Offsets in the text of characters that are not in the pattern there, or before which some of the
   * pattern are missing.
   */
  readonly differing: readonly number[];
}

/** Lays a pattern into a text with as few differences as possible; of equal places, the last. */
export function alignWithin(pattern: string, text: string): Alignment {
  const width = text.length + 1;
  // Row p, column t: differences of the pattern's first p characters from a part that ends at t.
  const cost = new Uint16Array((pattern.length + 1) * width);
  for (let p = 1; p <= pattern.length; p++) {
    cost[p * width] = p;
    for (let t = 1; t < width; t++) {
      const isSame = pattern.charCodeAt(p - 1) === text.charCodeAt(t - 1);
      cost[p * width + t] = Math.min(
        cost[(p - 1) * width + t - 1]! + (isSame ? 0 : 1),
        cost[(p - 1) * width + t]! + 1,
        cost[p * width + t - 1]! + 1,
      );
    }
  }
  const last = cost.subarray(pattern.length * width);
  let end = 0;
  for (let t = 0; t < width; t++) if (last[t]! <= last[end]!) end = t;
  const differing: number[] = [];
  let [p, t] = [pattern.length, end];
  while (p > 0) {
    const here = cost[p * width + t]!;
    const isSame = t > 0 && pattern.charCodeAt(p - 1) === text.charCodeAt(t - 1);
    if (t > 0 && here === cost[(p - 1) * width + t - 1]! + (isSame ? 0 : 1)) {
      if (!isSame) differing.push(t - 1);
      p--;
      t--;
    } else if (here === cost[(p - 1) * width + t]! + 1) {
      differing.push(t); // one of the pattern is missing before this character
      p--;
    } else {
      differing.push(t - 1); // this one is too much
      t--;
    }
  }
  return { distance: last[end]!, start: t, end, differing: [...new Set(differing)].reverse() };
}
