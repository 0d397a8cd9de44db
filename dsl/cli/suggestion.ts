/**
 * "Did you mean ...?"
 *
 * @module
 */

/** Most edits between what was typed and what is suggested, as a share of the longer one. */
const LARGEST_DISTANCE_SHARE = 0.4;

/** Number of insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1);
      best = Math.min(best, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The nearest of `known`, if it is near enough to be meant. */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const name of known) {
    const distance = editDistance(typed.toLowerCase(), name);
    if (
      distance < least && distance <= LARGEST_DISTANCE_SHARE * Math.max(typed.length, name.length)
    ) {
      nearest = name;
      least = distance;
    }
  }
  return nearest;
}
