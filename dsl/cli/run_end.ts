/**
 * How a run on the command line came to its end.
 *
 * @module
 */

import type { FinishRequest } from "../../devices/test_finisher.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";

/** Why the machine is not run any further. */
export type RunEnd =
  | { readonly reason: "finished"; readonly finish: FinishRequest }
  | { readonly reason: "deadlock"; readonly pcs: readonly bigint[] }
  | { readonly reason: "limit"; readonly maxInstructions: number }
  | { readonly reason: "left" }
  | { readonly reason: "signal"; readonly number: number };

/** Exit code, and what to tell the user on stderr if anything. */
export function reportEnd(end: RunEnd): { readonly code: number; readonly message?: string } {
  switch (end.reason) {
    case "finished": {
      const code = exitCodeOf(end.finish);
      return end.finish.kind === "fail"
        ? { code, message: `the machine failed with code ${end.finish.code}` }
        : { code };
    }
    case "deadlock": {
      const where = end.pcs.map((pc) => `0x${pc.toString(16)}`).join(", ");
      return {
        code: EXIT.failure,
        message: `every hart waits for an interrupt and none can come (pc ${where})`,
      };
    }
    case "limit":
      return {
        code: EXIT.limit,
        message: `stopped after ${end.maxInstructions} instructions (--max-instructions)`,
      };
    case "left":
      return { code: EXIT.success };
    case "signal":
      return { code: EXIT.signal + end.number };
  }
}
