/**
 * The interpreter and translated code agree on random programs. Each program runs several times from
 * the same state, the last time with its code translated.
 */

import { assertEquals } from "@std/assert";
import { compareEngines, describeMismatch } from "./compare.ts";
import { jitPasses } from "./fuzz.ts";
import { generateCase } from "./generate.ts";
import { InterpreterEngine, JitEngine } from "./interpreter_engine.ts";

const seed = 20261123, count = 120;

Deno.test(`${count} random programs leave the same state with translated code`, async () => {
  const oracle = { engine: new InterpreterEngine(), known: [], passes: jitPasses };
  const cases = Array.from({ length: count }, (_, i) => generateCase(seed, i));
  const { mismatches } = await compareEngines(cases, oracle, new JitEngine());
  const reports = mismatches.map((mismatch) =>
    describeMismatch(mismatch, "interpreter", `seed ${seed} in jit_test.ts`)
  );
  assertEquals(reports.join("\n"), "");
});
