/**
 * Differential fuzzing in the test run: fixed seeds, so that a failure is a failure everywhere.
 */

import { assertEquals } from "@std/assert";
import { compareEngines, describeMismatch } from "./compare.ts";
import { rerunCommand } from "./fuzz.ts";
import { generateCase } from "./generate.ts";
import { InterpreterEngine } from "./interpreter_engine.ts";
import { differencesOf } from "./known_differences.ts";
import { findQemu, QemuEngine } from "./qemu_engine.ts";

const qemu = await findQemu(Deno.args[0]);
if (!qemu) {
  console.log("fuzz_oracle_test: skipped, there is no qemu-system-riscv64 to compare with");
}

const seed = 20261122, count = 600;

Deno.test({
  name: `${count} random programs leave the same state as on QEMU`,
  ignore: !qemu,
  async fn() {
    if (!qemu) return;
    const oracle = { engine: new QemuEngine(qemu), known: differencesOf(qemu.major) };
    const cases = Array.from({ length: count }, (_, i) => generateCase(seed, i));
    const { compared, mismatches } = await compareEngines(cases, oracle, new InterpreterEngine());
    const reports = mismatches.map((mismatch) => {
      const index = cases.findIndex(({ title }) => title === mismatch.testCase.title);
      return describeMismatch(mismatch, oracle.engine.name, rerunCommand(seed, index));
    });
    assertEquals(reports.join("\n"), "");
    assertEquals(compared, count);
  },
});
