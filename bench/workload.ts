/**
 * What one run does: the same description goes to our machine and to QEMU.
 *
 * @module
 */

import type { JitReport } from "./jit.ts";

/** One exchange with a machine's console. */
export interface Step {
  /** Source of a regular expression, to wait for. */
  readonly expect: string;
  /** What to type then. */
  readonly send?: string;
  /**
   * What to note when it has come. `start`, `stop`: the time, if only the part between them is
   * measured. `weigh`: the size of the process (ours).
   */
  readonly note?: "start" | "stop" | "weigh";
}

interface CommonWorkload {
  readonly harts: number;
  readonly memMiB: number;
}

/** A bare-metal program, which ends by itself. */
export interface ProgramWorkload extends CommonWorkload {
  readonly kind: "program";
  /** Path of the ELF file. */
  readonly elf: string;
}

/** Linux, until its console has answered every step. */
export interface LinuxWorkload extends CommonWorkload {
  readonly kind: "linux";
  /** Paths of what is booted. */
  readonly firmware: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly bootargs: string;
  readonly steps: readonly Step[];
  /**
   * Ours: makes all RAM resident before anything runs, so that the process does not grow as the guest
   * comes to use more of its RAM.
   */
  readonly residentRam?: boolean;
}

/** One run. */
export type Workload = ProgramWorkload | LinuxWorkload;

/** What a run came to. */
export interface RunResult {
  /**
   * Wall time: between the steps that note `start` and `stop`, else from before the process was
   * started to the end of the workload.
   */
  readonly seconds: number;
  /** What the console printed. */
  readonly consoleText: string;
}

/** The size of our process at a step that notes `weigh`. */
export interface Weight {
  /** Resident set: all that the process has in memory now. */
  readonly rssMiB: number;
  /** Objects on the JavaScript heap, garbage included. */
  readonly heapMiB: number;
  /** Absent if translation is off. */
  readonly jit?: JitReport;
}

/** What a run of ours tells besides. */
export interface OurRunResult extends RunResult {
  /** Instructions executed by all harts in the time measured. */
  readonly instructions: number;
  /** Largest resident set of the process. */
  readonly peakRssMiB: number;
  /** What translation did, from power-on; absent if it is off. */
  readonly jit?: JitReport;
  readonly weights: readonly Weight[];
}
