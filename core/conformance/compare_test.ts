/** The comparison finds what it must find: a broken engine does not pass. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { encode } from "./assembler.ts";
import { compareEngines, describeMismatch, minimise } from "./compare.ts";
import type { Engine } from "./engine.ts";
import { generateCase } from "./generate.ts";
import { InterpreterEngine } from "./interpreter_engine.ts";
import { differencesOf } from "./known_differences.ts";
import { firstSlot, ramBase, slot, slotSizeBytes } from "./layout.ts";

/** An engine that takes every `xor` for an `or`. */
const broken: Engine = {
  name: "broken",
  run(image: Uint8Array) {
    const patched = image.slice();
    const view = new DataView(patched.buffer);
    const operation = encode("xor", 0, 0, 0), mask = 0xfe00_707f;
    for (let start = firstSlot - ramBase; start < patched.length; start += slotSizeBytes) {
      const code = start + slot.code;
      for (let at = code; at + 4 <= code + slot.codeSizeBytes; at += 2) {
        const word = view.getUint32(at, true);
        if ((word & mask) >>> 0 !== operation) continue;
        view.setUint32(at, (word | (6 << 12)) >>> 0, true);
      }
    }
    return new InterpreterEngine().run(patched);
  },
};

const oracle = { engine: new InterpreterEngine(), known: [] };

Deno.test("a wrong instruction is found, described and isolated", async () => {
  const { compared, mismatches } = await compareEngines(
    Array.from({ length: 8 }, (_, i) => generateCase(3, i)),
    oracle,
    broken,
  );
  assertEquals(compared, 8);
  assert(mismatches.length > 0, "the broken engine passed");
  const smallest = await minimise(mismatches[0]!, oracle, broken);
  const steps = smallest.testCase.steps.filter(({ code }) => code.length > 0);
  assert(steps.length <= 3, `${steps.length} steps are left`);
  const text = describeMismatch(smallest, "interpreter", "again");
  assertMatch(text, /expected 0x[0-9a-f]+, got 0x[0-9a-f]+/);
  assertMatch(text, /step \d+: .*xor/);
  assertMatch(text, /Run it again: again$/);
});

Deno.test("an engine agrees with itself", async () => {
  const cases = Array.from({ length: 30 }, (_, i) => generateCase(4, i));
  const { mismatches } = await compareEngines(cases, oracle, new InterpreterEngine());
  assertEquals(mismatches.length, 0);
});

Deno.test("a case is the same whenever it is generated", () => {
  for (let i = 0; i < 12; i++) assertEquals(generateCase(9, i), generateCase(9, i));
});

Deno.test("known differences have names of their own and reasons", () => {
  for (const qemuMajor of [7, 11]) {
    const known = differencesOf(qemuMajor);
    assertEquals(new Set(known.map(({ name }) => name)).size, known.length);
    for (const { reason, adapt, explains, endsComparison } of known) {
      assert(reason.length > 20);
      assert(adapt ?? explains ?? endsComparison);
    }
  }
});
