/**
 * The message of a failure: what was expected, what came, and where everything stands.
 *
 * All of it is the same each time, but for one line, `wall time`, which is there after a second.
 *
 * @module
 */

import type { TimedLine } from "../transcript.ts";
import type { MachineErrorDetails } from "../verdict.ts";
import { describeHart } from "./hart_report.ts";
import { describeNearMiss } from "./near_miss.ts";
import { printable } from "./printable.ts";

/** Nobody waits for less; so the messages of quick failures are the same each time. */
const SHOWN_WALL_MS = 1000;

/** Puts a failure into words. */
export function describeFailure(summary: string, details: MachineErrorDetails): string {
  const { verdict, virtualMs, instructions, tripwire } = details;
  const what = tripwire === undefined || tripwire === verdict ? verdict : `${verdict}: ${tripwire}`;
  return [
    summary,
    `  verdict: ${what}, at ${virtualMs.toFixed(3)} ms of virtual time, ` +
    `${instructions} instructions`,
    ...waited(details),
    ...source(details),
    ...(details.nearMiss === undefined ? [] : describeNearMiss(details.nearMiss)),
    ...harts(details),
    ...lastLines(details),
  ].join("\n");
}

function waited({ waitedMs, wallMs = 0 }: MachineErrorDetails): string[] {
  return [
    ...(waitedMs === undefined ? [] : [`  waited: ${waitedMs.toFixed(3)} ms of virtual time`]),
    ...(wallMs < SHOWN_WALL_MS ? [] : [`  wall time: ${(wallMs / 1000).toFixed(1)} s`]),
  ];
}

function source({ source }: MachineErrorDetails): string[] {
  if (source === undefined) return [];
  const { location, text } = source;
  return [`  expected at: ${location}`, ...(text === undefined ? [] : [`    > ${text}`])];
}

function harts({ harts = [] }: MachineErrorDetails): string[] {
  return harts.length === 0 ? [] : ["harts:", ...harts.flatMap(describeHart)];
}

function lastLines({ lastLines, timedLines }: MachineErrorDetails): string[] {
  if (lastLines.length === 0) return ["the console printed nothing"];
  const shown = timedLines === undefined
    ? lastLines.map((line) => `  | ${printable(line)}`)
    : withTimes(timedLines);
  return ["last lines of the console:", ...shown];
}

function withTimes(lines: readonly TimedLine[]): string[] {
  const times = lines.map(({ at }) => (at.nowNs / 1e6).toFixed(3));
  const width = Math.max(...times.map((time) => time.length));
  return lines.map(({ text }, n) => `  ${times[n]!.padStart(width)} ms | ${printable(text)}`);
}
