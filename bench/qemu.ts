/**
 * Runs a workload on `qemu-system-riscv64` in a fresh process, driven through its standard input and
 * output.
 *
 * @module
 */

import { ConsoleText } from "./console_text.ts";
import type { RunResult, Workload } from "./workload.ts";

/** What is looked for on the PATH if no other is named. */
export const DEFAULT_QEMU = "qemu-system-riscv64";

/** A QEMU that can be run. */
export interface Qemu {
  readonly command: string;
  /** As it calls itself, for example `7.2.22`. */
  readonly version: string;
}

/** Finds out the version, or why there is none. */
export async function findQemu(command: string): Promise<Qemu | { readonly missing: string }> {
  // The task allows what the default name means on the PATH; for another a person is asked.
  const permission = { name: "run", command } as const;
  const { state } = command === DEFAULT_QEMU
    ? await Deno.permissions.query(permission)
    : await Deno.permissions.request(permission);
  if (state !== "granted") {
    return {
      missing: command === DEFAULT_QEMU
        ? `${command} is not on the PATH`
        : `no permission to run ${command}: put its folder first on the PATH instead`,
    };
  }
  try {
    const { stdout } = await new Deno.Command(command, {
      args: ["--version"],
      stdin: "null",
      stderr: "null",
    }).output();
    const version = /version (\S+)/.exec(new TextDecoder().decode(stdout))?.[1];
    return version === undefined
      ? { missing: `${command} --version does not name a version` }
      : { command, version };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { missing: `there is no ${command}` };
    }
    throw error;
  }
}

/** The command line for a workload. */
export function qemuArguments(workload: Workload): string[] {
  const args = [
    "-machine",
    "virt",
    "-cpu",
    "rv64,h=true",
    "-smp",
    String(workload.harts),
    "-m",
    String(workload.memMiB),
    "-nographic",
    "-nodefaults",
    "-serial",
    "stdio",
  ];
  if (workload.kind === "program") {
    args.push("-bios", "none", "-kernel", workload.elf);
  } else {
    args.push("-bios", workload.firmware, "-kernel", workload.kernel);
    args.push("-initrd", workload.initrd, "-append", workload.bootargs);
  }
  return args;
}

/**
 * Runs a workload once; `timeoutSeconds` is real time.
 *
 * @throws {Error} with the end of the console if it did not come to its end
 */
export async function runQemu(
  qemu: Qemu,
  workload: Workload,
  timeoutSeconds: number,
): Promise<RunResult> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1e3);
  const start = performance.now();
  const child = new Deno.Command(qemu.command, {
    args: qemuArguments(workload),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const errors = new Response(child.stderr).text();
  const console = new ConsoleText();
  try {
    const clock = { start, stop: NaN };
    const isAnswered = await converse(child, console, workload, clock);
    if (workload.kind === "program") {
      const { success, code } = await child.status;
      clock.stop = performance.now();
      // Asked to terminate, QEMU reports success.
      if (signal.aborted || !success) throw new Error(`exit code ${code}`);
    } else if (!isAnswered) {
      throw new Error("ended before its console printed what was waited for");
    }
    return { seconds: (clock.stop - clock.start) / 1e3, consoleText: console.text };
  } catch (error) {
    await end(child);
    const reason = signal.aborted ? `not done after ${timeoutSeconds} s` : (error as Error).message;
    const lastLines = console.text.split("\n").slice(-20).join("\n");
    throw new Error(`QEMU ${qemu.version}: ${reason}\n${await errors}${lastLines}`.trimEnd());
  } finally {
    await end(child);
    await errors;
  }
}

/** What is measured: from here to there, by `performance.now()`. */
interface Clock {
  start: number;
  stop: number;
}

/**
 * Answers a workload's steps, until all are or the output ends. What their notes say goes for the clock; if
 * none stops it, the last step does.
 *
 * @returns whether every step was answered
 */
async function converse(
  child: Deno.ChildProcess,
  console: ConsoleText,
  workload: Workload,
  clock: Clock,
): Promise<boolean> {
  const steps = workload.kind === "linux" ? [...workload.steps] : [];
  const input = child.stdin.getWriter();
  try {
    for await (const bytes of child.stdout) {
      console.append(bytes);
      while (steps.length > 0 && console.consume(new RegExp(steps[0]!.expect))) {
        const { send, note } = steps.shift()!;
        if (note === "start") clock.start = performance.now();
        const isEnd = steps.length === 0 && Number.isNaN(clock.stop);
        if (note === "stop" || isEnd) clock.stop = performance.now();
        if (send !== undefined) await input.write(new TextEncoder().encode(send));
        if (steps.length === 0) return true;
      }
    }
    return steps.length === 0;
  } finally {
    input.releaseLock();
  }
}

/** Ends a process, if it has not ended by itself. */
async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // What it says of a process that has ended.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
  await child.status;
  await child.stdin.close().catch(() => {});
}
