// Exact counts: instret, time, cycle and the clock are functions of the instructions executed.

import { assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import { bareProgram, RAM, ramView, runToEnd, x } from "./testing/bare_program.ts";

const NOP = ["addi", 0, 0, 0] as const;

Deno.test("instret counts what retired; the clock counts traps too", () => {
  const program = bareProgram((a) => {
    a.getCsr(reg.s0, "instret").getCsr(reg.s1, "cycle");
    a.op(...NOP).op(...NOP).op("mul", reg.a0, reg.a1, reg.a2);
    a.op("ecall"); // does not retire; the handler's four instructions do
    a.word(0); // illegal: as well
    a.op("ebreak");
    a.getCsr(reg.s2, "instret").getCsr(reg.s3, "cycle");
  });
  runToEnd(program);
  // csrr instret, csrr cycle, 3 plain, 3 x (trap + 4), then csrr instret reads what was before it.
  const retired = 2n + 3n + 3n * 4n;
  assertEquals(x(program.harts, reg.s2) - x(program.harts, reg.s0), retired);
  assertEquals(x(program.harts, reg.s3) - x(program.harts, reg.s1), retired + 3n);
});

Deno.test("every kind of fault takes one instruction's time and does not retire", () => {
  const faults: readonly (readonly [string, ...number[]])[] = [
    ["ecall"],
    ["ebreak"],
    ["ld", reg.a0, 0, reg.a5], // a5 points nowhere
    ["sd", reg.a0, 0, reg.a5],
    ["amoadd.w", reg.a0, reg.a1, reg.a5],
    ["lr.d", reg.a0, 0, reg.a5],
    ["csrrs", reg.a0, 0x7ff, 0],
    ["csrrw", 0, 0xc00, reg.a0],
    ["cbo.zero", reg.a5],
    ["flw", 1, 0, reg.a5], // FS is off
  ];
  for (const fault of faults) {
    const program = bareProgram((a) => {
      a.constant(reg.a5, 0x10n);
      a.getCsr(reg.s0, "instret").getCsr(reg.s1, "cycle");
      a.op(...fault);
      a.getCsr(reg.s2, "instret").getCsr(reg.s3, "cycle");
    });
    runToEnd(program);
    assertEquals(x(program.harts, reg.s2) - x(program.harts, reg.s0), 6n, fault[0]);
    assertEquals(x(program.harts, reg.s3) - x(program.harts, reg.s1), 7n, fault[0]);
  }
});

Deno.test("a fetch fault takes one instruction's time", () => {
  const program = bareProgram((a) => {
    a.constant(reg.a0, 0x4000_0000n).address(reg.s4, "back");
    a.getCsr(reg.s1, "cycle").getCsr(reg.s0, "instret").op("jalr", 0, 0, reg.a0);
    a.label("back").getCsr(reg.s2, "instret").getCsr(reg.s3, "cycle");
  }, { handler: (a) => a.op("jalr", 0, 0, reg.s4) });
  runToEnd(program);
  // csrr, jalr, (fault), jalr of the handler
  assertEquals(x(program.harts, reg.s2) - x(program.harts, reg.s0), 3n);
  assertEquals(x(program.harts, reg.s3) - x(program.harts, reg.s1), 6n);
});

Deno.test("run executes exactly as many instructions as asked for", () => {
  const program = bareProgram((a) => a.label("loop").op("addi", reg.a0, reg.a0, 1).jump("loop"));
  const { harts } = program;
  let total = 0;
  for (const budget of [1, 2, 3, 1, 50, 1000, 1, 99_999]) {
    assertEquals(harts.run(budget), "budget");
    total += budget;
    assertEquals(harts.instructions, total);
    assertEquals(harts.nowNs, total);
    assertEquals(harts.instret(0), BigInt(total));
    assertEquals(harts.readCsr(0, 0xb02), BigInt(total));
  }
});

Deno.test("time shows the clock in whole ticks of the timebase", () => {
  for (const timebaseHz of [1e9, 1e8, 1e7, 1e6]) {
    const nsPerTick = BigInt(1e9 / timebaseHz);
    const samples = 200;
    const table = RAM + 0x8000;
    const program = bareProgram((a) => {
      a.constant(reg.a0, BigInt(table));
      for (let i = 0; i < samples; i++) {
        a.getCsr(reg.a1, "cycle").getCsr(reg.a2, "time");
        a.op("sd", reg.a1, 0, reg.a0).op("sd", reg.a2, 8, reg.a0).op("addi", reg.a0, reg.a0, 16);
      }
    }, { timebaseHz });
    runToEnd(program);
    const ram = ramView(program.harts);
    for (let i = 0; i < samples; i++) {
      const cycle = ram.get(table + 16 * i);
      // `cycle` is the clock in nanoseconds; `time` was read an instruction later.
      assertEquals(ram.get(table + 16 * i + 8), (cycle + 1n) / nsPerTick);
      if (i > 0) assertEquals(cycle - ram.get(table + 16 * (i - 1)), 5n);
    }
    assertEquals(program.harts.readMtime(), BigInt(program.harts.nowNs) / nsPerTick);
  }
});

Deno.test("the clock at an instruction is the number of instructions before it", () => {
  const program = bareProgram((a) => a.getCsr(reg.a0, "cycle").getCsr(reg.a1, "instret"));
  const { harts } = program;
  while (Number(harts.get(0, "pc")) !== program.bodyPc) harts.run(1);
  const before = BigInt(harts.instructions);
  harts.run(2);
  assertEquals([x(harts, reg.a0), x(harts, reg.a1)], [before, before + 1n]);
});

Deno.test("writes to minstret and mcycle show in the next instruction", () => {
  const program = bareProgram((a) => {
    a.setCsr("minstret", 1000n).getCsr(reg.a0, "instret").op(...NOP).getCsr(reg.a1, "instret");
    a.setCsr("mcycle", 5000n).getCsr(reg.a2, "cycle").op("ecall").getCsr(reg.a3, "cycle");
  });
  runToEnd(program);
  const { harts } = program;
  assertEquals([x(harts, reg.a0), x(harts, reg.a1)], [1000n, 1002n]);
  assertEquals([x(harts, reg.a2), x(harts, reg.a3)], [5000n, 5006n]);
});

Deno.test("each hart counts its own instructions; the clock counts all", () => {
  const program = bareProgram((a) => {
    a.getCsr(reg.a0, "mhartid").op("addi", reg.a0, reg.a0, 1).constant(reg.a1, 1000n);
    a.op("mul", reg.a1, reg.a1, reg.a0);
    a.label("loop").op("addi", reg.a1, reg.a1, -1).branch("bne", reg.a1, 0, "loop");
  }, { harts: 4 });
  runToEnd(program);
  const { harts } = program;
  const counts = [0, 1, 2, 3].map((id) => Number(harts.instret(id)));
  assertEquals(counts.map((count) => count - counts[0]!), [0, 2000, 4000, 6000]);
  assertEquals(counts.reduce((sum, count) => sum + count), harts.instructions);
  assertEquals(harts.nowNs, harts.instructions);
});
