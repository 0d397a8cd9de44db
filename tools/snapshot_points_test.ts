import { assertEquals, assertMatch } from "@std/assert";
import { checkPoints, main } from "./snapshot_points.ts";

Deno.test("a nested flow that is saved at random instructions goes on exactly as it would have", async () => {
  const { instructions, ...result } = await checkPoints({ count: 12, seed: 20 });
  assertEquals(result, { points: 12, marks: 24, ended: 2, mismatches: [] });
  assertEquals(instructions > 100_000_000, true, "the whole flow, not a stub of it");
});

Deno.test("numbers on the command line are numbers", async () => {
  for (const args of [["--count", "0"], ["--seed", "x"], ["--count", "1.5"]]) {
    const errors: string[] = [];
    const code = await main(args, { log: () => {}, error: (line: string) => errors.push(line) });
    assertEquals(code, 2);
    assertMatch(
      errors.join("\n"),
      /^snapshot_points: --(count|seed) .*: give a whole number from 1$/,
    );
  }
});
