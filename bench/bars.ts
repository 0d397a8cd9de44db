/**
 * What the project set out to reach against QEMU, and whether the results do. For information: a bar
 * that is missed fails nothing.
 *
 * @module
 */

import type { CpuResult, Result, TimeResult } from "./results.ts";

/** A bar, and what was found. */
export interface Bar {
  /** What it is about, with the measure that decides. */
  readonly what: string;
  /** `speed`: QEMU's time by ours; more is better. `time`: ours by QEMU's; less is better. */
  readonly quantity: "speed" | "time";
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

function bar(what: string, quantity: Bar["quantity"], bound: number, timeRatio: number): Bar {
  const exact = quantity === "time" ? timeRatio : 1 / timeRatio;
  return {
    what,
    quantity,
    bound,
    value: Number(exact.toPrecision(4)),
    isMet: quantity === "time" ? exact <= bound : exact >= bound,
  };
}

/** Holds the results against the bars; what was not measured against QEMU has none. */
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
  return bars;
}

/** A line for each bar. */
export function formatBars(bars: readonly Bar[]): string {
  const width = Math.max(...bars.map(({ what }) => what.length));
  const lines = bars.map(({ what, quantity, bound, value, isMet }) => {
    const relation = quantity === "time" ? "at most" : "at least";
    return `${what.padEnd(width)}  ${quantity} ${value.toFixed(2).padStart(6)}  ` +
      `${relation.padEnd(8)} ${bound}  ${isMet ? "met" : "missed"}`;
  });
  return ["speed is QEMU's time by ours, time is ours by QEMU's; the faster QEMU", ...lines]
    .join("\n");
}
