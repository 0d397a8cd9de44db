// Checkpoints, forks, time travel: whatever way a machine came to a moment, it is the same machine.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { Random } from "../core/conformance/random.ts";
import { reg } from "../core/conformance/assembler.ts";
import { Program } from "../core/testing/bare_program.ts";
import { ProbeDevice } from "../core/testing/probe_device.ts";
import {
  COUNTERS,
  echoMachine,
  echoOptions,
  KEPT,
  observe,
  withComponents,
  wordAt,
} from "./echo_machine_testing.ts";
import { Machine } from "./machine.ts";
import { makeElf } from "./loaders/program_test_support.ts";
import { bareMachine, print } from "./machine_test_support.ts";
import { RAM_BASE } from "./memory_map.ts";
import { MachineError } from "./verdict.ts";

const MIB = 1 << 20;

async function ready(options = {}): Promise<Machine> {
  const machine = await echoMachine(options);
  await machine.console.expect("> ");
  return machine;
}

/** Types a letter, waits for the answer. */
async function type(machine: Machine, letters: string): Promise<void> {
  for (const letter of letters) {
    machine.console.send(letter);
    await machine.console.expect(letter + letter);
  }
}

const keptAt = (letter: string) => KEPT + 4096 * letter.charCodeAt(0);

// ---- Forks ----

Deno.test("siblings and parent never see each other's writes", async () => {
  for (const jit of [false, { threshold: 1, batch: 1 }] as const) {
    using parent = await ready({ harts: 2, jit });
    using a = parent.fork();
    using b = parent.fork();
    using grandchild = a.fork();
    const all = [[parent, "x"], [a, "a"], [b, "b"], [grandchild, "g"]] as const;
    for (const [machine, letter] of all) {
      await type(machine, letter.repeat(1 + all.findIndex(([each]) => each === machine)));
    }
    for (const [index, [machine, letter]] of all.entries()) {
      for (const [, other] of all) {
        const expected = other === letter ? BigInt(index + 1) : 0n;
        assertEquals(wordAt(machine, keptAt(other)), expected, `${letter} looks at ${other}`);
      }
      assertEquals(wordAt(machine, COUNTERS + 8), BigInt(index + 1));
      assertEquals(machine.console.transcript, `ready\n> ${letter.repeat(2 * (index + 1))}`);
    }
  }
});

Deno.test("a fork goes on as the parent would, also when that is closed or written to", async () => {
  using parent = await ready({ harts: 2 });
  await type(parent, "ab");
  using fork = parent.fork();
  using closed = parent.fork();
  await type(parent, "cde");
  parent.harts.ramAt(COUNTERS, 4096)!.fill(0xee);
  parent.harts.ramWritten(COUNTERS, 4096);
  using late = fork.fork();
  closed.close();
  parent.close();
  // In the memory that the parent left.
  using tenant = await ready({ harts: 2 });
  await type(tenant, "zz");
  using reference = await ready({ harts: 2 });
  await type(reference, "abcde");
  for (const machine of [fork, late]) {
    await type(machine, "cde");
    assertEquals(await observe(machine), await observe(reference));
  }
});

// ---- Rewinding ----

Deno.test("a machine that is rewound does everything again, from any of its checkpoints", async () => {
  using machine = await ready({ harts: 2 });
  const start = machine.checkpoint();
  const ends: [ReturnType<Machine["checkpoint"]>, Record<string, unknown>][] = [];
  for (const letter of "abc") {
    await type(machine, letter);
    ends.push([machine.checkpoint(), await observe(machine)]);
  }
  for (const n of [2, 0, 1, 1, 2, 0]) {
    const [snapshot, end] = ends[n]!;
    machine.rewind(snapshot);
    assertEquals(await observe(machine), end);
    machine.rewind(start);
    await type(machine, "abc".slice(0, n + 1));
    assertEquals(await observe(machine), end);
  }
});

Deno.test("checkpoint chains: each shares what was not written since the one before", async () => {
  using machine = await ready();
  const chain = [machine.checkpoint()];
  for (const letter of "abcdefgh") {
    await type(machine, letter);
    chain.push(machine.checkpoint());
  }
  const end = await observe(machine);
  for (const [n, snapshot] of chain.slice(1).entries()) {
    const changes = [...snapshot.ram.changesFrom(chain[n]!.ram)];
    assert(changes.length >= 1 && changes.length <= 4, `${changes.length} pages`);
    for (const [page, content] of snapshot.ram.pages()) {
      if (!changes.some(([changed]) => changed === page)) {
        assertStrictEquals(content, chain[n]!.ram.page(page));
      }
    }
  }
  assertEquals([...machine.checkpoint().ram.changesFrom(chain.at(-1)!.ram)], []);
  for (const [n, snapshot] of chain.entries()) {
    using restored = Machine.restore(snapshot);
    // A chain that goes on in another machine, and back.
    const again = restored.checkpoint();
    using twice = Machine.restore(again);
    await type(twice, "abcdefgh".slice(n));
    assertEquals(await observe(twice), end);
  }
});

Deno.test("a snapshot that was restored and taken again is the same in every component", async () => {
  using machine = await ready({ harts: 2 });
  await type(machine, "ab");
  machine.console.send("x".repeat(40)); // more than the chip has room for
  const snapshot = machine.checkpoint();
  using used = await ready({ harts: 2 });
  await type(used, "pp".replaceAll("p", "k"));
  for (const other of [Machine.restore(snapshot), used]) {
    if (other === used) used.rewind(snapshot);
    const again = other.checkpoint();
    assertEquals(again.components, snapshot.components);
    assertEquals([...again.ram.changesFrom(snapshot.ram)], []);
    assertEquals([again.instructions, again.virtualNs], [
      snapshot.instructions,
      snapshot.virtualNs,
    ]);
    other.close();
  }
});

// ---- runTo ----

/** Types at odd moments, and tells what the machine was at every step. */
async function adventure(machine: Machine): Promise<Map<number, Record<string, unknown>>> {
  const moments = new Map<number, Record<string, unknown>>();
  const random = new Random(3, 3);
  let at = machine.instructions;
  for (const letter of "abcdef") {
    for (let n = 0; n < 3; n++) {
      at += random.between(1, 900);
      await machine.run({ until: { instructions: at } });
      moments.set(at, await observe(machine));
      if (n === 1) machine.console.send(letter);
    }
  }
  return moments;
}

for (const harts of [1, 2]) {
  Deno.test(`runTo goes to any instruction, forwards and backwards, with ${harts} harts`, async () => {
    using machine = await ready({ harts });
    const first = machine.checkpoint();
    const moments = await adventure(machine);
    const random = new Random(harts, 4);
    for (let n = 0; n < 10; n++) {
      const target = random.pick([...moments.keys()]);
      await machine.runTo({ instructions: target });
      assertEquals(await observe(machine), moments.get(target), `at ${target}`);
      await machine.runTo({ instructions: target + 17 });
      assertEquals(machine.instructions, target + 17);
      await machine.runTo({ instructions: target });
      assertEquals(await observe(machine), moments.get(target), `at ${target} again`);
      machine.rewind(first);
      assertEquals(await adventure(machine), moments);
    }
  });

  Deno.test(`runTo with input in between, over idle time and checkpoints, with ${harts} harts`, async () => {
    using machine = await ready({ harts });
    const first = machine.checkpoint();
    const moments = await adventure(machine);
    const places = [...moments.keys()];
    // Back step by step: what lies behind the target is forgotten each time.
    for (const target of places.toReversed()) {
      await machine.runTo({ instructions: target });
      const expected = moments.get(target);
      assertEquals(await observe(machine), expected, `at ${target}`);
    }
    // Everything again, with checkpoints on the way.
    machine.rewind(first);
    const again = await adventure(machine);
    assertEquals(again, moments);
    using other = Machine.restore(first);
    let n = 0;
    for (const letter of "abcdef") {
      for (let step = 0; step < 3; step++) {
        await other.run({ until: { instructions: places[n]! } });
        if (n % 4 === 0) other.checkpoint();
        if (step === 1) other.console.send(letter);
        n++;
      }
    }
    for (const target of [places[16]!, places[11]!, places[9]!, places[2]!]) {
      await other.runTo({ instructions: target });
      assertEquals(await observe(other), moments.get(target), `at ${target}`);
    }
  });

  Deno.test(`runTo counts one hart's retired instructions, with ${harts} harts`, async () => {
    using machine = await ready({ harts });
    machine.checkpoint();
    const hart = harts - 1;
    await adventure(machine);
    const end = machine.harts.instret(hart);
    for (const back of [3n, 100n, 1_000n]) {
      await machine.runTo({ instret: end - back, hart });
      assertEquals(machine.harts.instret(hart), end - back);
    }
    const there = await observe(machine);
    await machine.runTo({ instret: Number(end), hart });
    await machine.runTo({ instret: end - 1_000n, hart });
    assertEquals(await observe(machine), there);
  });
}

Deno.test("a machine that was restored or forked can go back to where it began", async () => {
  using machine = await ready();
  using restored = Machine.restore(machine.checkpoint());
  using fork = machine.fork();
  for (const each of [restored, fork]) {
    const start = await observe(each);
    const { instructions } = each;
    await type(each, "a");
    await each.runTo({ instructions: instructions + 5 });
    await each.runTo({ instructions });
    assertEquals(await observe(each), start);
  }
});

Deno.test("runTo says what is in its way", async () => {
  using machine = await ready();
  const { instructions } = machine;
  await assertRejects(
    () => machine.runTo({ instructions: 5 }),
    RangeError,
    "instruction 5 is in the past and no checkpoint is before it",
  );
  for (const wrong of [-1, 1.5, NaN, 2 ** 53]) {
    await assertRejects(() => machine.runTo({ instructions: wrong }), RangeError, "whole number");
    await assertRejects(() => machine.runTo({ instret: wrong }), RangeError, "whole number");
  }
  await assertRejects(
    () => machine.runTo({ instret: 1, hart: 1 }),
    RangeError,
    "there is no hart 1, only 0 to 0",
  );
  assertEquals(machine.instructions, instructions);
  machine.checkpoint();
  machine.console.send("q");
  await assertRejects(
    () => machine.runTo({ instructions: 10_000_000 }),
    RangeError,
    "the machine powered off before instruction 10000000",
  );
  await machine.runTo({ instructions });
  machine.console.send("i");
  await assertRejects(
    () => machine.runTo({ instructions: 10_000_000 }),
    RangeError,
    "every hart waits for an interrupt, and none can come before instruction 10000000",
  );
});

// ---- Ends, resets, HTIF ----

Deno.test("a machine that has finished is restored as finished", async () => {
  using machine = await ready();
  const before = machine.checkpoint();
  machine.console.send("q");
  const outcome = await machine.run();
  assertEquals(outcome, { reason: "finished", finish: { kind: "pass", code: 0 } });
  const after = machine.checkpoint();
  using restored = Machine.restore(after);
  assertEquals(restored.finish, outcome.finish);
  assertEquals(await restored.run(), outcome);
  await assertRejects(() => restored.console.expect("x"), MachineError, "powered off");
  restored.rewind(before);
  assertEquals(restored.finish, undefined);
  await type(restored, "a");
  machine.rewind(before);
  await type(machine, "a");
  assertEquals(await observe(restored), await observe(machine));
});

Deno.test("a guest that resets a restored machine finds what was there at power-on, if that is known", async () => {
  using machine = await ready({ harts: 2 });
  await type(machine, "ab");
  const snapshot = machine.checkpoint();
  machine.console.send("r");
  await machine.console.expect("ready\n> ");
  await type(machine, "c");
  const expected = await observe(machine);
  const boot = echoOptions({ harts: 2 });
  using known = Machine.restore(snapshot, { boot });
  using fork = known.fork();
  for (const each of [known, fork]) {
    each.console.send("r");
    await each.console.expect("ready\n> ");
    await type(each, "c");
    assertEquals(await observe(each), expected);
  }
  using unknown = Machine.restore(snapshot);
  unknown.console.send("r");
  await assertRejects(
    () => unknown.console.expect("ready\n> "),
    TypeError,
    "give Machine.restore the options that the machine was made with, as `boot`",
  );
  unknown.rewind(snapshot);
  await type(unknown, "c");
});

Deno.test("`boot` must make the same kind of machine", async () => {
  using machine = await ready({ harts: 2 });
  const snapshot = machine.checkpoint();
  for (
    const [wrong, message] of [
      [{ harts: 1 }, "with harts 2, boot has 1"],
      [{ harts: 2, memMiB: 3 }, "with memMiB 1, boot has 3"],
    ] as const
  ) {
    assertThrows(
      () => Machine.restore(snapshot, { boot: echoOptions(wrong) }),
      TypeError,
      message,
    );
  }
});

Deno.test("HTIF: requests are seen at the same instruction however the run is cut", async () => {
  const program = (a: Parameters<Parameters<typeof bareMachine>[0]>[0]) => {
    a.address(reg.s0, "tohost").address(reg.s1, "fromhost").constant(reg.s3, 20n).label("next");
    a.constant(reg.t0, (1n << 56n) | (1n << 48n) | 65n).op("add", reg.t0, reg.t0, reg.s3)
      .op("sd", reg.t0, 0, reg.s0);
    a.label("wait").op("addi", reg.s4, reg.s4, 1).op("ld", reg.t1, 0, reg.s0)
      .branch("bne", reg.t1, 0, "wait");
    a.op("addi", reg.s3, reg.s3, -1).branch("bne", reg.s3, 0, "next");
    a.op("addi", reg.t0, 0, 1).op("sd", reg.t0, 0, reg.s0).end();
    while (a.here % 64 !== 0) a.word(0);
    a.label("tohost").word(0).word(0).label("fromhost").word(0).word(0);
  };
  const symbols = ["tohost", "fromhost"];
  using whole = await bareMachine(program, {}, symbols);
  assertEquals((await whole.run()).reason, "finished");
  const end = await observe(whole);
  assertEquals(whole.console.transcript.length, 20);
  const random = new Random(1, 9);
  for (let round = 0; round < 8; round++) {
    let machine = await bareMachine(program, {}, symbols);
    for (let at = random.below(3_000); at < whole.instructions; at += 1 + random.below(9_000)) {
      await machine.run({ until: { instructions: at } });
      const snapshot = machine.checkpoint();
      if (random.chance(0.3)) machine.rewind(snapshot);
      else if (random.chance(0.5)) {
        machine.close();
        machine = Machine.restore(snapshot);
      }
    }
    await machine.run();
    assertEquals(await observe(machine), end);
    machine.close();
  }
});

Deno.test("two machines with different ROM in the same memory, one after the other", async () => {
  const small = await echoMachine({ memMiB: 3 });
  const start = small.checkpoint();
  await small.console.expect("> ");
  const end = await observe(small);
  small.close();
  // Something at the end of RAM: the device tree lies elsewhere, and the reset vector names it.
  const program = new Program();
  print(program, "other");
  program.getCsr(reg.s1, "mtvec").end();
  const segments = [[RAM_BASE, program.finish()], [RAM_BASE + 3 * MIB - 4096, new Uint8Array(4096)]]
    .map(([at, bytes]) => {
      const address = BigInt(at as number);
      return { vaddr: address, paddr: address, bytes: bytes as Uint8Array, memSize: 4096 };
    });
  const other = await Machine.create({ memMiB: 3, elf: makeElf({ segments }) });
  await other.console.expect("other");
  const tree = (machine: Machine) => machine.harts.get(0, `x${reg.a1}`);
  const otherTree = tree(other);
  other.rewind(start);
  await other.console.expect("> ");
  assert(tree(other) !== otherTree, "the same reset vector: this tests nothing");
  assertEquals(await observe(other), end);
  other.close();
});

// ---- Console ----

Deno.test("what was consumed, what is pending, and input that was not taken survive", async () => {
  using machine = await ready();
  await machine.run({ until: { virtualMs: machine.virtualMs + 1 } });
  machine.console.send("a".repeat(30));
  await machine.console.expect("aaaa");
  machine.console.send("b");
  assert(machine.console.unsentBytes > 0);
  using restored = Machine.restore(machine.checkpoint());
  assertEquals(
    [restored.console.unsentBytes, restored.console.sentBytes, restored.console.drain()],
    [machine.console.unsentBytes, 31, machine.console.drain()],
  );
  for (const each of [machine, restored]) {
    assertEquals((await each.console.expect("bb")).text, "bb");
  }
  assertEquals(await observe(restored), await observe(machine));
  assertEquals(restored.console.transcript, `ready\n> ${"aa".repeat(30)}bb`);
});

Deno.test("a machine that had printed nothing keeps the bytes it prints after a restore", async () => {
  using machine = await echoMachine();
  using restored = Machine.restore(machine.checkpoint());
  for (const each of [machine, restored]) await each.console.expect("> ");
  assertEquals(restored.console.rawTranscript, machine.console.rawTranscript);
  assertEquals(restored.console.rawTranscript.length, "ready\n> ".length);
});

Deno.test("half a character and half an escape sequence are completed after a restore", async () => {
  using machine = await ready();
  machine.console.send("u");
  await machine.console.expect("a");
  await machine.run({ until: { virtualMs: machine.virtualMs + 5 } });
  assertEquals(machine.console.transcript, "ready\n> a");
  const midCharacter = machine.checkpoint();
  machine.console.send("-");
  await machine.console.expect("€");
  await machine.run({ until: { virtualMs: machine.virtualMs + 5 } });
  const midSequence = machine.checkpoint();
  machine.console.send("-");
  await machine.console.expect("> ");
  assertEquals(machine.console.transcript, "ready\n> a€b\n> ");
  const end = await observe(machine);
  using first = Machine.restore(midCharacter);
  first.console.send("-");
  await first.console.expect("€");
  await first.run({ until: { instructions: midSequence.instructions } });
  first.console.send("-");
  using second = Machine.restore(midSequence);
  second.console.send("-");
  for (const each of [first, second]) {
    await each.console.expect("> ");
    assertEquals(await observe(each), end);
    assertEquals(each.console.transcript, "ready\n> a€b\n> ");
  }
});

Deno.test("a panic that was printed before a restore is known after it, and one that was expected is none", async () => {
  using machine = await ready();
  machine.console.send("p");
  // The panic's line comes, and nobody waits for anything.
  await machine.run({ until: { virtualMs: machine.virtualMs + 5 } });
  assert(machine.console.panicAt !== undefined);
  const panicked = machine.checkpoint();
  using restored = Machine.restore(panicked);
  assertEquals(restored.console.panicAt, machine.console.panicAt);
  for (const each of [machine, restored]) {
    const error = await assertRejects(() => each.console.expect("never"), MachineError);
    assertEquals((error as MachineError).verdict, "panic");
  }
  assertEquals(await observe(restored), await observe(machine));
  using expecting = await ready();
  expecting.console.send("p");
  await expecting.console.expect("Kernel panic - not syncing");
  using later = Machine.restore(expecting.checkpoint());
  for (const each of [expecting, later]) {
    await each.console.expect("after\n> ");
    assertEquals(each.console.panicAt, undefined);
  }
  assertEquals(await observe(later), await observe(expecting));
});

// ---- Errors ----

Deno.test("a closed machine takes part in nothing", async () => {
  const machine = await ready();
  const snapshot = machine.checkpoint();
  machine.close();
  for (
    const act of [
      () => machine.checkpoint(),
      () => machine.fork(),
      () => machine.rewind(snapshot),
    ]
  ) assertThrows(act, TypeError, "The machine is closed");
  await assertRejects(() => machine.runTo({ instructions: 1 }), TypeError, "The machine is closed");
  // What it was is not gone with it.
  using restored = Machine.restore(snapshot);
  await type(restored, "a");
});

Deno.test("a machine that runs is not saved, forked or taken back", async () => {
  using machine = await ready();
  const snapshot = machine.checkpoint();
  const run = machine.run({ until: { instructions: 6_000_000 } });
  for (
    const act of [
      () => machine.checkpoint(),
      () => machine.fork(),
      () => machine.rewind(snapshot),
    ]
  ) assertThrows(act, TypeError, "The machine runs already");
  await assertRejects(() => machine.runTo({ instructions: 1 }), TypeError, "runs already");
  await run;
  machine.rewind(snapshot);
  await type(machine, "a");
});

Deno.test("a snapshot of another kind of machine is refused by what differs, and changes nothing", async () => {
  using one = await ready();
  using two = await ready({ harts: 2 });
  using large = await ready({ memMiB: 3 });
  using plain = await ready({ isa: "rv64imafdch_zicsr_zifencei" });
  const before = await observe(one);
  for (
    const [other, message] of [
      [two, "with harts 2, this one has 1; use Machine.restore"],
      [large, "with memMiB 3, this one has 1; use Machine.restore"],
      [plain, "with isa rv64imafdch_zicsr_zifencei, this one has "],
    ] as const
  ) {
    assertThrows(() => one.rewind(other.checkpoint()), TypeError, message);
  }
  assertEquals(await observe(one), before);
});

Deno.test("a shape that no machine has is refused", async () => {
  using machine = await ready();
  const snapshot = machine.checkpoint();
  for (
    const [shape, error] of [
      [undefined, TypeError],
      [7, TypeError],
      [{ ...snapshot.shape, isa: 7 }, TypeError],
      [{ ...snapshot.shape, isa: "x86" }, SyntaxError],
      [{ ...snapshot.shape, harts: 9 }, RangeError],
      [{ ...snapshot.shape, harts: 0 }, RangeError],
      [{ ...snapshot.shape, harts: 1.5 }, RangeError],
      [{ ...snapshot.shape, memMiB: 1e9 }, RangeError],
      [{ ...snapshot.shape, memMiB: 0.5 }, RangeError],
      [{ ...snapshot.shape, memMiB: 4 }, RangeError], // pages of 1 MiB
    ] as const
  ) {
    assertThrows(() => Machine.restore({ ...snapshot, shape: shape as never }), error);
  }
});

Deno.test("a device whose state is not all the machine's own is not saved, with its reason", async () => {
  using machine = await ready();
  let reason: string | undefined = "a file is shared";
  const device = Object.assign(new ProbeDevice(), { whyUnsaveable: () => reason });
  machine.harts.bus.map("share0", 0x3000_0000, device);
  const before = await observe(machine);
  for (const act of [() => machine.checkpoint(), () => machine.fork()]) {
    assertThrows(act, TypeError, "This machine cannot be saved: a file is shared (share0)");
  }
  await assertRejects(
    () => machine.store((snapshot) => Promise.resolve(snapshot)),
    TypeError,
    "a file is shared (share0)",
  );
  assertEquals(await observe(machine), before);
  reason = undefined;
  const snapshot = machine.checkpoint();
  assertThrows(() => Machine.restore(snapshot), TypeError, 'it has no component "share0"');
  assertThrows(
    () => {
      const { share0: _, ...components } = snapshot.components;
      machine.rewind({ ...snapshot, components });
    },
    TypeError,
    'the state of "share0" is missing',
  );
  assertThrows(
    () => machine.rewind(withComponents(snapshot, { strange: snapshot.components["uart0"] })),
    TypeError,
    'it has no component "strange"',
  );
});

Deno.test("what is sent to a closed machine does not reach the next one, which has its chips", async () => {
  const first = await ready();
  first.close();
  using second = await ready();
  assertThrows(() => first.console.send("f"), TypeError, "The machine is closed");
  await type(second, "s");
  assertEquals(second.console.transcript, "ready\n> ss");
});

Deno.test("a chip that was put into a machine is not in the next one", async () => {
  const first = await ready();
  first.harts.bus.map("probe", 0x4000_0000, new ProbeDevice());
  first.close();
  using second = await ready();
  assertEquals(second.harts.bus.mappings.some(({ name }) => name === "probe"), false);
});
