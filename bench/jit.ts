/**
 * Translation in the runs of ours: how it is set, and what it reports.
 *
 * @module
 */

import type { Machine, MachineOptions } from "../mod.ts";
import { summarize } from "./statistics.ts";

/**
 * As `--jit` has it: the library's default, off, every place translated when it is first reached, or
 * when it was reached so often.
 */
export type JitSetting = "default" | "off" | "always" | number;

/**
 * What translation did: every count of `HartArray.jitStatistics` by its name there, and
 * `translatedShare`, the part of the instructions that ran in translated code.
 */
export type JitReport = Readonly<Record<string, number>>;

/** @throws {TypeError} if it is no setting */
export function parseJitSetting(text: string): JitSetting {
  if (text === "default" || text === "off" || text === "always") return text;
  // Which numbers are too large the library knows.
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new TypeError(
    `--jit ${JSON.stringify(text)}: expected off, always, default, or a positive whole number`,
  );
}

/** The option of `Machine.create` for a setting; none for the default. */
export function jitOptions(setting: JitSetting): Pick<MachineOptions, "jit"> {
  switch (setting) {
    case "default":
      return {};
    case "off":
      return { jit: false };
    case "always":
      return { jit: { threshold: 1, batch: 1 } };
    default:
      return { jit: { threshold: setting } };
  }
}

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
