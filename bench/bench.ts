/**
 * `deno task bench`: our machine and QEMU in turn, each run in a fresh process.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { type BenchArguments, isSelected, parseArguments, USAGE } from "./arguments.ts";
import { COMPILER, hasCompiler } from "./cpu/build.ts";
import { Materials, type Measure, MEASURES } from "./measures.ts";
import { runOurs } from "./ours.ts";
import { DEFAULT_QEMU, findQemu, type Qemu, runQemu } from "./qemu.ts";
import {
  cpuResult,
  type MemoryResult,
  type Result,
  type TimeResult,
  timeResult,
} from "./results.ts";
import { formatTable } from "./table.ts";
import type { OurRunResult, RunResult } from "./workload.ts";

/** For what is built; the only folder that is written to. */
const BUILD_FOLDER = fromFileUrl(new URL(".build", import.meta.url));
/** A machine of 1 GiB may take so much memory in all. */
const MEMORY_BAR_MIB = 1536;

/** Something to tell a person, beside the results. */
function note(text: string): void {
  console.error(text);
}

async function measureTimes(
  measure: Measure,
  materials: Materials,
  qemu: Qemu | undefined,
  { pairs, timeoutSeconds }: BenchArguments,
): Promise<TimeResult> {
  const workload = await measure.prepare(materials);
  const ourRuns: OurRunResult[] = [];
  const qemuRuns: RunResult[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const ourRun = await runOurs(workload, timeoutSeconds);
    checkRun("ours", measure, ourRun);
    ourRuns.push(ourRun);
    if (qemu === undefined) continue;
    const qemuRun = await runQemu(qemu, workload, timeoutSeconds);
    checkRun(`QEMU ${qemu.version}`, measure, qemuRun);
    qemuRuns.push(qemuRun);
  }
  const theirs = qemu && { version: qemu.version, runs: qemuRuns };
  return timeResult(measure.name, ourRuns, theirs, Deno.loadavg()[0]!);
}

function checkRun(engine: string, measure: Measure, { consoleText }: RunResult): void {
  try {
    measure.check(consoleText);
  } catch (error) {
    throw new Error(`${engine}: ${(error as Error).message}`, { cause: error });
  }
}

async function measureMemory(
  measure: Measure,
  materials: Materials,
  { timeoutSeconds }: BenchArguments,
): Promise<MemoryResult> {
  const workload = await measure.prepare(materials);
  const { peakRssMiB } = await runOurs(workload, timeoutSeconds);
  return {
    measure: measure.name,
    ramMiB: workload.memMiB,
    peakRssMiB: Math.round(peakRssMiB),
    barMiB: MEMORY_BAR_MIB,
  };
}

/** Leaves out what needs a compiler if there is none. */
async function selectMeasures(only: readonly string[]): Promise<Measure[]> {
  const selected = MEASURES.filter((measure) => isSelected(measure.name, only));
  if (!selected.some((measure) => measure.needsCompiler) || await hasCompiler()) return selected;
  note(`skipped: cpu, for there is no ${COMPILER} on the PATH (Debian: gcc-riscv64-linux-gnu)`);
  return selected.filter((measure) => !measure.needsCompiler);
}

async function selectQemu(command: string | undefined): Promise<Qemu | undefined> {
  const found = await findQemu(command ?? DEFAULT_QEMU);
  if (!("missing" in found)) return found;
  // To compare with nothing although a QEMU was named would go unnoticed.
  if (command !== undefined) throw new TypeError(found.missing);
  note(`skipped: QEMU's times and the ratios, for ${found.missing} (Debian: qemu-system-misc)`);
  return undefined;
}

/** Runs everything that was asked for; returns whether all of it ran. */
async function run(args: BenchArguments): Promise<boolean> {
  const qemu = await selectQemu(args.qemu);
  const measures = await selectMeasures(args.only);
  const results: Result[] = [];
  const report = (result: Result) => {
    results.push(result);
    console.log(JSON.stringify(result));
  };
  let allRan = true;
  await Deno.mkdir(BUILD_FOLDER, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: BUILD_FOLDER });
  try {
    const materials = new Materials(folder);
    const kernels: TimeResult[] = [];
    for (const measure of measures) {
      try {
        if (measure.kind === "memory") {
          report(await measureMemory(measure, materials, args));
          continue;
        }
        const result = await measureTimes(measure, materials, qemu, args);
        report(result);
        if (measure.needsCompiler) kernels.push(result);
      } catch (error) {
        allRan = false;
        note(`failed: ${measure.name}: ${(error as Error).message}`);
      }
    }
    if (kernels.length > 1) report(cpuResult(kernels));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  if (results.length > 0) note(`\n${formatTable(results)}`);
  return allRan;
}

if (import.meta.main) {
  try {
    const names = MEASURES.map((measure) => measure.name);
    const args = parseArguments(Deno.args, names, Deno.env.get("QEMU"));
    if (args.help) console.log(USAGE);
    else if (args.list) console.log(names.join("\n"));
    else if (!await run(args)) Deno.exitCode = 1;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`bench: ${error.message}`);
    Deno.exitCode = 2;
  }
}
