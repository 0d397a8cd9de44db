// onTrap: what it reports, and that a stop from it takes effect before the handler's first instruction.

import { assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import { bareProgram, MSTATUS, RAM, runToEnd, x } from "./testing/bare_program.ts";

const NOWHERE = 0x4000_0000n;

Deno.test("a trap record says where from, where to and why", () => {
  const program = bareProgram((a) => {
    a.setCsr("medeleg", 1n << 2n).address(reg.t5, "s_trap").op("csrrw", 0, a.csr("stvec"), reg.t5);
    a.op("ecall").enter(1).word(0xffff_ffff).label("s_trap").op("addi", reg.a0, 0, 1);
  });
  program.recordTraps();
  runToEnd(program);
  assertEquals(
    program.traps.map(({ cause, tval, toPrivilege, toVirtual, hartId }) => ({
      cause,
      tval,
      toPrivilege,
      toVirtual,
      hartId,
    })),
    [
      { cause: 11n, tval: 0n, toPrivilege: 3, toVirtual: false, hartId: 0 },
      { cause: 2n, tval: 0xffff_ffffn, toPrivilege: 1, toVirtual: false, hartId: 0 },
    ],
  );
});

Deno.test("a stop from onTrap comes before the handler, for exceptions", () => {
  const program = bareProgram((a) => a.op("ecall").op("addi", reg.a0, 0, 1));
  const { harts } = program;
  harts.onTrap = () => harts.requestStop();
  assertEquals(harts.run(1000), "stopped");
  assertEquals(harts.get(0, "pc"), BigInt(RAM + 4));
});

Deno.test("a stop from onTrap comes before the handler, for fetch faults", () => {
  const program = bareProgram((a) => a.constant(reg.a1, NOWHERE).op("jalr", 0, 0, reg.a1), {
    handler: (a) => a.label("spin").op("addi", reg.a0, reg.a0, 1).jump("spin"),
  });
  const { harts } = program;
  harts.onTrap = () => harts.requestStop();
  assertEquals(harts.run(1000), "stopped");
  assertEquals(harts.get(0, "mcause"), 1n);
  assertEquals([harts.get(0, "pc"), x(harts, reg.a0)], [BigInt(RAM + 4), 0n]);
});

Deno.test("a stop from onTrap comes before the handler, for interrupts", () => {
  for (const how of ["deadline", "enable"]) {
    const program = bareProgram((a) => {
      a.setCsr("mie", 1n << 7n);
      if (how === "deadline") a.setBits("mstatus", MSTATUS.MIE).label("loop").jump("loop");
      else a.op("addi", 0, 0, 0).setBits("mstatus", MSTATUS.MIE);
    }, { handler: (a) => a.label("spin").op("addi", reg.a0, reg.a0, 1).jump("spin") });
    const { harts } = program;
    harts.writeMtimecmp(0, how === "deadline" ? 5n : 0n);
    harts.onTrap = () => harts.requestStop();
    assertEquals(harts.run(10_000), "stopped");
    assertEquals(harts.get(0, "mcause"), (1n << 63n) | 7n);
    assertEquals([harts.get(0, "pc"), x(harts, reg.a0)], [BigInt(RAM + 4), 0n]);
    if (how === "deadline") assertEquals(harts.nowNs, 500);
  }
});

Deno.test("recording traps does not change the run", () => {
  const run = (record: boolean) => {
    const program = bareProgram((a) => {
      for (let i = 0; i < 20; i++) a.op("ecall").op("ebreak");
    });
    if (record) program.recordTraps();
    runToEnd(program);
    return [program.harts.instructions, program.harts.instret(0), program.harts.nowNs];
  };
  assertEquals(run(true), run(false));
});
