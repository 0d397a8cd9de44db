/**
 * How a run ends when it does not end as asked: errors with a verdict that programs can read.
 *
 * @module
 */

/** Why a machine did not do what was expected of it. */
export type Verdict =
  /** Nothing matched within the virtual time given. */
  | "virtual-timeout"
  /** Every hart waits and nothing is scheduled: no output can come any more. */
  | "deadlock"
  /** A kernel said that it panicked. */
  | "panic"
  /** Something came first that an expectation ruled out. */
  | "unexpected"
  /** The machine was powered off or reset, or failed, by its own doing. */
  | "finished";

/** What is known when a machine disappoints. */
export interface MachineErrorDetails {
  readonly verdict: Verdict;
  /** Virtual milliseconds since power-on. */
  readonly virtualMs: number;
  /** Instructions executed since power-on. */
  readonly instructions: number;
  /** The end of the console's transcript. */
  readonly lastLines: readonly string[];
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
export class MachineError extends Error {
  override readonly name = "MachineError";
  readonly verdict: Verdict;
  readonly virtualMs: number;
  readonly instructions: number;
  readonly lastLines: readonly string[];

  constructor(summary: string, details: MachineErrorDetails, options?: ErrorOptions) {
    const { verdict, virtualMs, instructions, lastLines } = details;
    const shown = lastLines.length === 0
      ? "the console printed nothing"
      : `last lines of the console:\n${lastLines.map((line) => `  | ${line}`).join("\n")}`;
    super(
      `${summary}\n  verdict: ${verdict}, at ${virtualMs.toFixed(3)} ms of virtual time, ` +
        `${instructions} instructions\n${shown}`,
      options,
    );
    this.verdict = verdict;
    this.virtualMs = virtualMs;
    this.instructions = instructions;
    this.lastLines = lastLines;
  }
}
