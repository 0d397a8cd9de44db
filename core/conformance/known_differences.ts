/**
 * Where an oracle is known to deviate from the specification, or where the specification leaves a
 * choice and an oracle has made another one than this project. The specification decides; each entry
 * names the section and is as narrow as possible.
 *
 * An entry acts in one of three ways: it changes the case before anything runs it (`adapt`: both
 * engines get the same changed case), it explains single differences afterwards (`explains`), or it
 * explains where the engines part (`endsComparison`).
 *
 * @module
 */

import type { TestCase } from "./case.ts";
import type { Comparison, KnownDifference } from "./known_difference.ts";
import { qemu7Differences } from "./qemu7_differences.ts";
import { qemu8Differences } from "./qemu8_differences.ts";
import { qemuDifferences } from "./qemu_differences.ts";
import type { Difference } from "./result.ts";

/** Entries that bear on a QEMU. */
export function differencesOf(qemuMajor: number): readonly KnownDifference[] {
  return [...qemuDifferences, ...(qemuMajor < 8 ? qemu7Differences : qemu8Differences)];
}

/** The case as the entries want it. */
export function adaptCase(testCase: TestCase, entries: readonly KnownDifference[]): TestCase {
  return entries.reduce((adapted, { adapt }) => adapt ? adapt(adapted) : adapted, testCase);
}

/** The differences that no entry explains; `explained` counts by entry. */
export function unexplained(
  found: readonly Difference[],
  comparison: Comparison,
  entries: readonly KnownDifference[],
  explained: Map<string, number>,
): Difference[] {
  const left: Difference[] = [];
  const count = (entry: KnownDifference) =>
    explained.set(entry.name, (explained.get(entry.name) ?? 0) + 1);
  for (const difference of found) {
    const entry = entries.find(({ explains }) => explains?.(difference, comparison));
    if (entry) {
      count(entry);
      continue;
    }
    const end = entries.find(({ endsComparison }) => endsComparison?.(difference, comparison));
    if (end) {
      count(end);
      break;
    }
    left.push(difference);
  }
  return left;
}
