/**
 * From runs to results: what the JSON lines hold.
 *
 * @module
 */

import { geometricMean, pairwiseRatios, summarize, type Summary } from "./statistics.ts";
import type { OurRunResult, RunResult } from "./workload.ts";

/** Times of a measure, and what they were taken with. */
export interface TimeResult {
  readonly measure: string;
  /** How many runs of each engine. */
  readonly pairs: number;
  readonly ours: {
    readonly seconds: Summary;
    /** Executed by all harts; the same in every run. */
    readonly instructions: number;
    /** Millions of instructions a second, by the median of the whole process's time. */
    readonly mips: number;
    readonly peakRssMiB: number;
  };
  /** Absent if there is no QEMU. */
  readonly qemu?: { readonly version: string; readonly seconds: Summary };
  /** Our time by QEMU's, pair by pair. */
  readonly ratio?: Summary;
  /** How busy the computer was at the end: average of the last minute (`uptime`). */
  readonly load: number;
}

/** All kernels of the `cpu` group together. */
export interface CpuResult {
  readonly measure: "cpu";
  readonly kernels: number;
  readonly ours: {
    /** Sum of the medians. */
    readonly seconds: number;
    readonly instructions: number;
    readonly mips: number;
  };
  readonly qemu?: { readonly version: string; readonly seconds: number };
  readonly ratio?: { readonly ofSums: number; readonly geometricMean: number };
}

/** How large the process of a machine grows. */
export interface MemoryResult {
  readonly measure: string;
  readonly ramMiB: number;
  readonly peakRssMiB: number;
  /** What the project allows. */
  readonly barMiB: number;
}

/** One JSON line. */
export type Result = TimeResult | CpuResult | MemoryResult;

/** Rounds what is measured to what it is worth: four significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function roundedSummary({ median, min, max }: Summary): Summary {
  return { median: rounded(median), min: rounded(min), max: rounded(max) };
}

function secondsOf(runs: readonly RunResult[]): number[] {
  return runs.map((run) => run.seconds);
}

/**
 * Puts the runs of a measure together.
 *
 * @throws {Error} if two runs of ours executed different numbers of instructions: they began alike
 */
export function timeResult(
  measure: string,
  ours: readonly OurRunResult[],
  qemu: { readonly version: string; readonly runs: readonly RunResult[] } | undefined,
  load: number,
): TimeResult {
  const counts = new Set(ours.map((run) => run.instructions));
  if (counts.size > 1) {
    throw new Error(`runs of ours differ in instructions: ${[...counts].join(", ")}`);
  }
  const seconds = summarize(secondsOf(ours));
  const { instructions } = ours[0]!;
  return {
    measure,
    pairs: ours.length,
    ours: {
      seconds: roundedSummary(seconds),
      instructions,
      mips: rounded(instructions / seconds.median / 1e6),
      peakRssMiB: rounded(Math.max(...ours.map((run) => run.peakRssMiB))),
    },
    ...(qemu === undefined ? {} : {
      qemu: { version: qemu.version, seconds: roundedSummary(summarize(secondsOf(qemu.runs))) },
      ratio: roundedSummary(summarize(pairwiseRatios(secondsOf(ours), secondsOf(qemu.runs)))),
    }),
    load: rounded(load),
  };
}

/** Puts the kernels of the `cpu` group together. */
export function cpuResult(kernels: readonly TimeResult[]): CpuResult {
  const sum = (value: (kernel: TimeResult) => number) =>
    kernels.reduce((total, kernel) => total + value(kernel), 0);
  const seconds = sum((kernel) => kernel.ours.seconds.median);
  const instructions = sum((kernel) => kernel.ours.instructions);
  const version = kernels[0]?.qemu?.version;
  const qemuSeconds = sum((kernel) => kernel.qemu?.seconds.median ?? NaN);
  return {
    measure: "cpu",
    kernels: kernels.length,
    ours: {
      seconds: rounded(seconds),
      instructions,
      mips: rounded(instructions / seconds / 1e6),
    },
    ...(version === undefined ? {} : {
      qemu: { version, seconds: rounded(qemuSeconds) },
      ratio: {
        ofSums: rounded(seconds / qemuSeconds),
        geometricMean: rounded(geometricMean(kernels.map((kernel) => kernel.ratio!.median))),
      },
    }),
  };
}
