/**
 * A small store that a machine wrote, for tests of the format: a layer, and one on it that was saved as
 * the difference. A program of our own fills pages, waits for input, clears and changes some.
 *
 * @module
 */

import { reg } from "../../core/conformance/assembler.ts";
import type { Program } from "../../core/testing/bare_program.ts";
import type { StateValue } from "../../core/device.ts";
import { bareMachine, print } from "../machine_test_support.ts";
import type { Machine } from "../machine.ts";
import { BOARD, RAM_BASE } from "../memory_map.ts";
import { sha256Hex } from "./digest.ts";
import { SnapshotStore } from "./store.ts";

const MIB = 1 << 20;
const PAGE_BYTES = 4096n;
/** More than a frame of a pack holds. */
const FILLED_PAGES = 40n;
const FIRST_FILLED = BigInt(RAM_BASE) + 32n * PAGE_BYTES;
/** Of mtime; later than 2^32 nanoseconds, so that times take more than 32 bits. */
const LATE_TICKS = 50_000_000n;
const MTIMECMP = BigInt(BOARD.clint.base) + 0x4000n;
const LINE_STATUS = BigInt(BOARD.uart0.base) + 5n;
const MIE_MTIE = 1n << 7n;

/** A snapshot that a machine wrote, and what the machine itself was then. */
export interface RealSnapshot extends MachineFacts {
  readonly key: string;
}

/** What a reader of a snapshot finds. */
export interface MachineFacts {
  readonly layer: string;
  readonly instructions: number;
  readonly virtualNs: number;
  /** Of all of RAM, in hex. */
  readonly ramSha256: string;
  /** Of hart 0, in hex. */
  readonly pc: string;
  readonly transcriptBytes: number;
}

/** Has a machine write the store into `directory`; answers the snapshots, the lower one first. */
export async function writeRealStore(directory: string): Promise<[RealSnapshot, RealSnapshot]> {
  using machine = await bareMachine(program, { harts: 2, seed: 1 });
  const store = SnapshotStore.open(directory);
  try {
    machine.beginLayer([]);
    await machine.console.expect("filled\n");
    const below = await saveLayer(machine, store, "filled", undefined);
    machine.beginLayer([]);
    machine.console.send("g");
    await machine.console.expect("changed\n");
    await machine.run({ until: { instructions: machine.instructions + 1000 } });
    return [below, await saveLayer(machine, store, "changed", below.key)];
  } finally {
    store.close();
  }
}

/** What a machine is now. */
export function factsOf(machine: Machine, layer: string): MachineFacts {
  const { harts, instructions, console } = machine;
  return {
    layer,
    instructions,
    virtualNs: harts.nowNs,
    ramSha256: sha256Hex(harts.ramAt(RAM_BASE, machine.shape.memMiB * MIB)!),
    pc: `0x${harts.get(0, "pc").toString(16)}`,
    transcriptBytes: console.rawTranscript.length,
  };
}

async function saveLayer(
  machine: Machine,
  store: SnapshotStore,
  layer: string,
  parent: string | undefined,
): Promise<RealSnapshot> {
  const { actions } = await machine.endLayer();
  const record = {
    parent,
    layer,
    material: parent === undefined ? { harts: "2", seed: "1" } : {},
    actions: actions as unknown as readonly StateValue[],
    build: "a test",
  };
  let key = "";
  await machine.store(async (snapshot) => {
    const stored = await store.save(record, snapshot);
    key = stored.key;
    return stored.snapshot;
  });
  return { key, ...factsOf(machine, layer) };
}

/** What hart 0 does; hart 1 waits for ever. */
function program(code: Program): void {
  code.getCsr(reg.s0, "mhartid").branch("bne", reg.s0, reg.zero, "others");
  fillPages(code);
  waitUntil(code, LATE_TICKS);
  print(code, "filled\n");
  code.constant(reg.a0, LINE_STATUS).label("typed").op("lbu", reg.a1, 0, reg.a0)
    .op("andi", reg.a1, reg.a1, 1).branch("beq", reg.a1, reg.zero, "typed");
  // A page of zeros again, one that is like another, and one that is new.
  code.constant(reg.a0, FIRST_FILLED).op("sd", reg.zero, 0, reg.a0)
    .constant(reg.a0, FIRST_FILLED + PAGE_BYTES).constant(reg.a1, 3n).op("sd", reg.a1, 0, reg.a0)
    .op("add", reg.a0, reg.a0, reg.a2).op("sd", reg.a0, 8, reg.a0);
  print(code, "changed\n");
  code.label("others").end();
}

/** The number of each page to its first word. */
function fillPages(code: Program): void {
  code.constant(reg.a0, FIRST_FILLED).constant(reg.a1, 1n).constant(reg.a2, PAGE_BYTES)
    .constant(reg.a3, FILLED_PAGES + 1n)
    .label("fill").op("sd", reg.a1, 0, reg.a0)
    .op("add", reg.a0, reg.a0, reg.a2)
    .op("addi", reg.a1, reg.a1, 1)
    .branch("bne", reg.a1, reg.a3, "fill");
}

/** Virtual time goes there at once, as nobody has anything to do until then. */
function waitUntil(code: Program, ticks: bigint): void {
  code.constant(reg.a0, MTIMECMP).constant(reg.a1, ticks)
    .op("sw", reg.zero, 4, reg.a0).op("sw", reg.a1, 0, reg.a0)
    .setCsr("mie", MIE_MTIE).op("wfi").setCsr("mie", 0n);
}
