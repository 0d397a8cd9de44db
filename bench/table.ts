/**
 * Times as a table for people.
 *
 * @module
 */

import type { CpuResult, MemoryResult, TimeResult } from "./results.ts";
import type { Summary } from "./statistics.ts";

/** What a table has a row for. */
export type Row = TimeResult | CpuResult | MemoryResult;

const ABSENT = "-";

function spread({ median, min, max }: Summary): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;
}

function millions(instructions: number): string {
  return (instructions / 1e6).toFixed(1);
}

/** Which part of the instructions was translated, and the time that translation took. */
function translation({ jit: { report } }: TimeResult["ours"]): string {
  if (report === undefined) return ABSENT;
  const { translatedShare = 0, translateMs = 0, compileMs = 0 } = report;
  return `${(100 * translatedShare).toFixed(0)}%, ${(translateMs + compileMs).toFixed(0)} ms`;
}

/** The QEMUs compared with; one column each. */
function versionsOf(rows: readonly Row[]): string[] {
  for (const row of rows) {
    if ("qemu" in row && row.qemu !== undefined) return row.qemu.map(({ version }) => version);
  }
  return [];
}

function headings(versions: readonly string[]): string[] {
  const qemus = versions.map((version) => `QEMU ${version} s`);
  const ratio = versions.length > 1 ? "ours/faster" : "ours/QEMU";
  return ["measure", "ours s", ...qemus, ratio, "M instr.", "MIPS", "peak MiB", "translated"];
}

function cells(row: Row, qemuCount: number): string[] {
  if ("barMiB" in row) {
    const { measure, peakRssMiB, barMiB, ramMiB } = row;
    const peak = `${peakRssMiB.toFixed(0)} (${ramMiB} RAM, bar ${barMiB})`;
    return [measure, "", ...Array(qemuCount).fill(""), "", "", "", peak, ""];
  }
  const absent = Array(qemuCount).fill(ABSENT);
  const { measure, ours } = row;
  if ("kernels" in row) {
    return [
      `${measure} (${row.kernels} together)`,
      row.ours.seconds.toFixed(2),
      ...row.qemu?.map(({ seconds }) => seconds.toFixed(2)) ?? absent,
      row.ratio?.geometricMean.toFixed(2) ?? ABSENT,
      millions(ours.instructions),
      ours.mips.toFixed(0),
      "",
      "",
    ];
  }
  return [
    measure,
    spread(row.ours.seconds),
    ...row.qemu?.map(({ seconds }) => spread(seconds)) ?? absent,
    row.ratio === undefined ? ABSENT : spread(row.ratio),
    millions(ours.instructions),
    ours.mips.toFixed(0),
    row.ours.peakRssMiB.toFixed(0),
    translation(row.ours),
  ];
}

/** Lays results out in columns: median (minimum-maximum). */
export function formatTable(rows: readonly Row[]): string {
  const versions = versionsOf(rows);
  const table = [headings(versions), ...rows.map((row) => cells(row, versions.length))];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
        )
        .join("  ")
        .trimEnd()
    )
    .join("\n");
}
