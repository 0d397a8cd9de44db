/**
 * Runs a machine interpreted and translated side by side and prints the first difference, with the
 * instruction, the code around it and its WebAssembly:
 *
 *     deno task lockstep ELF                a bare-metal program
 *     deno task lockstep --linux            host Linux up to its prompt, and a command there
 *     deno task lockstep --nested           the same with a guest in it
 *
 * Options: `--instructions N` (most to run), `--step N` (instructions between two looks), `--threshold T`
 * and `--batch B` (as in JitOptions), `--harts H`. Exit code 0 if nothing differs, 1 if something does.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import {
  describeMismatch,
  lockstep,
  type LockstepOptions,
  type LockstepSubject,
} from "../core/jit/lockstep.ts";
import { Host, Machine, PROMPT } from "../mod.ts";

const GUEST = "./apps/lkvm-static run -m 64 -c 2 --console serial " +
  '-p "console=ttyS0 earlycon=uart8250,mmio,0x3f8" -k ./apps/Image';
/** What is typed at each prompt in turn. */
const LINUX_INPUT = ["uname -a; ls -lR /bin | sha256sum"];
const NESTED_INPUT = [GUEST, "uname -a", "poweroff -f", "cat /proc/interrupts"];

const DEFAULT_INSTRUCTIONS = 2e9;
const PROGRESS_INSTRUCTIONS = 50e6;

/** A machine that is given a line at each prompt. */
function scripted(machine: Machine, lines: readonly string[]): LockstepSubject {
  let next = 0, seen = 0;
  return {
    harts: machine.harts,
    atBoundary: () => {
      const { transcript } = machine.console;
      if (next === lines.length || !PROMPT.test(transcript.slice(seen))) return;
      seen = transcript.length;
      machine.console.send(`${lines[next++]}\n`);
    },
    hasEnded: () => machine.finish !== undefined,
    close: () => machine.close(),
  };
}

/** What to run, from the command line. */
function subjectOf(
  elf: string | undefined,
  lines: readonly string[],
  harts: number,
): LockstepOptions["create"] {
  return async (jit) => {
    if (elf !== undefined) {
      const machine = await Machine.create({ elf, harts, jit });
      return scripted(machine, []);
    }
    const { machine } = await Host.create({ harts, memMiB: 192, jit });
    return scripted(machine, lines);
  };
}

/** A mistake in the command line. */
class UsageError extends Error {}

/** What the command line asks for. */
function readArguments(args: readonly string[]): LockstepOptions {
  const names = ["instructions", "step", "threshold", "batch", "harts"] as const;
  const options = parseArgs([...args], { boolean: ["linux", "nested"], string: names });
  const elf = options._[0] === undefined ? undefined : String(options._[0]);
  if ((elf === undefined) === (!options.linux && !options.nested)) {
    throw new UsageError("give an ELF file, or --linux, or --nested");
  }
  const number = (name: typeof names[number]): number | undefined => {
    const text = options[name];
    if (text === undefined) return undefined;
    if (!(Number(text) > 0)) throw new UsageError(`--${name} ${text}: give a number from 1`);
    return Number(text);
  };
  const [threshold, batch, step] = [number("threshold"), number("batch"), number("step")];
  return {
    create: subjectOf(elf, options.nested ? NESTED_INPUT : LINUX_INPUT, number("harts") ?? 1),
    jit: {
      ...(threshold === undefined ? {} : { threshold }),
      ...(batch === undefined ? {} : { batch }),
    },
    maxInstructions: number("instructions") ?? DEFAULT_INSTRUCTIONS,
    ...(step === undefined ? {} : { stepInstructions: step }),
  };
}

/** Where the command prints to. */
export type Output = Pick<Console, "log" | "error">;

/** Runs the command; answers its exit code. */
export async function main(args: readonly string[], output: Output = console): Promise<number> {
  let options: LockstepOptions;
  try {
    options = readArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    output.error(`lockstep: ${error.message}`);
    return 2;
  }
  let shown = 0;
  const started = performance.now();
  const { instructions, regions, mismatch } = await lockstep({
    ...options,
    onProgress: (equal) => {
      if (equal < shown + PROGRESS_INSTRUCTIONS) return;
      shown = equal;
      output.error(`Equal up to ${equal} instructions`);
    },
  });
  if (mismatch !== undefined) {
    output.log(describeMismatch(mismatch));
    return 1;
  }
  const seconds = ((performance.now() - started) / 1e3).toFixed(1);
  output.log(
    `No difference in ${instructions} instructions, ${regions} regions translated (${seconds} s)`,
  );
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
