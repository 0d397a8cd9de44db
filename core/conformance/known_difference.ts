/**
 * One entry in a table of known differences.
 *
 * @module
 */

import type { TestCase } from "./case.ts";
import type { CaseResult, Difference } from "./result.ts";

/** Both results of a case, and what tells them apart. */
export interface Comparison {
  readonly testCase: TestCase;
  /** What the oracle left. */
  readonly oracle: CaseResult;
  /** What the engine under test left. */
  readonly subject: CaseResult;
}

/** Where an oracle does not count, and why. */
export interface KnownDifference {
  readonly name: string;
  /** Why the oracle does not count here. */
  readonly reason: string;
  readonly adapt?: (testCase: TestCase) => TestCase;
  readonly explains?: (difference: Difference, comparison: Comparison) => boolean;
  /** Explains a difference after which the engines go different ways: the rest is not compared. */
  readonly endsComparison?: (difference: Difference, comparison: Comparison) => boolean;
}
