// The entropy device on the board: what a machine draws follows from its seed, wherever it was saved,
// forked or taken back, and what the device writes into RAM is noticed by harts and snapshots.

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { reg } from "../core/conformance/assembler.ts";
import type { Program } from "../core/testing/bare_program.ts";
import { VIRTIO_MMIO_REGISTERS } from "../devices/virtio/virtio_mmio.ts";
import { Machine } from "./machine.ts";
import { bareElf, bareMachine, FINISH, finish, print } from "./machine_test_support.ts";
import type { MachineOptions } from "./machine_options.ts";
import { BOARD, RAM_BASE, RNG_SLOT, virtioSlot } from "./memory_map.ts";
import { parseActions } from "./tape.ts";

const QUEUE = RAM_BASE + 0x8_0000;
const AVAIL = QUEUE + 0x800;
const USED = QUEUE + 0xc00;
const BUFFER = RAM_BASE + 0x9_0000;
const REQUEST_BYTES = 64;
const SLOT = virtioSlot(RNG_SLOT);

type RegisterName = keyof typeof VIRTIO_MMIO_REGISTERS;

function write(a: Program, name: RegisterName, value: number): void {
  a.constant(reg.t0, BigInt(SLOT.base + VIRTIO_MMIO_REGISTERS[name].offset))
    .constant(reg.t1, BigInt(value)).op("sw", reg.t1, 0, reg.t0);
}

/** A driver with a queue of one entry, for requests of `sizeBytes` at `buffer`; `t3` is its avail.idx. */
function startDriver(a: Program, buffer: number, sizeBytes: number): void {
  // A reset leaves RAM as it was.
  a.constant(reg.t0, BigInt(AVAIL)).op("sw", 0, 0, reg.t0).op("sw", 0, USED - AVAIL, reg.t0);
  write(a, "Status", 0);
  write(a, "Status", 1);
  write(a, "Status", 3);
  write(a, "DriverFeaturesSel", 1);
  write(a, "DriverFeatures", 1);
  write(a, "Status", 0xb);
  write(a, "QueueNum", 1);
  write(a, "QueueDescLow", QUEUE);
  write(a, "QueueDriverLow", AVAIL);
  write(a, "QueueDeviceLow", USED);
  write(a, "QueueReady", 1);
  write(a, "Status", 0xf);
  a.constant(reg.t0, BigInt(QUEUE)).constant(reg.t1, BigInt(buffer)).op("sd", reg.t1, 0, reg.t0)
    .constant(reg.t1, BigInt(sizeBytes) | 2n << 32n).op("sd", reg.t1, 8, reg.t0)
    .constant(reg.t3, 0n);
}

/** Makes the entry available once more. */
function request(a: Program): void {
  a.constant(reg.t0, BigInt(AVAIL)).op("addi", reg.t3, reg.t3, 1).op("sh", reg.t3, 2, reg.t0);
  write(a, "QueueNotify", 0);
}

/** Draws once for each letter that is typed, and prints a dot; `q` ends, `r` resets the machine. */
const DRAWER = bareElf((a) => {
  startDriver(a, BUFFER, REQUEST_BYTES);
  print(a, "> ");
  a.label("poll").constant(reg.s0, BigInt(BOARD.uart0.base)).op("lbu", reg.t0, 5, reg.s0)
    .op("andi", reg.t0, reg.t0, 1).branch("beq", reg.t0, 0, "poll").op("lbu", reg.a0, 0, reg.s0);
  for (const [key, value] of [["q", FINISH.pass], ["r", FINISH.reset]] as const) {
    a.constant(reg.t1, BigInt(key.charCodeAt(0))).branch("bne", reg.a0, reg.t1, `not_${key}`);
    finish(a, value);
    a.label(`not_${key}`);
  }
  request(a);
  print(a, ".");
  a.jump("poll");
});

function options(more: MachineOptions = {}): MachineOptions {
  return { memMiB: 1, elf: DRAWER, ...more };
}

async function drawer(more: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.create(options(more));
  await machine.console.expect("> ");
  return machine;
}

/** Two requests, which are answered by one byte and by all but one. */
async function draw(machine: Machine): Promise<string> {
  let drawn = "";
  for (const sizeBytes of [1, REQUEST_BYTES - 1]) {
    machine.console.send("d");
    await machine.console.expect(".");
    assertEquals(machine.harts.ramAt(USED + 8, 1)![0], sizeBytes);
    drawn += machine.harts.ramAt(BUFFER, sizeBytes)!.toHex();
  }
  return drawn;
}

Deno.test("a machine's seed determines what it draws", async () => {
  const drawn = [];
  for (const seed of [undefined, 0, 1, 1n, 2n ** 64n + 1n]) {
    using machine = await drawer(seed === undefined ? {} : { seed });
    drawn.push(await draw(machine) + await draw(machine));
  }
  const [unset, zero, ...ones] = drawn;
  assertEquals(unset, zero);
  assertEquals(new Set(ones).size, 1);
  assertNotEquals(zero, ones[0]);
  assertNotEquals(zero!.slice(0, 128), zero!.slice(128), "it goes on");
});

Deno.test("forks draw the same, until they are reseeded: then as their seeds are", async () => {
  using parent = await drawer({ seed: 3 });
  await draw(parent);
  using twin = parent.fork();
  using a = parent.fork();
  using b = parent.fork();
  using again = parent.fork();
  a.reseed(1);
  b.reseed(2);
  again.reseed(1n);
  const [first, same, drawnA, drawnB, drawnAgain] = [
    await draw(parent),
    await draw(twin),
    await draw(a),
    await draw(b),
    await draw(again),
  ];
  assertEquals(same, first);
  assertEquals(drawnAgain, drawnA);
  assertEquals(new Set([first, drawnA, drawnB]).size, 3);
});

Deno.test("restored, rewound and repeated, with and without a seed", async () => {
  using machine = await drawer();
  await draw(machine);
  const snapshot = machine.checkpoint();
  const first = await draw(machine);
  const drawFrom = async (seed?: number) => {
    using restored = Machine.restore(snapshot, seed === undefined ? {} : { seed });
    return await draw(restored);
  };
  assertEquals(await drawFrom(), first);
  const seeded = await drawFrom(9);
  assertNotEquals(seeded, first);
  assertEquals(await drawFrom(9), seeded);
  machine.rewind(snapshot);
  machine.reseed(9);
  assertEquals(await draw(machine), seeded);
  machine.rewind(snapshot);
  assertEquals(await draw(machine), first, "a seed does not outlive a rewind");
});

Deno.test("going back in time, seeds are given again where they were", async () => {
  using machine = await drawer();
  machine.checkpoint();
  await draw(machine);
  machine.reseed(4);
  await draw(machine);
  machine.reseed(5);
  const last = await draw(machine);
  const { instructions } = machine;
  const state = await machine.stateHash();
  await machine.run({ until: { instructions: instructions + 1000 } });
  await machine.runTo({ instructions });
  assertEquals(await machine.stateHash(), state);
  await machine.runTo({ instructions: instructions - 1 });
  assertEquals(machine.harts.ramAt(BUFFER, 63)!.toHex(), last.slice(2));
});

Deno.test("a guest that resets the machine finds the stream going on", async () => {
  using machine = await drawer({ seed: 6 });
  machine.reseed(7);
  const before = await draw(machine);
  machine.console.send("r");
  await machine.console.expect("> ");
  const after = await draw(machine);
  using other = await drawer({ seed: 6 });
  other.reseed(7);
  assertEquals([await draw(other), await draw(other)], [before, after]);
});

Deno.test("a layer is played only if it is given the same seed, and is stored with it", async () => {
  const make = async (machine: Machine, seed: number) => {
    machine.beginLayer([]);
    machine.reseed(seed);
    await machine.console.expect("> ");
    await draw(machine);
    machine.reseed(seed + 1);
    const layer = await machine.endLayer();
    assert(!("snapshot" in layer) && layer.unrepeatable === undefined);
    return { actions: parseActions(structuredClone(layer.actions) as never) };
  };
  using first = Machine.prepare(options());
  const recorded = { ...await make(first, 1), snapshot: first.checkpoint() };
  const next = await draw(first);
  assertEquals(recorded.actions.filter(({ kind }) => kind === "reseed"), [
    { kind: "reseed", seed: 1n },
    { kind: "reseed", seed: 2n },
  ]);

  for (const [seed, isPlayed] of [[1, true], [5, false]] as const) {
    using again = Machine.prepare(options());
    again.beginLayer([recorded]);
    again.reseed(seed);
    await again.console.expect("> ");
    for (const _ of "..") {
      again.console.send("d");
      await again.console.expect(".");
    }
    again.reseed(2);
    assertEquals("snapshot" in await again.endLayer(), isPlayed, `seed ${seed}`);
    assertEquals(await draw(again), next);
  }
});

Deno.test("what the device has written is in the next snapshot", async () => {
  using machine = await drawer();
  machine.checkpoint();
  const drawn = await draw(machine);
  using restored = Machine.restore(machine.checkpoint());
  assertEquals(restored.harts.ramAt(BUFFER, 63)!.toHex(), drawn.slice(2));
  assertEquals(restored.harts.ramAt(USED + 2, 1)![0], 2);
});

Deno.test("code that the device writes over is executed as it is then", async () => {
  for (const jit of [false, { threshold: 1, batch: 1 }] as const) {
    const values: bigint[] = [];
    using machine = await bareMachine((a) => {
      // The immediate's high byte, in the last byte of an instruction that has run a hundred times.
      a.jump("begin").label("patched").op("addi", reg.a1, 0, 0x123).op("jalr", 0, 0, reg.ra)
        .label("begin");
      startDriver(a, a.addressOf("patched") + 3, 1);
      a.constant(reg.s3, 100n).label("again").address(reg.t5, "patched")
        .op("jalr", reg.ra, 0, reg.t5).op("addi", reg.s3, reg.s3, -1)
        .branch("bne", reg.s3, 0, "again")
        .op("addi", reg.s4, reg.a1, 0);
      request(a);
      a.op("fence.i").address(reg.t5, "patched").op("jalr", reg.ra, 0, reg.t5);
      finish(a, FINISH.pass);
    }, { jit });
    await machine.run();
    values.push(machine.harts.get(0, "x20"), machine.harts.get(0, "x11"));
    assertEquals(values, [0x123n, 0x763n], `jit ${JSON.stringify(jit)}`);
  }
});

Deno.test("seeds that are none", async () => {
  using machine = await drawer();
  for (const seed of [0.5, NaN, 2 ** 53]) {
    assertThrows(() => machine.reseed(seed), RangeError, `seed: ${seed} is no whole number`);
    const snapshot = machine.checkpoint();
    assertThrows(() => Machine.restore(snapshot, { seed }), RangeError, `seed: ${seed}`);
  }
  const running = machine.run({ until: { virtualMs: 20 } });
  assertThrows(() => machine.reseed(1), TypeError, "runs already");
  await running;
  machine.close();
  assertThrows(() => machine.reseed(1), TypeError, "closed");
});
