/**
 * Runs one program under several settings of translation and several ways to cut the run, and demands one
 * and the same outcome: registers, CSRs, memory, clock, counters and traps.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { BareProgram, TimedTrap } from "../../testing/bare_program.ts";
import { stateDigest } from "../../testing/state_digest.ts";
import type { JitOptions } from "../jit_options.ts";

/** A setting of translation. */
export type Jit = JitOptions | false;

/** What a run is repeated with; the first is the reference. */
export const ENGINES: readonly { readonly name: string; readonly jit: Jit }[] = [
  { name: "interpreted", jit: false },
  { name: "translated at once", jit: { threshold: 1, batch: 1 } },
  { name: "default options", jit: {} },
  { name: "threshold 3, batch 1", jit: { threshold: 3, batch: 1 } },
];

/** How {@link onEveryEngine} runs and what it looks at. */
export interface RunOptions {
  /** Instructions a piece of the run has; every engine runs with each. Default: all in one. */
  readonly pieces?: readonly number[];
  /** What the program must have done, whatever ran it. */
  readonly check?: (program: BareProgram) => void;
  /** Runs the program in place of the default, which goes on until every hart waits. */
  readonly drive?: (program: BareProgram, piece: number) => void;
  /** False if nothing in the program can be translated. */
  readonly translates?: boolean;
}

const WHOLE = 10_000_000;
const MOST_INSTRUCTIONS = 10_000_000;

/** Runs in pieces until every hart waits. */
export function runInPieces({ harts }: BareProgram, piece: number): void {
  while (harts.run(piece) !== "idle") {
    if (harts.instructions > MOST_INSTRUCTIONS) throw new Error("The program does not end");
  }
}

/**
 * Builds the program anew for each engine and piece size, runs it, and fails where an outcome differs from
 * the first.
 */
export function onEveryEngine(
  build: (jit: Jit) => BareProgram,
  { pieces = [WHOLE], check, drive = runInPieces, translates = true }: RunOptions = {},
): void {
  let expected: { digest: string; traps: readonly TimedTrap[] } | undefined;
  for (const { name, jit } of ENGINES) {
    for (const piece of pieces) {
      const program = build(jit);
      program.recordTraps();
      drive(program, piece);
      const how = `${name}, ${piece === WHOLE ? "in one piece" : `pieces of ${piece}`}`;
      try {
        check?.(program);
      } catch (cause) {
        throw new Error(`${how}: not what the program is to do`, { cause });
      }
      const outcome = { digest: stateDigest(program.harts), traps: program.traps };
      expected ??= outcome;
      assertEquals(outcome.traps, expected.traps, `${how}: traps`);
      assertEquals(outcome.digest, expected.digest, `${how}: state`);
      if (translates && jit && jit.threshold === 1 && piece > 1) {
        assert(program.harts.jitStatistics!.regions > 0, `${how}: nothing was translated`);
      }
    }
  }
}
