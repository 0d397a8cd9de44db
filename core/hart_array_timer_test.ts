// Timer interrupts arrive at an exact instruction, wherever the deadline lies and however the run is cut.

import { assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import type { HartArray } from "./hart_array.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  type Program,
  RAM,
  runToEnd,
  STCE,
  x,
} from "./testing/bare_program.ts";

/** One instruction a tick: deadlines in ticks are deadlines in instructions. */
const TIMEBASE_HZ = 1e9;
const LOOP_INSTRUCTIONS = 4;
const DEADLINES = 200;
const FAR = (1n << 64n) - 1n;
const HTIMEDELTA = -5_000_000n;

/** A timer: how the program listens to it, and how the test sets it from outside. */
interface Timer {
  readonly name: string;
  readonly cause: bigint;
  readonly prepare: (program: Program) => void;
  readonly set: (harts: HartArray, timeNs: bigint) => void;
}

const INTERRUPT = 1n << 63n;
const TIMERS: readonly Timer[] = [
  {
    name: "mtimecmp",
    cause: INTERRUPT | 7n,
    prepare: (a) => a.setCsr("mie", 1n << 7n).setBits("mstatus", MSTATUS.MIE),
    set: (harts, timeNs) => harts.writeMtimecmp(0, timeNs),
  },
  {
    name: "stimecmp, interrupt taken in S-mode",
    cause: INTERRUPT | 5n,
    prepare: (a) =>
      a.setCsr("menvcfg", STCE).setCsr("mideleg", 1n << 5n).setCsr("mie", 1n << 5n)
        .address(reg.t5, "trap").op("csrrw", 0, a.csr("stvec"), reg.t5)
        .setBits("mstatus", 1n << 1n).enter(1),
    set: (harts, timeNs) => harts.set(0, "stimecmp", timeNs),
  },
  {
    name: "vstimecmp behind htimedelta, interrupt taken in VS-mode",
    cause: INTERRUPT | 5n, // the guest sees VSTI as its STI
    prepare: (a) =>
      a.setCsr("menvcfg", STCE).setCsr("henvcfg", STCE).setCsr("mie", 1n << 6n)
        .setCsr("hideleg", 1n << 6n).setCsr("htimedelta", HTIMEDELTA)
        .address(reg.t5, "trap").op("csrrw", 0, a.csr("vstvec"), reg.t5)
        .setCsr("vsstatus", 1n << 1n).enter(1, true),
    set: (harts, timeNs) => harts.set(0, "vstimecmp", timeNs + HTIMEDELTA),
  },
  {
    name: "vstimecmp, interrupt taken in HS-mode while the guest runs",
    cause: INTERRUPT | 6n,
    prepare: (a) =>
      a.setCsr("menvcfg", STCE).setCsr("henvcfg", STCE).setCsr("mie", 1n << 6n)
        .address(reg.t5, "trap").op("csrrw", 0, a.csr("stvec"), reg.t5).enter(1, true),
    set: (harts, timeNs) => harts.set(0, "vstimecmp", timeNs),
  },
];

/** A loop of four instructions; the handler, two instructions, goes back to its start. */
function loopProgram(timer: Timer): BareProgram {
  const program = bareProgram((a) => {
    timer.prepare(a);
    a.label("loop");
    for (let i = 1; i < LOOP_INSTRUCTIONS; i++) a.op("addi", reg.a0, reg.a0, 1);
    a.jump("loop");
    a.label("trap").op("addi", reg.a1, reg.a1, 1).label("spin").jump("spin");
  }, {
    timebaseHz: TIMEBASE_HZ,
    handler: (a) => a.label("m_trap").op("addi", reg.a1, reg.a1, 1).jump("m_trap"),
  });
  program.harts.set(0, "stimecmp", FAR);
  return program;
}

/** Address of the loop: the first pc that comes round again. */
function enterLoop({ harts }: BareProgram): bigint {
  harts.run(200);
  const seen: bigint[] = [];
  for (let i = 0; i < LOOP_INSTRUCTIONS; i++) {
    seen.push(harts.get(0, "pc"));
    harts.run(1);
  }
  return seen.reduce((low, pc) => pc < low ? pc : low);
}

for (const timer of TIMERS) {
  Deno.test(`${timer.name}: on time for each of the next ${DEADLINES} instructions`, () => {
    for (let wait = 1; wait <= DEADLINES; wait++) {
      const program = loopProgram(timer);
      const { harts, traps } = program;
      const loopPc = enterLoop(program);
      const startIndex = Number(harts.get(0, "pc") - loopPc) / 4;
      const dueNs = harts.nowNs + wait;
      timer.set(harts, BigInt(dueNs));
      program.recordTraps();
      // Even deadlines run through, odd ones in pieces.
      if (wait % 2 === 0) harts.run(DEADLINES + 50);
      else for (let i = 0; i < DEADLINES + 50; i += 5) harts.run(5);
      assertEquals(traps.length, 1, `deadline ${wait}`);
      const [trap] = traps;
      assertEquals(trap!.cause, timer.cause);
      assertEquals(trap!.nowNs, dueNs);
      assertEquals(trap!.epc, loopPc + 4n * BigInt((startIndex + wait) % LOOP_INSTRUCTIONS));
    }
  });
}

Deno.test("a deadline in ticks of 100 ns falls on the tick's first instruction", () => {
  for (let ticks = 1; ticks <= 20; ticks++) {
    const program = bareProgram((a) => {
      a.setCsr("mie", 1n << 7n).setBits("mstatus", MSTATUS.MIE).label("loop").jump("loop");
    }, { handler: (a) => a.label("spin").jump("spin") });
    program.recordTraps();
    program.harts.run(37 * ticks);
    const due = program.harts.readMtime() + BigInt(ticks);
    program.harts.writeMtimecmp(0, due);
    program.harts.run(3000);
    assertEquals(program.traps.map(({ nowNs }) => nowNs), [Number(due) * 100]);
  }
});

Deno.test("a guest's own writes to stimecmp take effect at once, earlier and later", () => {
  const program = bareProgram((a) => {
    a.setCsr("menvcfg", STCE).setCsr("mie", 1n << 5n);
    a.getCsr(reg.s0, "time").op("addi", reg.a0, reg.s0, 1000);
    a.op("csrrw", 0, a.csr("stimecmp"), reg.a0); // far
    a.op("addi", reg.a0, reg.s0, 20);
    a.op("csrrw", 0, a.csr("stimecmp"), reg.a0); // nearer
    a.setBits("mstatus", MSTATUS.MIE);
    a.label("loop").branch("beq", reg.s1, 0, "loop");
    a.op("addi", reg.a0, reg.s1, 40);
    a.op("csrrw", 0, a.csr("stimecmp"), reg.a0);
    a.op("addi", reg.a0, reg.s1, 90);
    a.op("csrrw", 0, a.csr("stimecmp"), reg.a0); // put off
    a.op("addi", reg.s2, 0, 0);
    a.label("second").branch("beq", reg.s2, 0, "second");
    a.clearBits("mstatus", MSTATUS.MIE);
  }, {
    timebaseHz: TIMEBASE_HZ,
    handler: (a) =>
      a.branch("bne", reg.s1, 0, "later")
        .getCsr(reg.s1, "time").constant(reg.t6, -1n).op("csrrw", 0, a.csr("stimecmp"), reg.t6)
        .op("mret")
        .label("later").getCsr(reg.s2, "time").constant(reg.t6, -1n)
        .op("csrrw", 0, a.csr("stimecmp"), reg.t6).op("mret"),
  });
  program.recordTraps();
  runToEnd(program);
  const { harts, traps } = program;
  assertEquals(traps.length, 2);
  assertEquals(traps[0]!.nowNs, Number(x(harts, reg.s0)) + 20);
  assertEquals(traps[1]!.nowNs, Number(x(harts, reg.s1)) + 90);
});

Deno.test("a timer already due waits for its enable, and is taken on the next instruction", () => {
  const program = bareProgram((a) => {
    a.setCsr("mie", 1n << 7n);
    a.op("addi", 0, 0, 0).op("addi", 0, 0, 0);
    a.label("enable").op("csrrsi", 0, a.csr("mstatus"), 8);
    a.label("next").op("addi", reg.a0, 0, 1);
  }, { handler: (a) => a.getCsr(reg.s0, "mepc").clearBits("mie", 1n << 7n).end() });
  program.harts.writeMtimecmp(0, 0n);
  program.recordTraps();
  runToEnd(program);
  assertEquals(program.traps.length, 1);
  const code = program.harts.ramAt(RAM, 0x100)!;
  const epc = Number(x(program.harts, reg.s0)) - RAM;
  const before = new DataView(code.buffer, code.byteOffset).getUint32(epc - 4, true);
  assertEquals(before, 0x3004_6073); // csrrsi x0, mstatus, 8
  assertEquals(x(program.harts, reg.a0), 0n);
});

Deno.test("a write to mtime moves every deadline", () => {
  const program = bareProgram((a) => {
    a.setCsr("mie", 1n << 7n).setBits("mstatus", MSTATUS.MIE).label("loop").jump("loop");
  }, { timebaseHz: TIMEBASE_HZ, handler: (a) => a.label("spin").jump("spin") });
  const { harts } = program;
  program.recordTraps();
  harts.run(100);
  harts.writeMtimecmp(0, 1_000_000n);
  harts.run(50);
  harts.writeMtime(1_000_000n - 30n);
  harts.run(100);
  assertEquals(program.traps.map(({ nowNs }) => nowNs), [180]);
  assertEquals(harts.readMtime(), 1_000_070n);
});
