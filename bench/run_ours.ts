/**
 * One run on our machine, in a process of its own: `deno run --allow-read=. bench/run_ours.ts`, with an
 * {@link OurRequest} as JSON on standard input. Its last line on standard output is the report.
 *
 * @module
 */

import { Machine } from "../mod.ts";
import { parseJitSetting } from "../core/jit/jit_options.ts";
import { type JitReport, readJitReport } from "./jit.ts";
import type { LinuxWorkload, Weight, Workload } from "./workload.ts";

/** What is asked for. */
export interface OurRequest {
  readonly workload: Workload;
  readonly jit: string;
}

/** What is printed at the end. */
export interface OurReport {
  readonly consoleText: string;
  /** Between `start` and `stop` if the steps note them, else since power-on. */
  readonly instructions: number;
  /** Between `start` and `stop`; absent if no steps note them. */
  readonly seconds?: number;
  /** The largest of what was resident after each step and at the end. */
  readonly peakRssMiB: number;
  readonly jit?: JitReport;
  readonly weights: readonly Weight[];
}

/** The part of a run that is measured, and the weights taken on the way. */
interface Observations {
  startTime: number;
  startInstructions: number;
  peakRssMiB: number;
  seconds?: number;
  instructions?: number;
  readonly weights: Weight[];
}

/** Virtual time for one step: far more than any takes. */
const STEP_TIMEOUT_MS = 600_000;
const MIB = 1 << 20;
const PAGE_BYTES = 4096;

async function createMachine(workload: Workload, jit: string): Promise<Machine> {
  const { harts, memMiB } = workload;
  const common = { harts, memMiB, jit: parseJitSetting(jit) };
  if (workload.kind === "program") {
    return await Machine.create({ ...common, elf: workload.elf });
  }
  const { firmware, kernel, initrd, bootargs } = workload;
  return await Machine.create({ ...common, firmware, kernel, initrd, bootargs });
}

async function execute(machine: Machine, workload: Workload): Promise<Observations> {
  const observations: Observations = {
    startTime: 0,
    startInstructions: 0,
    peakRssMiB: 0,
    weights: [],
  };
  if (workload.kind === "program") {
    const { finish } = await machine.run();
    if (finish?.kind !== "pass") {
      throw new Error(`${workload.elf} failed with code ${finish?.code}`);
    }
  } else {
    if (workload.residentRam) touchRam(machine);
    await converse(machine, workload, observations);
  }
  observations.peakRssMiB = Math.max(observations.peakRssMiB, rssMiB());
  return observations;
}

async function converse(
  machine: Machine,
  { steps }: LinuxWorkload,
  observations: Observations,
): Promise<void> {
  for (const { expect, send, note } of steps) {
    await machine.console.expect(new RegExp(expect), { timeoutMs: STEP_TIMEOUT_MS });
    observations.peakRssMiB = Math.max(observations.peakRssMiB, rssMiB());
    if (note === "start") {
      observations.startTime = performance.now();
      observations.startInstructions = machine.instructions;
    } else if (note === "stop") {
      observations.seconds = (performance.now() - observations.startTime) / 1e3;
      observations.instructions = machine.instructions - observations.startInstructions;
    } else if (note === "weigh") {
      observations.weights.push(weigh(machine));
    }
    if (send !== undefined) machine.console.send(send);
  }
}

/** Writes to each page what is there: the operating system gives a page when it is first written. */
function touchRam({ harts }: Machine): void {
  const { ram } = harts.module;
  for (let offset = 0; offset < ram.length; offset += PAGE_BYTES) ram[offset] = ram[offset]!;
}

function weigh(machine: Machine): Weight {
  const { rss, heapUsed } = Deno.memoryUsage();
  return { rssMiB: rss / MIB, heapMiB: heapUsed / MIB, ...jitOf(machine) };
}

function jitOf(machine: Machine): { readonly jit?: JitReport } {
  const jit = readJitReport(machine);
  return jit === undefined ? {} : { jit };
}

/**
 * What is resident now. The kernel's own peak would be in `node:process`, which takes 13 ms to load, in
 * each run that is timed.
 */
function rssMiB(): number {
  return Deno.memoryUsage().rss / MIB;
}

if (import.meta.main) {
  try {
    const { workload, jit }: OurRequest = await new Response(Deno.stdin.readable).json();
    using machine = await createMachine(workload, jit);
    const { seconds, instructions, peakRssMiB, weights } = await execute(machine, workload);
    const report: OurReport = {
      consoleText: machine.console.transcript,
      instructions: instructions ?? machine.instructions,
      ...(seconds === undefined ? {} : { seconds }),
      peakRssMiB,
      ...jitOf(machine),
      weights,
    };
    console.log(JSON.stringify(report));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
