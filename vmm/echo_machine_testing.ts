/**
 * A small machine for tests of snapshots: it answers what is typed, counts in RAM, and sleeps in between.
 *
 * @module
 */

import { reg } from "../core/conformance/assembler.ts";
import type { Machine } from "./machine.ts";
import { bareElf, bareMachine, FINISH, finish, print } from "./machine_test_support.ts";
import type { MachineOptions } from "./machine_options.ts";
import { BOARD, RAM_BASE } from "./memory_map.ts";
import type { MachineSnapshot } from "./snapshot/snapshot.ts";

/** Where the harts count: what was typed, what they added together, and how often hart 1 slept. */
export const COUNTERS = RAM_BASE + 0x8_0000;
/** Where a byte that is typed is kept, at an offset of 4096 times the byte. */
export const KEPT = RAM_BASE + 0x4_0000;

const TICKS = 700; // of 100 ns
const MTIMECMP = BOARD.clint.base + 0x4000;
const MTIME = BOARD.clint.base + 0xbff8;
const RAM_MIB = 1;

/**
 * The program. Hart 0 prints `ready\n> ` and then answers each byte: `q` powers off, `r` resets, `p` prints
 * a panic's line, `i` sleeps for ever, `u` prints the beginning of a character and of an escape sequence;
 * others are printed twice. Hart 1, if there is one, counts and sleeps.
 */
export function writeEcho(a: Parameters<Parameters<typeof bareElf>[0]>[0]): void {
  a.constant(reg.s2, BigInt(COUNTERS)).constant(reg.s4, BigInt(MTIMECMP))
    .constant(reg.s5, BigInt(MTIME)).getCsr(reg.s1, "mhartid")
    .op("slli", reg.t0, reg.s1, 3).op("add", reg.s4, reg.s4, reg.t0)
    .constant(reg.t0, 1n << 7n).op("csrrs", 0, a.csr("mie"), reg.t0)
    .branch("bne", reg.s1, 0, "other").constant(reg.s0, BigInt(BOARD.uart0.base));
  print(a, "ready\n");
  a.label("prompt");
  print(a, "> ");
  a.constant(reg.s0, BigInt(BOARD.uart0.base)).label("poll")
    // Sleeps for a while, then looks whether a byte came (LSR, data ready).
    .op("ld", reg.t0, 0, reg.s5).op("addi", reg.t0, reg.t0, TICKS).op("sd", reg.t0, 0, reg.s4)
    .op("wfi").op("amoadd.d", 0, reg.t0, reg.s2)
    .op("lbu", reg.t0, 5, reg.s0).op("andi", reg.t0, reg.t0, 1).branch("beq", reg.t0, 0, "poll")
    .op("lbu", reg.a0, 0, reg.s0).op("ld", reg.t0, 8, reg.s2).op("addi", reg.t0, reg.t0, 1)
    .op("sd", reg.t0, 8, reg.s2)
    .constant(reg.t1, BigInt(KEPT)).op("slli", reg.t2, reg.a0, 12).op("add", reg.t1, reg.t1, reg.t2)
    .op("sd", reg.t0, 0, reg.t1);
  for (const key of ["q", "r", "p", "i", "u"]) {
    a.constant(reg.t1, BigInt(key.charCodeAt(0))).branch("bne", reg.a0, reg.t1, `not_${key}`)
      .jump(`key_${key}`).label(`not_${key}`);
  }
  a.op("sb", reg.a0, 0, reg.s0).op("sb", reg.a0, 0, reg.s0).jump("poll");
  a.label("key_q");
  finish(a, FINISH.pass);
  a.label("key_r");
  finish(a, FINISH.reset);
  a.label("key_p");
  print(a, "\nKernel panic - not syncing: typed\nafter\n");
  a.jump("prompt").label("key_i").op("csrrw", 0, a.csr("mie"), 0).end();
  a.label("key_u").constant(reg.t0, BigInt(BOARD.uart0.base));
  for (const byte of [0x61, 0xe2, 0x82]) {
    a.constant(reg.t1, BigInt(byte)).op("sb", reg.t1, 0, reg.t0);
  }
  a.label("rest").op("lbu", reg.t0, 5, reg.s0).op("andi", reg.t0, reg.t0, 1)
    .branch("beq", reg.t0, 0, "rest").op("lbu", reg.a0, 0, reg.s0)
    .constant(reg.t0, BigInt(BOARD.uart0.base));
  for (const byte of [0xac, 0x1b, 0x5b, 0x33]) {
    a.constant(reg.t1, BigInt(byte)).op("sb", reg.t1, 0, reg.t0);
  }
  a.label("rest2").op("lbu", reg.t0, 5, reg.s0).op("andi", reg.t0, reg.t0, 1)
    .branch("beq", reg.t0, 0, "rest2").op("lbu", reg.a0, 0, reg.s0);
  print(a, "1mb\n");
  a.jump("prompt");
  // Hart 1
  a.label("other").constant(reg.s6, 50n).label("work").op("addi", reg.t0, 0, 3)
    .op("amoadd.d", 0, reg.t0, reg.s2).op("addi", reg.s6, reg.s6, -1).branch(
      "bne",
      reg.s6,
      0,
      "work",
    )
    .op("ld", reg.t0, 16, reg.s2).op("addi", reg.t0, reg.t0, 1).op("sd", reg.t0, 16, reg.s2)
    .op("ld", reg.t0, 0, reg.s5).op("addi", reg.t0, reg.t0, 1234).op("sd", reg.t0, 0, reg.s4)
    .op("wfi").jump("other");
}

/** Options of a machine with that program. */
export function echoOptions(options: MachineOptions = {}): MachineOptions {
  return { memMiB: RAM_MIB, elf: ECHO, ...options };
}

/** A machine with that program. */
export function echoMachine(options: MachineOptions = {}): Promise<Machine> {
  return bareMachine(writeEcho, { memMiB: RAM_MIB, ...options });
}

const ECHO = bareElf(writeEcho);

/** All there is to tell of a machine. */
export async function observe(machine: Machine): Promise<Record<string, unknown>> {
  return {
    state: await machine.stateHash(),
    printed: new TextDecoder().decode(machine.console.rawTranscript),
    instructions: machine.instructions,
    virtualMs: machine.virtualMs,
    unsent: machine.console.unsentBytes,
    finish: machine.finish,
  };
}

/** A 64-bit word in a machine's RAM. */
export function wordAt(machine: Machine, address: number): bigint {
  const bytes = machine.harts.ramAt(address, 8)!;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

/** A snapshot with other components. */
export function withComponents(
  snapshot: MachineSnapshot,
  components: Record<string, unknown>,
): MachineSnapshot {
  return {
    ...snapshot,
    components: { ...snapshot.components, ...components } as MachineSnapshot["components"],
  };
}
