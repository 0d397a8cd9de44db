/**
 * Exit codes of the command line.
 *
 * @module
 */

import type { FinishRequest } from "../../devices/test_finisher.ts";

/** What the command's exit codes mean; a failing guest's own code comes beside these. */
export const EXIT = {
  /** The guest ended well, or the user left. */
  success: 0,
  /** Something could not be read, written or run. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** `--max-instructions` were executed; the code that timeout(1) has. */
  limit: 124,
  /** Ended by a signal: this plus the signal's number, as shells count. */
  signal: 128,
} as const;

const LARGEST_EXIT_CODE = 255;

/**
 * Exit code for what the guest asked for. A failure is never 0: code 0 becomes 1, and what does not
 * fit in an exit code becomes 255.
 */
export function exitCodeOf(finish: FinishRequest): number {
  if (finish.kind !== "fail") return EXIT.success;
  if (finish.code === 0) return EXIT.failure;
  return Math.min(finish.code, LARGEST_EXIT_CODE);
}
