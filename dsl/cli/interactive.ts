/**
 * An interactive machine: the guest's console on the user's terminal, in the user's time.
 *
 * The machine runs in slices of virtual time. Before each, what was typed goes to the guest; after it,
 * what was printed comes out, and if the machine's clock is ahead of the wall clock, everything sleeps
 * until it is not or a key is pressed. So an idle machine takes hardly any processor time.
 *
 * @module
 */

import type { Machine, RunUntil } from "../../vmm/machine.ts";
import type { ConsoleOutput } from "./console_output.ts";
import { Pacer } from "./pacer.ts";
import type { RunEnd } from "./run_end.ts";
import type { SignalWatch } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** Short enough to type against, long enough that a hundred slices a second cost nothing. */
const BUSY_SLICE_MS = 10;
/** An idle machine is looked at less often; a key ends the sleep between slices at once. */
const IDLE_SLICE_MS = 40;
/** One instruction takes one nanosecond. */
const INSTRUCTIONS_PER_MS = 1_000_000;
/** A machine that executes less than this share of the time is idle. */
const IDLE_SHARE = 0.1;
/** So close to the limit, instructions are counted instead of time. */
const LAST_INSTRUCTIONS = 10_000;
/** More input than this waits until the guest has read. */
const MAX_UNSENT_BYTES = 4096;
/**
 * A kernel that finds its serial port throws away what has arrived there. Input from a pipe waits until
 * the machine has nothing left to do for so long, as at a prompt, ...
 */
const PIPE_IDLE_MS = 100;
/** ... or, if it never has, until this time since power-on. */
const PIPE_LATEST_MS = 10_000;

/** How an interactive run ended, and how fast the machine was in it. */
export interface InteractiveEnd {
  readonly end: RunEnd;
  /** Millions of instructions a second, over the times in which the machine was not idle. */
  readonly mips: number;
}

/** Runs until the guest, the user, the limit or a signal ends it. */
export async function runInteractive(
  machine: Machine,
  terminal: Terminal,
  output: ConsoleOutput,
  signals: SignalWatch,
  maxInstructions = Infinity,
): Promise<InteractiveEnd> {
  const pacer = new Pacer(performance.now(), machine.virtualMs);
  const busy = { instructions: 0, wallMs: 0 };
  let sliceMs = BUSY_SLICE_MS;
  let idleMs = 0;
  let takesInput = terminal.isTerminal;
  const ended = (end: RunEnd): InteractiveEnd => ({
    end,
    mips: busy.wallMs === 0 ? 0 : busy.instructions / busy.wallMs / 1000,
  });
  while (true) {
    takesInput ||= idleMs >= PIPE_IDLE_MS || machine.virtualMs >= PIPE_LATEST_MS;
    if (takesInput && machine.console.unsentBytes < MAX_UNSENT_BYTES) {
      machine.console.send(terminal.take());
    }
    const before = { ms: machine.virtualMs, instructions: machine.instructions };
    const startMs = performance.now();
    const { finish } = await machine.run({ until: nextSlice(machine, sliceMs, maxInstructions) });
    output.flush();
    const nowMs = performance.now();
    const instructions = machine.instructions - before.instructions;
    const passedMs = machine.virtualMs - before.ms;
    if (instructions < IDLE_SHARE * passedMs * INSTRUCTIONS_PER_MS) {
      idleMs += passedMs;
      sliceMs = Math.min(2 * sliceMs, IDLE_SLICE_MS);
    } else {
      idleMs = 0;
      sliceMs = BUSY_SLICE_MS;
      busy.instructions += instructions;
      busy.wallMs += nowMs - startMs;
    }
    if (finish !== undefined) return ended({ reason: "finished", finish });
    if (signals.number !== undefined) return ended({ reason: "signal", number: signals.number });
    if (terminal.leaves) return ended({ reason: "left" });
    if (machine.instructions >= maxInstructions) return ended({ reason: "limit", maxInstructions });
    const aheadMs = pacer.aheadMs(nowMs, machine.virtualMs);
    if (aheadMs >= 1) await terminal.wait(aheadMs, takesInput);
  }
}

/** A slice of time in which the limit cannot be passed, or at last the limit itself. */
function nextSlice(machine: Machine, sliceMs: number, maxInstructions: number): RunUntil {
  const left = maxInstructions - machine.instructions;
  if (left <= LAST_INSTRUCTIONS) return { instructions: maxInstructions };
  return { virtualMs: machine.virtualMs + Math.min(sliceMs, left / INSTRUCTIONS_PER_MS) };
}
