/**
 * Machines with small programs of our own, for tests: an ELF with M-mode code at the start of RAM.
 *
 * @module
 */

import { reg } from "../core/conformance/assembler.ts";
import { Program, RAM } from "../core/testing/bare_program.ts";
import { makeElf } from "./loaders/program_test_support.ts";
import { Machine } from "./machine.ts";
import type { MachineOptions } from "./machine_options.ts";
import { BOARD } from "./memory_map.ts";

/** Status words of the test finisher. */
export const FINISH = { pass: 0x5555n, fail: 0x3333n, reset: 0x7777n } as const;

/** An executable of the code that `body` writes; labels named in `symbols` become symbols. */
export function bareElf(
  body: (program: Program) => void,
  symbols: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  const program = new Program();
  body(program);
  const bytes = program.finish();
  return makeElf({
    segments: [{
      vaddr: BigInt(RAM),
      paddr: BigInt(RAM),
      bytes,
      memSize: Math.ceil(bytes.length / 8) * 8 + 64,
    }],
    symbols: Object.fromEntries(symbols.map((name) => [name, BigInt(program.addressOf(name))])),
  });
}

/** A machine of 1 MiB with such a program. */
export function bareMachine(
  body: (program: Program) => void,
  options: MachineOptions = {},
  symbols: readonly string[] = [],
): Promise<Machine> {
  return Machine.create({ memMiB: 1, elf: bareElf(body, symbols), ...options });
}

/** Stores `value` to the test finisher. */
export function finish(program: Program, value: bigint): void {
  program.constant(reg.t0, BigInt(BOARD.test.base)).constant(reg.t1, value)
    .op("sw", reg.t1, 0, reg.t0);
}

/** Prints `text` on the first serial port; the FIFO of the transmitter never fills. */
export function print(program: Program, text: string): void {
  program.constant(reg.t0, BigInt(BOARD.uart0.base));
  for (const byte of new TextEncoder().encode(text)) {
    program.constant(reg.t1, BigInt(byte)).op("sb", reg.t1, 0, reg.t0);
  }
}
