/**
 * What the project set out to reach against QEMU, and whether the results do. For information: a bar
 * that is missed fails nothing.
 *
 * @module
 */

import type { CpuResult, Result, TimeResult } from "./results.ts";
import type { Quantity, SnapshotResult } from "./snapshot_result.ts";

/** A bar, and what was found. */
export interface Bar {
  /** What it is about, with the measure that decides. */
  readonly what: string;
  /**
   * `speed`: QEMU's time by ours; more is better. `time`: ours by QEMU's; less is better, as it is of all
   * others. `times`: one of ours by another of ours.
   */
  readonly quantity: "speed" | "time" | "ms" | "MB" | "MiB" | "times";
  readonly bound: number;
  readonly value: number;
  readonly isMet: boolean;
}

/** The geometric mean of a few kernels says little of the whole set. */
const MIN_CPU_KERNELS = 10;

const CPU_MEAN_SPEED = 1.5;
const CPU_KERNEL_SPEED = 0.7;
const MEASURE_BARS: readonly Pick<Bar, "what" | "quantity" | "bound">[] = [
  { what: "user-sha256sum", quantity: "speed", bound: 1.2 },
  { what: "user-gzip", quantity: "speed", bound: 1.2 },
  { what: "guest-sha256sum", quantity: "speed", bound: 1.5 },
  { what: "guest-gzip", quantity: "speed", bound: 1.5 },
  { what: "host-boot", quantity: "time", bound: 0.8 },
  { what: "flow", quantity: "time", bound: 0.5 },
];

/** Snapshots of a nested guest: medians. */
const SNAPSHOT_BARS: readonly (readonly [Quantity, Bar["quantity"], bound: number])[] = [
  ["warmEchoMs", "ms", 33],
  ["firstInstructionMs", "ms", 5],
  ["freshEchoMs", "ms", 300],
  ["saveMs", "ms", 150],
  ["layerSaveMs", "ms", 150],
  ["incrementalMs", "ms", 20],
  ["chainMB", "MB", 24],
  ["forksPeakMiB", "MiB", 2048],
  ["forksByOne", "times", 1.5],
  ["forksByOneCpu", "times", 1.5],
];
/** Our restore in a warm process by QEMU's. */
const RESTORE_TIME = 0.1;
/**
 * By so much the restore with the most RAM may exceed the one with the least: a twentieth of a millisecond
 * for 100 MiB. What grows is the table with a byte for each page.
 */
const FLAT_MS = 1.5;

/** @param measured the time by QEMU's if that is what it is about */
function bar(what: string, quantity: Bar["quantity"], bound: number, measured: number): Bar {
  const exact = quantity === "speed" ? 1 / measured : measured;
  return {
    what,
    quantity,
    bound,
    value: Number(exact.toPrecision(4)),
    isMet: quantity === "speed" ? exact >= bound : exact <= bound,
  };
}

function snapshotBars({ measure, snapshots, restores, qemu = [] }: SnapshotResult): Bar[] {
  const bars = SNAPSHOT_BARS.flatMap(([name, quantity, bound]) => {
    const summary = snapshots[name];
    return summary === undefined
      ? []
      : [bar(`${measure} ${name}`, quantity, bound, summary.median)];
  });
  const restoreRatios = {
    "by loadvm": qemu.map(({ ratio }) => ratio.warmEchoMs),
    "by -loadvm": qemu.map(({ warmByFresh }) => warmByFresh),
  };
  for (const [how, found] of Object.entries(restoreRatios)) {
    // The faster QEMU is the one by which ours takes longer.
    const medians = found.flatMap((ratio) => ratio === undefined ? [] : [ratio.median]);
    if (medians.length === 0) continue;
    bars.push(bar(`${measure} warmEchoMs ${how}`, "time", RESTORE_TIME, Math.max(...medians)));
  }
  if (restores.length > 1) {
    // The least times: the others tell of what else the computer does.
    const growth = restores.at(-1)!.ms.min - restores[0]!.ms.min;
    const sizes = `${restores[0]!.ramMiB} to ${restores.at(-1)!.ramMiB} MiB`;
    bars.push(bar(`${measure} growth from ${sizes}`, "ms", FLAT_MS, growth));
  }
  return bars;
}

/** Holds the results against the bars; what is to be compared with QEMU and was not has none. */
export function checkBars(results: readonly Result[]): Bar[] {
  const bars: Bar[] = [];
  const cpu = results.find((result): result is CpuResult => "kernels" in result);
  if (cpu?.ratio !== undefined && cpu.kernels >= MIN_CPU_KERNELS) {
    const { geometricMean, worst } = cpu.ratio;
    bars.push(bar("cpu, geometric mean", "speed", CPU_MEAN_SPEED, geometricMean));
    bars.push(bar(`${worst.measure}, the slowest`, "speed", CPU_KERNEL_SPEED, worst.ratio));
  }
  for (const { what, quantity, bound } of MEASURE_BARS) {
    const result = results.find((result): result is TimeResult =>
      result.measure === what && "ratio" in result
    );
    if (result?.ratio !== undefined) bars.push(bar(what, quantity, bound, result.ratio.median));
  }
  for (const result of results) if ("snapshots" in result) bars.push(...snapshotBars(result));
  return bars;
}

/** A line for each bar. */
export function formatBars(bars: readonly Bar[]): string {
  const width = Math.max(...bars.map(({ what }) => what.length));
  const lines = bars.map(({ what, quantity, bound, value, isMet }) => {
    const relation = quantity === "speed" ? "at least" : "at most";
    return `${what.padEnd(width)}  ${quantity.padEnd(5)} ${value.toFixed(2).padStart(8)}  ` +
      `${relation.padEnd(8)} ${bound}  ${isMet ? "met" : "missed"}`;
  });
  return ["speed is QEMU's time by ours, time is ours by QEMU's; the faster QEMU", ...lines]
    .join("\n");
}
