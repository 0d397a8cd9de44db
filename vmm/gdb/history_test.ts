// Going backwards, and that nothing of what a debugger does shows in the machine.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { reg } from "../../core/conformance/assembler.ts";
import { MSTATUS, type Program } from "../../core/testing/bare_program.ts";
import type { Machine } from "../machine.ts";
import { bareMachine } from "../machine_test_support.ts";
import { BOARD } from "../memory_map.ts";
import { COUNTER, countingMachine, LOOP, PC, TestClient } from "./client_test_support.ts";

const hex = (address: number) => address.toString(16);

/** Harts that count, with an interrupt of the timer every 5 ticks, and trap now and then. */
async function busyMachine(
  harts: number,
): Promise<{ machine: Machine; at: (label: string) => number }> {
  let program: Program | undefined;
  const machine = await bareMachine((a) => {
    program = a;
    const MTIMECMP = BigInt(BOARD.clint.base + 0x4000);
    const MTIME = BigInt(BOARD.clint.base + 0xbff8);
    a.address(reg.t0, "handler").op("csrrw", 0, a.csr("mtvec"), reg.t0);
    a.getCsr(reg.s2, "mhartid").op("slli", reg.s2, reg.s2, 3)
      .constant(reg.s3, MTIMECMP).op("add", reg.s3, reg.s3, reg.s2)
      .constant(reg.s4, MTIME)
      .constant(reg.s0, BigInt(COUNTER)).op("add", reg.s0, reg.s0, reg.s2);
    a.jump("arm");
    a.label("handler");
    a.op("csrrs", reg.t3, a.csr("mcause"), 0).branch("blt", reg.t3, 0, "timer");
    a.label("exception").op("csrrs", reg.t3, a.csr("mepc"), 0).op("addi", reg.t3, reg.t3, 4)
      .op("csrrw", 0, a.csr("mepc"), reg.t3).op("mret");
    a.label("timer").op("ld", reg.t3, 0, reg.s4).op("addi", reg.t3, reg.t3, 5)
      .op("sd", reg.t3, 0, reg.s3).op("addi", reg.a2, reg.a2, 1).op("mret");
    a.label("arm").op("sd", 0, 0, reg.s3).setCsr("mie", 1n << 7n).setBits("mstatus", MSTATUS.MIE);
    a.label("loop").op("addi", reg.a0, reg.a0, 1).op("sd", reg.a0, 0, reg.s0)
      .op("andi", reg.t4, reg.a0, 63).branch("bne", reg.t4, 0, "loop");
    a.op("ecall").jump("loop");
  }, { harts, jit: { threshold: 2, batch: 1 } });
  return { machine, at: (label) => program!.addressOf(label) };
}

/** The state of such a machine that no debugger has touched, when so many instructions were executed. */
async function untouched(harts: number, instructions: number): Promise<string> {
  using machine = (await busyMachine(harts)).machine;
  await machine.run({ until: { instructions } });
  return await machine.stateHash();
}

for (const harts of [1, 2]) {
  Deno.test(`a run under breakpoints, watchpoints and steps is the same run; ${harts} harts`, async () => {
    const { machine, at } = await busyMachine(harts);
    using _machine = machine;
    const client = new TestClient(machine, { checkpointInstructions: 10_000 });
    for (const label of ["timer", "exception", "handler"]) {
      await client.ask(`Z0,${hex(at(label))},4`);
    }
    for (let n = 0; n < 40; n++) await client.ask("c");
    await client.ask(`Z2,${hex(COUNTER)},8`);
    for (let n = 0; n < 40; n++) await client.ask("c");
    for (let n = 0; n < 40; n++) await client.ask(`vCont;s:${1 + n % harts};c`);
    await client.ask("m80000000,1000");
    await client.monitor("translate 80000000");
    for (const label of ["timer", "exception", "handler"]) {
      await client.ask(`z0,${hex(at(label))},4`);
    }
    await client.ask(`z2,${hex(COUNTER)},8`);
    assertEquals(await machine.stateHash(), await untouched(harts, machine.instructions));
    // Through all of history and back.
    const { instructions } = machine;
    await client.ask(`Z0,${hex(at("exception"))},4`);
    for (let n = 0; n < 5; n++) await client.ask("bc");
    for (let n = 0; n < 5; n++) await client.ask("bs");
    assert(machine.instructions < instructions);
    await client.ask(`z0,${hex(at("exception"))},4`);
    await machine.run({ until: { instructions: instructions + 50_000 } });
    assertEquals(await machine.stateHash(), await untouched(harts, machine.instructions));
  });

  Deno.test(`steps back undo steps; ${harts} harts`, async () => {
    const { machine } = await busyMachine(harts);
    using _machine = machine;
    const client = new TestClient(machine, { checkpointInstructions: 700 });
    await client.monitor("goto 2400");
    // Some of these are interrupts: their handlers' first instructions are places of their own.
    const seen: [number, bigint][] = [];
    const here = async (): Promise<
      [number, bigint]
    > => [machine.instructions, await client.register(PC)];
    for (let n = 0; n < 300; n++) {
      await client.ask("Hg1");
      seen.push(await here());
      await client.ask("vCont;s:1");
    }
    for (let n = 299; n >= 0; n -= 1) {
      await client.ask("Hg1");
      assertEquals(await client.ask("bs"), "T05thread:1;");
      const [instructions, pc] = await here();
      // Going back, a step leads to where the hart's instruction is next, which may be later than where
      // the step before had ended, as others execute in between.
      assertEquals(pc, seen[n]![1], `step ${n}`);
      assert(instructions >= seen[n]![0]);
    }
  });
}

Deno.test("breakpoints stop each time that their instruction is executed, and no other", async () => {
  const STOPS = 400;
  const { machine: plain, at } = await busyMachine(2);
  using _plain = plain;
  const places = [at("loop"), at("timer")].map(BigInt);
  const expected: number[] = [];
  plain.harts.onInstruction = (hartId) => {
    if (places.includes(plain.harts.get(hartId, "pc"))) expected.push(plain.harts.instructions);
  };
  plain.harts.onTrap = ({ epc, cause, hartId }) => {
    // It came in place of the instruction.
    if (cause >> 63n === 1n && places.includes(epc)) expected.pop();
    plain.harts.requestStop();
    assert(hartId < 2);
  };
  while (expected.length <= STOPS) plain.harts.run(1_000);
  const { machine } = await busyMachine(2);
  using _machine = machine;
  const client = new TestClient(machine);
  for (const place of places) await client.ask(`Z0,${place.toString(16)},4`);
  const found: number[] = [];
  for (let n = 0; n < STOPS; n++) {
    assertMatch(await client.ask("c"), /^T05thread:[12];hwbreak:;$/);
    found.push(machine.instructions);
  }
  assertEquals(found, expected.slice(0, STOPS));
});

Deno.test("an interrupt's handler is a place to break at, forwards and backwards", async () => {
  const { machine, at } = await busyMachine(1);
  using _machine = machine;
  const client = new TestClient(machine);
  await client.ask(`Z0,${hex(at("handler"))},4`);
  const stops: number[] = [];
  for (let n = 0; n < 12; n++) {
    assertEquals(await client.ask("c"), "T05thread:1;hwbreak:;");
    assertEquals(await client.register(PC), BigInt(at("handler")));
    stops.push(machine.instructions);
  }
  for (let n = 10; n >= 0; n--) {
    assertEquals(await client.ask("bc"), "T05thread:1;hwbreak:;");
    assertEquals(await client.register(PC), BigInt(at("handler")));
    assertEquals(machine.instructions, stops[n]!);
  }
  assertEquals(await client.ask("bc"), "T05thread:1;replaylog:begin;");
  assertEquals(await client.ask("bs"), "T05thread:1;replaylog:begin;");
  assertEquals(machine.instructions, 0);
});

Deno.test("a watched access is found going backwards, and stands before it is undone", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine, { checkpointInstructions: 1_000 });
  await client.monitor("goto 5000");
  await client.monitor("goto 30000");
  const count = await client.register(reg.a0);
  await client.ask(`Z2,${hex(COUNTER)},8`);
  for (let n = 0n; n < 3n; n++) {
    assertEquals(await client.ask("bc"), `T05thread:1;watch:${hex(COUNTER)};`);
    assertEquals(await client.register(PC), BigInt(loop + LOOP.load));
    assertEquals(await client.register(reg.a0), count - n);
  }
});

Deno.test("what the debugger changed is not undone by going back to just behind it", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  await client.ask(`Z0,${hex(loop)},4`);
  for (let n = 0; n < 3; n++) await client.ask("c");
  await client.setRegister(reg.a0, 1000n);
  await client.ask("s");
  assertEquals(await client.register(reg.a0), 1001n);
  await client.ask("s");
  await client.ask("bs");
  assertEquals(await client.register(reg.a0), 1001n);
  await client.ask("bs");
  assertEquals(await client.register(reg.a0), 1000n);
  // Before it, it is as it was.
  await client.ask("bs");
  assertEquals(await client.register(reg.a0), 2n);
});

Deno.test("input comes again at its time", async () => {
  using machine = await bareMachine((a) => {
    a.constant(reg.s0, BigInt(BOARD.uart0.base));
    a.op("addi", reg.a1, 0, 0).label("poll").op("lbu", reg.t0, 5, reg.s0).op(
      "andi",
      reg.t0,
      reg.t0,
      1,
    )
      .branch("beq", reg.t0, 0, "poll");
    a.op("lbu", reg.a0, 0, reg.s0).op("add", reg.a1, reg.a1, reg.a0).jump("poll");
  });
  const client = new TestClient(machine);
  await client.monitor("goto 1000");
  machine.console.send("A");
  await client.monitor("goto 2000");
  machine.console.send("B");
  await client.monitor("goto 3000");
  const pc = await client.register(PC);
  assertEquals(await client.register(reg.a1), 131n);
  await client.ask("bs");
  await client.ask("s");
  assertEquals([await client.register(PC), await client.register(reg.a1)], [pc, 131n]);
  await client.monitor("goto 1500");
  assertEquals(await client.register(reg.a1), 65n);
});
