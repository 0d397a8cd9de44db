/**
 * Results as a table for people.
 *
 * @module
 */

import type { Result } from "./results.ts";
import type { Summary } from "./statistics.ts";

const HEADINGS = ["measure", "ours s", "QEMU s", "ours/QEMU", "M instr.", "MIPS", "peak MiB"];

function spread({ median, min, max }: Summary): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;
}

function millions(instructions: number): string {
  return (instructions / 1e6).toFixed(1);
}

function row(result: Result): string[] {
  if ("barMiB" in result) {
    const { measure, peakRssMiB, barMiB, ramMiB } = result;
    const peak = `${peakRssMiB.toFixed(0)} (${ramMiB} RAM, bar ${barMiB})`;
    return [measure, "", "", "", "", "", peak];
  }
  const { measure, ours, qemu } = result;
  if ("kernels" in result) {
    return [
      `${measure} (${result.kernels} together)`,
      result.ours.seconds.toFixed(2),
      result.qemu?.seconds.toFixed(2) ?? "-",
      result.ratio?.geometricMean.toFixed(2) ?? "-",
      millions(ours.instructions),
      ours.mips.toFixed(0),
      "",
    ];
  }
  return [
    measure,
    spread(result.ours.seconds),
    qemu === undefined ? "-" : spread(result.qemu!.seconds),
    result.ratio === undefined ? "-" : spread(result.ratio),
    millions(ours.instructions),
    ours.mips.toFixed(0),
    result.ours.peakRssMiB.toFixed(0),
  ];
}

/** Lays results out in columns: median (minimum-maximum). */
export function formatTable(results: readonly Result[]): string {
  const rows = [HEADINGS, ...results.map(row)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]!.length))
  );
  return rows
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
        )
        .join("  ")
        .trimEnd()
    )
    .join("\n");
}
