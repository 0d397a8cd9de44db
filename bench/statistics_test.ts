import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { geometricMean, pairwiseRatios, summarize } from "./statistics.ts";

Deno.test("summary of an odd number of values takes the middle one, whatever the order", () => {
  assertEquals(summarize([9, 1, 5]), { median: 5, min: 1, max: 9 });
  assertEquals(summarize([7]), { median: 7, min: 7, max: 7 });
});

Deno.test("summary of an even number of values takes the mean of the middle two", () => {
  assertEquals(summarize([4, 1, 3, 100]), { median: 3.5, min: 1, max: 100 });
});

Deno.test("summary sorts by value, not by digits, and leaves its input alone", () => {
  const values = [10, 9, 100];
  assertEquals(summarize(values).median, 10);
  assertEquals(values, [10, 9, 100]);
});

Deno.test("nothing has no summary", () => {
  assertThrows(() => summarize([]), RangeError);
  assertThrows(() => geometricMean([]), RangeError);
});

Deno.test("ratios are taken pair by pair", () => {
  assertEquals(pairwiseRatios([2, 9], [1, 3]), [2, 3]);
  assertThrows(() => pairwiseRatios([1], []), RangeError, "1 runs cannot be paired with 0");
});

Deno.test("the geometric mean of a ratio and its inverse is 1", () => {
  assertAlmostEquals(geometricMean([4, 0.25]), 1);
  assertAlmostEquals(geometricMean([2, 8]), 4);
});
