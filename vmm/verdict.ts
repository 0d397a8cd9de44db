/**
 * How a run ends when it does not end as asked: errors with a verdict that programs can read.
 *
 * @module
 */

import type { HartReport } from "./failure/hart_report.ts";
import { describeFailure } from "./failure/message.ts";
import type { NearMiss } from "./failure/near_miss.ts";
import type { SourceLine } from "./failure/source_line.ts";
import type { TripwireName } from "./failure/tripwires.ts";
import type { TimedLine } from "./transcript.ts";

/** Why a machine, or a scenario, did not do what was expected of it. */
export type Verdict =
  /** An assertion of the scenario does not hold. */
  | "mismatch"
  /** Something came that an expectation ruled out. */
  | "unexpected"
  /** Nothing matched within the virtual time given. */
  | "virtual-timeout"
  /** Nothing matched within the instructions given. */
  | "instruction-budget"
  /** The host's own time was up: how far the machine came by then is not the same each time. */
  | "wall-timeout"
  /** Every hart waits and nothing is scheduled: no output can come any more. */
  | "deadlock"
  /** Every hart goes round in a loop that nothing can end (vmm/failure/spin.ts). */
  | "spin"
  /** A hart traps again and again without executing anything: its trap handler cannot be fetched. */
  | "trap-loop"
  /** A kernel said that it panicked. */
  | "panic"
  /** A kernel, or KVM, said something else after which there is nothing to wait for. */
  | "tripwire"
  /** A guest ended that was still needed. */
  | "guest-exited"
  /** The machine was powered off or reset, or failed, by its own doing. */
  | "finished"
  /** It is not the machine: a file that is gone, a permission, a mistake in the framework. */
  | "infrastructure";

/** Every verdict, for programs that read reports. */
export const VERDICTS: readonly Verdict[] = [
  "mismatch",
  "unexpected",
  "virtual-timeout",
  "instruction-budget",
  "wall-timeout",
  "deadlock",
  "spin",
  "trap-loop",
  "panic",
  "tripwire",
  "guest-exited",
  "finished",
  "infrastructure",
];

/** What is known when a machine disappoints. */
export interface MachineErrorDetails {
  readonly verdict: Verdict;
  /** Virtual milliseconds since power-on. */
  readonly virtualMs: number;
  /** Instructions executed since power-on. */
  readonly instructions: number;
  /** The end of the console's transcript. */
  readonly lastLines: readonly string[];
  /** The same, with when each line began. */
  readonly timedLines?: readonly TimedLine[] | undefined;
  /** What tripped, with verdicts `panic` and `tripwire`. */
  readonly tripwire?: TripwireName | undefined;
  /** How long was waited: virtual time. */
  readonly waitedMs?: number | undefined;
  /** The host's time that it took; not the same each time. */
  readonly wallMs?: number | undefined;
  /** Where in the user's program the wait was asked for. */
  readonly source?: SourceLine | undefined;
  /** What came nearest to what was waited for. */
  readonly nearMiss?: NearMiss | undefined;
  /** Where each hart is. */
  readonly harts?: readonly HartReport[] | undefined;
}

/**
 * A machine ended, stopped or said something other than expected.
 *
 * @example
 * ```ts
 * import { MachineError } from "./verdict.ts";
 *
 * const error = new MachineError("no prompt", {
 *   verdict: "deadlock",
 *   virtualMs: 12,
 *   instructions: 12_000,
 *   lastLines: ["Booting"],
 * });
 * console.log(error.verdict, error.message);
 * ```
 */
export class MachineError extends Error implements MachineErrorDetails {
  override readonly name = "MachineError";
  readonly verdict: Verdict;
  readonly virtualMs: number;
  readonly instructions: number;
  readonly lastLines: readonly string[];
  readonly timedLines: readonly TimedLine[] | undefined;
  readonly tripwire: TripwireName | undefined;
  readonly waitedMs: number | undefined;
  readonly wallMs: number | undefined;
  readonly source: SourceLine | undefined;
  readonly nearMiss: NearMiss | undefined;
  readonly harts: readonly HartReport[] | undefined;

  constructor(summary: string, details: MachineErrorDetails, options?: ErrorOptions) {
    super(describeFailure(summary, details), options);
    this.verdict = details.verdict;
    this.virtualMs = details.virtualMs;
    this.instructions = details.instructions;
    this.lastLines = details.lastLines;
    this.timedLines = details.timedLines;
    this.tripwire = details.tripwire;
    this.waitedMs = details.waitedMs;
    this.wallMs = details.wallMs;
    this.source = details.source;
    this.nearMiss = details.nearMiss;
    this.harts = details.harts;
  }
}

/**
 * The verdict on what a scenario threw: a machine's own, `mismatch` for an assertion, else
 * `infrastructure`.
 */
export function verdictOf(error: unknown): Verdict {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof MachineError) return each.verdict;
    if (each.name === "AssertionError") return "mismatch";
  }
  return "infrastructure";
}
