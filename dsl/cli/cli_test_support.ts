/**
 * Bare-metal programs made on the spot, and ways to run the command line, for tests.
 *
 * @module
 */

import { Assembler, reg } from "../../core/conformance/assembler.ts";
import { makeElf } from "../../vmm/loaders/program_test_support.ts";
import type { CliStreams } from "./cli_streams.ts";
import { runCommandLine } from "./command_line.ts";

/** Where programs are linked. */
export const PROGRAM_BASE = 0x8000_0000;
/** Where {@link makeProgram} puts HTIF's `tohost`, in a page of its own. */
export const TOHOST = 0x8000_1000;
const FINISHER = 0x10_0000n;
const UART_THR = 0x1000_0000n;

/** An ELF file with the code that `build` adds, and `tohost` if `htif` says so. */
export function makeProgram(
  build: (assembler: Assembler) => void,
  { htif = false }: { readonly htif?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler(PROGRAM_BASE);
  build(assembler);
  const address = BigInt(PROGRAM_BASE);
  return makeElf({
    segments: [{ vaddr: address, paddr: address, bytes: assembler.finish(), memSize: 0x2000 }],
    ...(htif ? { symbols: { tohost: BigInt(TOHOST) } } : {}),
  });
}

/** Adds a store of `value` to the test finisher, and a loop. */
export function finish(assembler: Assembler, value: number): void {
  assembler.constant(reg.t0, FINISHER).constant(reg.t1, BigInt(value));
  assembler.op("sw", reg.t1, 0, reg.t0).label("end").jump("end");
}

/** Adds a store of `value` to `tohost`, and a wait until the machine has taken it. */
export function toHost(assembler: Assembler, value: bigint): void {
  const wait = `taken${assembler.here}`;
  assembler.constant(reg.t0, BigInt(TOHOST)).constant(reg.t1, value).op("sd", reg.t1, 0, reg.t0);
  assembler.label(wait).op("ld", reg.t1, 0, reg.t0).branch("bne", reg.t1, reg.zero, wait);
}

/** Adds the output of `text` on the serial port. */
export function print(assembler: Assembler, text: string): void {
  assembler.constant(reg.t0, UART_THR);
  for (const byte of new TextEncoder().encode(text)) {
    assembler.constant(reg.t1, BigInt(byte)).op("sb", reg.t1, 0, reg.t0);
  }
}

/** A program that prints and ends with a word to the test finisher. */
export function finisherProgram(value: number, text = ""): Uint8Array<ArrayBuffer> {
  return makeProgram((assembler) => {
    print(assembler, text);
    finish(assembler, value);
  });
}

/** What a run of the command line did. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** This Deno if it may be run by its path, else the one on the PATH: what a task grants is the name. */
async function denoProgram(): Promise<string> {
  const { state } = await Deno.permissions.query({ name: "run", command: Deno.execPath() });
  return state === "granted" ? Deno.execPath() : "deno";
}

/** Runs the command line in a process of its own, with the permissions that the task gives. */
export async function spawnCli(...args: readonly string[]): Promise<CliResult> {
  const main = new URL("./main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(await denoProgram(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-write", main, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

class TextSink {
  text = "";
  readonly #decoder = new TextDecoder();

  writeSync(bytes: Uint8Array): number {
    this.text += this.#decoder.decode(bytes, { stream: true });
    return bytes.length;
  }
}

/** Runs the command line in this process, without input. */
export async function callCli(...args: readonly string[]): Promise<CliResult> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const stdin: CliStreams["stdin"] = {
    read: () => Promise.resolve(null),
    isTerminal: () => false,
    setRaw: () => {
      throw new Error("stdin is no terminal");
    },
  };
  const code = await runCommandLine(args, { stdin, stdout, stderr });
  return { code, stdout: stdout.text, stderr: stderr.text };
}
