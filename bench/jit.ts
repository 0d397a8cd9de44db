/**
 * What translation in the runs of ours reports.
 *
 * @module
 */

import type { Machine } from "../mod.ts";
import { summarize } from "./statistics.ts";

/**
 * What translation did: every count of `HartArray.jitStatistics` by its name there, and
 * `translatedShare`, the part of the instructions that ran in translated code.
 */
export type JitReport = Readonly<Record<string, number>>;

/** Reads a machine's counts; undefined if it does not translate. */
export function readJitReport({ harts, instructions }: Machine): JitReport | undefined {
  const statistics = harts.jitStatistics;
  if (statistics === undefined) return undefined;
  const { module } = harts;
  const translated = module.getNumber(module.machineField("jitInstructions"));
  const counts = Object.entries(statistics).filter(([, value]) => typeof value === "number");
  return {
    ...Object.fromEntries(counts),
    translatedShare: instructions === 0 ? 0 : translated / instructions,
  };
}

/** The median of each count over several runs; undefined unless all have a report. */
export function medianJitReport(
  reports: readonly (JitReport | undefined)[],
): JitReport | undefined {
  const [first] = reports;
  if (first === undefined || reports.includes(undefined)) return undefined;
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      Number(summarize(reports.map((report) => report![name]!)).median.toPrecision(4)),
    ]),
  );
}
