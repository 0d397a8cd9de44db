/**
 * `--elf`: runs a bare-metal program to its end, without input and without regard to the wall clock.
 *
 * @module
 */

import type { Machine } from "../../vmm/machine.ts";
import type { ConsoleOutput } from "./console_output.ts";
import type { RunEnd } from "./run_end.ts";
import type { SignalWatch } from "./signals.ts";

/** Output appears and signals are noticed after so many instructions. */
const CHUNK_INSTRUCTIONS = 5_000_000;

/** Runs until the program, its limit or a signal ends it. */
export async function runBareMetal(
  machine: Machine,
  output: ConsoleOutput,
  signals: SignalWatch,
  maxInstructions = Infinity,
): Promise<RunEnd> {
  try {
    while (true) {
      const instructions = Math.min(machine.instructions + CHUNK_INSTRUCTIONS, maxInstructions);
      const { reason, finish } = await machine.run({ until: { instructions } });
      output.flush();
      if (finish !== undefined) return { reason: "finished", finish };
      if (reason === "idle") return { reason: "deadlock", pcs: programCounters(machine) };
      if (machine.instructions >= maxInstructions) return { reason: "limit", maxInstructions };
      if (signals.number !== undefined) return { reason: "signal", number: signals.number };
    }
  } finally {
    output.flush();
  }
}

function programCounters({ harts }: Machine): bigint[] {
  return Array.from({ length: harts.hartCount }, (_, hartId) => harts.get(hartId, "pc"));
}
