/**
 * `deno task bench`: our machine and QEMU in turn, each run in a fresh process.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { type BenchArguments, isSelected, parseArguments, USAGE } from "./arguments.ts";
import { checkBars, formatBars } from "./bars.ts";
import { COMPILER, hasCompiler } from "./cpu/build.ts";
import { formatGuests, type GuestsResult, guestsResult } from "./guests_result.ts";
import { Materials, type Measure, MEASURES, type Prepared } from "./measures.ts";
import { runOurs } from "./ours.ts";
import { DEFAULT_QEMU, findQemu, type Qemu, runQemu } from "./qemu.ts";
import {
  cpuResult,
  type MemoryResult,
  type Result,
  type TimeResult,
  timeResult,
} from "./results.ts";
import { measureSnapshots } from "./snapshot.ts";
import { formatSnapshots, type SnapshotResult } from "./snapshot_result.ts";
import { formatTable, type Row } from "./table.ts";
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
  qemus: readonly Qemu[],
  { pairs, jit, timeoutSeconds }: BenchArguments,
): Promise<TimeResult> {
  const prepared = await measure.prepare(materials);
  const { workload } = prepared;
  const ourRuns: OurRunResult[] = [];
  const theirs = qemus.map((qemu) => ({ qemu, version: qemu.version, runs: [] as RunResult[] }));
  for (let pair = 0; pair < pairs; pair++) {
    const ourRun = await runOurs(workload, jit, timeoutSeconds);
    checkRun("ours", prepared, ourRun);
    ourRuns.push(ourRun);
    for (const { qemu, version, runs } of theirs) {
      const qemuRun = await runQemu(qemu, workload, timeoutSeconds);
      checkRun(`QEMU ${version}`, prepared, qemuRun);
      runs.push(qemuRun);
    }
  }
  return timeResult(measure.name, ourRuns, jit, theirs, Deno.loadavg()[0]!);
}

function checkRun(engine: string, { check }: Prepared, { consoleText }: RunResult): void {
  try {
    check(consoleText);
  } catch (error) {
    throw new Error(`${engine}: ${(error as Error).message}`, { cause: error });
  }
}

async function measureMemory(
  measure: Measure,
  materials: Materials,
  { jit, timeoutSeconds }: BenchArguments,
): Promise<MemoryResult> {
  const { workload } = await measure.prepare(materials);
  const { peakRssMiB } = await runOurs(workload, jit, timeoutSeconds);
  return {
    measure: measure.name,
    ramMiB: workload.memMiB,
    peakRssMiB: Math.round(peakRssMiB),
    barMiB: MEMORY_BAR_MIB,
  };
}

async function measureGuests(
  measure: Measure,
  materials: Materials,
  { jit, guests, timeoutSeconds }: BenchArguments,
): Promise<GuestsResult> {
  const { workload } = await measure.prepare(materials);
  const tens = Math.ceil(guests / 10);
  const run = await runOurs(workload, jit, tens * timeoutSeconds);
  return guestsResult(measure.name, workload.memMiB, jit, run);
}

async function measureSaving(
  measure: Measure,
  materials: Materials,
  qemus: readonly Qemu[],
  { pairs, jit, timeoutSeconds }: BenchArguments,
): Promise<SnapshotResult> {
  const { workload } = await measure.prepare(materials);
  if (workload.kind !== "linux") throw new TypeError(`${measure.name}: only Linux is saved`);
  const folder = `${materials.folder}/${measure.name}`;
  await Deno.mkdir(folder);
  const options = { pairs, jit, timeoutSeconds, note };
  return await measureSnapshots(measure.name, workload, folder, qemus, options);
}

function measureOne(
  measure: Measure,
  materials: Materials,
  qemus: readonly Qemu[],
  args: BenchArguments,
): Promise<TimeResult | MemoryResult | GuestsResult | SnapshotResult> {
  switch (measure.kind) {
    case "pairs":
      return measureTimes(measure, materials, qemus, args);
    case "memory":
      return measureMemory(measure, materials, args);
    case "guests":
      return measureGuests(measure, materials, args);
    case "snapshots":
      return measureSaving(measure, materials, qemus, args);
  }
}

/** Leaves out what needs a compiler if there is none. */
async function selectMeasures(only: readonly string[]): Promise<Measure[]> {
  const selected = MEASURES.filter((measure) => isSelected(measure.name, only));
  if (!selected.some((measure) => measure.needsCompiler) || await hasCompiler()) return selected;
  note(`skipped: cpu, for there is no ${COMPILER} on the PATH (Debian: gcc-riscv64-linux-gnu)`);
  return selected.filter((measure) => !measure.needsCompiler);
}

/** The QEMUs to compare with: those named, or the default one if it is there. */
async function selectQemus(commands: readonly string[]): Promise<Qemu[]> {
  const qemus: Qemu[] = [];
  for (const command of commands.length > 0 ? commands : [DEFAULT_QEMU]) {
    const found = await findQemu(command);
    if (!("missing" in found)) {
      qemus.push(found);
      continue;
    }
    // To compare with nothing although a QEMU was named would go unnoticed.
    if (commands.length > 0) throw new TypeError(found.missing);
    note(`skipped: QEMU's times and the ratios, for ${found.missing} (Debian: qemu-system-misc)`);
  }
  return qemus;
}

/** What people read, after the JSON lines. */
function formatResults(results: readonly Result[]): string {
  const rows: Row[] = [];
  const parts: string[] = [];
  for (const result of results) {
    if ("rssMiB" in result) parts.push(formatGuests(result));
    else if ("snapshots" in result) parts.push(formatSnapshots(result));
    else if ("bars" in result) parts.push(formatBars(result.bars));
    else rows.push(result);
  }
  return [...(rows.length > 0 ? [formatTable(rows)] : []), ...parts].join("\n\n");
}

/** Runs everything that was asked for; returns whether all of it ran. */
async function run(args: BenchArguments): Promise<boolean> {
  const qemus = await selectQemus(args.qemus);
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
    const materials = new Materials(folder, args.guests);
    const kernels: TimeResult[] = [];
    for (const measure of measures) {
      try {
        const result = await measureOne(measure, materials, qemus, args);
        report(result);
        if (measure.needsCompiler) kernels.push(result as TimeResult);
      } catch (error) {
        allRan = false;
        note(`failed: ${measure.name}: ${(error as Error).message}`);
      }
    }
    if (kernels.length > 1) report(cpuResult(kernels));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const bars = checkBars(results);
  if (bars.length > 0) report({ measure: "bars", bars });
  if (results.length > 0) note(`\n${formatResults(results)}`);
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
