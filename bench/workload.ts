/**
 * What one run does: the same description goes to our machine and to QEMU.
 *
 * @module
 */

/** One exchange with a machine's console. */
export interface Step {
  /** Source of a regular expression, to wait for. */
  readonly expect: string;
  /** What to type then. */
  readonly send?: string;
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
}

/** One run. */
export type Workload = ProgramWorkload | LinuxWorkload;

/** What a run came to. */
export interface RunResult {
  /** From before the process was started to the end of the workload. */
  readonly seconds: number;
  /** What the console printed. */
  readonly consoleText: string;
}

/** What a run of ours tells besides. */
export interface OurRunResult extends RunResult {
  /** Instructions executed by all harts. */
  readonly instructions: number;
  /** Largest resident set of the process. */
  readonly peakRssMiB: number;
}
