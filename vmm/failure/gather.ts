/**
 * Gathers what a failure's message tells.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import type { Console, Wait } from "../console.ts";
import type { MachineErrorDetails } from "../verdict.ts";
import type { HartReport } from "./hart_report.ts";
import { reportHarts } from "./hart_reports.ts";
import { findNearMiss } from "./near_miss.ts";
import { findSourceLine } from "./source_line.ts";
import type { SymbolSource } from "./symbols.ts";
import type { TripwireName } from "./tripwires.ts";

/** What is known of a failure where it is noticed. */
export interface FailureContext {
  /** What was waited for. */
  readonly wait?: Wait | undefined;
  /** Virtual time and the host's when that began. */
  readonly startNs?: number;
  readonly wallStartMs?: number;
  readonly tripwire?: TripwireName;
}

type Gathered = Omit<MachineErrorDetails, "verdict" | "virtualMs" | "instructions">;

const MESSAGE_LINES = 30;
/** A near-miss is looked for in so many lines. */
const SEARCHED_LINES = 1_000;

/** Gathers; `harts` are left out while they are not what the machine is. */
export function gatherFailure(
  console: Console,
  harts: HartArray | undefined,
  symbols: readonly SymbolSource[],
  context: FailureContext & { readonly nowNs: number },
): Gathered {
  const { wait, startNs, wallStartMs, nowNs, tripwire } = context;
  const timedLines = console.lastTimedLines(MESSAGE_LINES);
  const patterns = wait?.patterns ?? [];
  return {
    lastLines: timedLines.map(({ text }) => text),
    timedLines,
    tripwire,
    waitedMs: startNs === undefined ? undefined : (nowNs - startNs) / 1e6,
    wallMs: wallStartMs === undefined ? undefined : performance.now() - wallStartMs,
    source: wait?.site && findSourceLine(wait.site),
    nearMiss: patterns.length === 0 ? undefined : findNearMiss(patterns, {
      lines: console.timedLinesFrom(wait?.from ?? 0, SEARCHED_LINES),
    }),
    harts: harts && reportIfPossible(harts, symbols),
  };
}

/** RAM may be what is wrong: a page of a snapshot that cannot be read must not hide the failure. */
function reportIfPossible(
  harts: HartArray,
  symbols: readonly SymbolSource[],
): readonly HartReport[] | undefined {
  try {
    return reportHarts(harts, symbols);
  } catch {
    return undefined;
  }
}
