/**
 * What is said of several runs of the same thing.
 *
 * @module
 */

/** Median and extremes of a sample. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Summarises a sample; of an even number of values the median is the mean of the middle two.
 *
 * @throws {RangeError} if the sample is empty
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { summarize } from "./statistics.ts";
 *
 * assertEquals(summarize([3, 1, 2, 10]), { median: 2.5, min: 1, max: 10 });
 * ```
 */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError("Nothing to summarize");
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;
  return {
    median: (sorted[lower]! + sorted[upper]!) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}

/**
 * Ratios of runs that were made one after the other, pair by pair: what slows the computer down for
 * a while slows both down, and drops out.
 *
 * @throws {RangeError} if the samples differ in length
 */
export function pairwiseRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) {
    throw new RangeError(`${ours.length} runs cannot be paired with ${theirs.length}`);
  }
  return ours.map((value, index) => value / theirs[index]!);
}

/** Geometric mean, the mean for ratios: that of `x` and `1/x` is 1. */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Nothing to take a mean of");
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
