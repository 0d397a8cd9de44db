/**
 * Differential fuzzing on demand: random cases on one of our engines and on QEMU.
 *
 * ```
 * deno run --allow-run --allow-read --allow-write core/conformance/fuzz.ts --seed 7 --count 5000
 * ```
 *
 * `--seed N` (default 1), `--count N` (default 1000), `--case N` for one case alone, `--engine
 * interpreter|jit` (the latter runs each case several times), `--qemu PROGRAM` (default `qemu-system-riscv64`), `--minimise` to empty the steps a
 * mismatch does not need. Exit code 1 if anything differs.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { compareEngines, describeMismatch, minimise, type Oracle } from "./compare.ts";
import type { Engine } from "./engine.ts";
import { generateCase } from "./generate.ts";
import { InterpreterEngine, JitEngine } from "./interpreter_engine.ts";
import { differencesOf } from "./known_differences.ts";
import { findQemu, QemuEngine } from "./qemu_engine.ts";

/** Our engines by name. */
export const engines: { readonly [name: string]: () => Engine } = {
  interpreter: () => new InterpreterEngine(),
  jit: () => new JitEngine(),
};

/** Code becomes hot, is translated, and runs translated at least once. */
export const jitPasses = 3;
/** Divides the number of slots, so that the slots of a batch lie side by side. */
const batchSize = 256;

async function main(args: readonly string[]): Promise<number> {
  const options = parseArgs(args[0] === "--" ? args.slice(1) : [...args], {
    string: ["seed", "count", "case", "engine", "qemu"],
    boolean: ["minimise"],
    default: { seed: "1", count: "1000", engine: "interpreter", qemu: "qemu-system-riscv64" },
    unknown: (option: string) => {
      throw new RangeError(`Unknown option ${option}`);
    },
  });
  const create = engines[options.engine];
  if (!create) {
    const names = Object.keys(engines).join(", ");
    throw new RangeError(`Unknown engine "${options.engine}"; there are: ${names}`);
  }
  const qemu = await findQemu(options.qemu);
  if (!qemu) throw new RangeError(`Cannot run ${options.qemu}: it is the oracle of the comparison`);
  const oracle: Oracle = {
    engine: new QemuEngine(qemu),
    known: differencesOf(qemu.major),
    passes: options.engine === "jit" ? jitPasses : 1,
  };
  const seed = number("seed", options.seed);
  const single = options.case === undefined ? undefined : number("case", options.case);
  const first = single ?? 0, count = single === undefined ? number("count", options.count) : 1;

  let mismatchCount = 0;
  for (let start = first; start < first + count; start += batchSize) {
    const length = Math.min(batchSize, first + count - start);
    const cases = Array.from({ length }, (_, i) => generateCase(seed, start + i));
    const { mismatches } = await compareEngines(cases, oracle, create());
    mismatchCount += mismatches.length;
    for (const mismatch of mismatches) {
      const shown = options.minimise ? await minimise(mismatch, oracle, create()) : mismatch;
      const number = start + cases.findIndex(({ title }) => title === mismatch.testCase.title);
      console.log(describeMismatch(shown, oracle.engine.name, rerunCommand(seed, number)));
    }
    console.log(`${start + length - first} of ${count} cases, ${mismatchCount} differ`);
  }
  return mismatchCount === 0 ? 0 : 1;
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`--${option} wants a whole number, not "${text}"`);
  }
  return value;
}

/** The command that runs one case again. */
export function rerunCommand(seed: number, index: number): string {
  return `deno task fuzz --seed ${seed} --case ${index} --minimise`;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exitCode = 2;
  }
}
