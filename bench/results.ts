/**
 * From runs to results: what the JSON lines hold.
 *
 * @module
 */

import type { Bar } from "./bars.ts";
import type { GuestsResult } from "./guests_result.ts";
import { type JitReport, medianJitReport } from "./jit.ts";
import type { SnapshotResult } from "./snapshot_result.ts";
import { geometricMean, pairwiseRatios, summarize, type Summary } from "./statistics.ts";
import type { OurRunResult, RunResult } from "./workload.ts";

/** Times of a measure on one QEMU. */
export interface QemuTimes {
  readonly version: string;
  readonly seconds: Summary;
  /** Our time by this QEMU's, pair by pair. */
  readonly ratio: Summary;
}

/** Times of a measure, and what they were taken with. */
export interface TimeResult {
  readonly measure: string;
  /** How many runs of each engine. */
  readonly pairs: number;
  readonly ours: {
    readonly seconds: Summary;
    /** Executed by all harts in that time; the same in every run. */
    readonly instructions: number;
    /** Millions of instructions a second, by the median time. */
    readonly mips: number;
    readonly peakRssMiB: number;
    /** As it was set, and the medians of what it reported, if it reported anything. */
    readonly jit: { readonly setting: string; readonly report?: JitReport };
  };
  /** In the order in which they were named; absent if there is none. */
  readonly qemu?: readonly QemuTimes[];
  /** Our time by that of the QEMU whose median is the least. */
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
  readonly qemu?: readonly { readonly version: string; readonly seconds: number }[];
  /** Of our times by those of the QEMU that is faster, kernel by kernel. */
  readonly ratio?: {
    readonly ofSums: number;
    readonly geometricMean: number;
    readonly worst: { readonly measure: string; readonly ratio: number };
  };
}

/** How large the process of a machine grows. */
export interface MemoryResult {
  readonly measure: string;
  readonly ramMiB: number;
  readonly peakRssMiB: number;
  /** What the project allows. */
  readonly barMiB: number;
}

/** What the project set out to reach, and what was found. */
export interface BarsResult {
  readonly measure: "bars";
  readonly bars: readonly Bar[];
}

/** One JSON line. */
export type Result =
  | TimeResult
  | CpuResult
  | MemoryResult
  | GuestsResult
  | SnapshotResult
  | BarsResult;

/** Runs of a measure on one QEMU. */
export interface QemuRuns {
  readonly version: string;
  readonly runs: readonly RunResult[];
}

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

/** The faster of several QEMUs. */
function fasterOf(qemus: readonly QemuTimes[]): QemuTimes {
  return qemus.reduce((best, qemu) => qemu.seconds.median < best.seconds.median ? qemu : best);
}

/**
 * Puts the runs of a measure together.
 *
 * @throws {Error} if two runs of ours executed different numbers of instructions: they began alike
 */
export function timeResult(
  measure: string,
  ours: readonly OurRunResult[],
  setting: string,
  qemus: readonly QemuRuns[],
  load: number,
): TimeResult {
  const counts = new Set(ours.map((run) => run.instructions));
  if (counts.size > 1) {
    throw new Error(`runs of ours differ in instructions: ${[...counts].join(", ")}`);
  }
  const seconds = summarize(secondsOf(ours));
  const { instructions } = ours[0]!;
  const report = medianJitReport(ours.map((run) => run.jit));
  const qemu = qemus.map(({ version, runs }): QemuTimes => ({
    version,
    seconds: roundedSummary(summarize(secondsOf(runs))),
    ratio: roundedSummary(summarize(pairwiseRatios(secondsOf(ours), secondsOf(runs)))),
  }));
  return {
    measure,
    pairs: ours.length,
    ours: {
      seconds: roundedSummary(seconds),
      instructions,
      mips: rounded(instructions / seconds.median / 1e6),
      peakRssMiB: rounded(Math.max(...ours.map((run) => run.peakRssMiB))),
      jit: { setting, ...(report === undefined ? {} : { report }) },
    },
    ...(qemu.length === 0 ? {} : { qemu, ratio: fasterOf(qemu).ratio }),
    load: rounded(load),
  };
}

/** Puts the kernels of the `cpu` group together. */
export function cpuResult(kernels: readonly TimeResult[]): CpuResult {
  const sum = (value: (kernel: TimeResult) => number) =>
    kernels.reduce((total, kernel) => total + value(kernel), 0);
  const seconds = sum((kernel) => kernel.ours.seconds.median);
  const instructions = sum((kernel) => kernel.ours.instructions);
  const versions = kernels[0]?.qemu?.map(({ version }) => version);
  return {
    measure: "cpu",
    kernels: kernels.length,
    ours: {
      seconds: rounded(seconds),
      instructions,
      mips: rounded(instructions / seconds / 1e6),
    },
    ...(versions === undefined ? {} : {
      qemu: versions.map((version, index) => ({
        version,
        seconds: rounded(sum((kernel) => kernel.qemu![index]!.seconds.median)),
      })),
      ratio: {
        ofSums: rounded(seconds / sum((kernel) => fasterOf(kernel.qemu!).seconds.median)),
        geometricMean: rounded(geometricMean(kernels.map((kernel) => kernel.ratio!.median))),
        worst: kernels
          .map(({ measure, ratio }) => ({ measure, ratio: ratio!.median }))
          .reduce((worst, kernel) => kernel.ratio > worst.ratio ? kernel : worst),
      },
    }),
  };
}
