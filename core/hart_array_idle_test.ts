// Waiting: WFI, the jump of the clock to the next event, device events, and stopping.

import { assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import { bareProgram, MSTATUS, type Program, RAM, runToEnd, x } from "./testing/bare_program.ts";
import { ProbeDevice } from "./testing/probe_device.ts";

const DEVICE = 0x1000_0000;
const MTIE = 1n << 7n;

/** Reads the clock right behind a WFI that only the timer ends. */
function waitForTimer(a: Program): void {
  a.setCsr("mie", MTIE).op("wfi").getCsr(reg.a0, "cycle").clearBits("mie", MTIE);
}

Deno.test("WFI takes one instruction; time goes on at the deadline, exactly", () => {
  for (const ticks of [1n, 2n, 10n, 12_345n, 10_000_000n, 36_000_000_000n]) {
    const program = bareProgram(waitForTimer);
    program.harts.writeMtimecmp(0, ticks);
    runToEnd(program);
    assertEquals(x(program.harts, reg.a0), ticks * 100n, `${ticks} ticks`);
  }
});

Deno.test("a guest that sleeps to the end of the clock, in any steps, does not stop the process", () => {
  for (const step of [1n << 46n, 90_000_000_000_003n, (1n << 62n) + 1n]) {
    const program = bareProgram((a) => {
      a.setCsr("mie", MTIE).setCsr("menvcfg", 1n << 63n).setBits("mie", 1n << 5n);
      a.constant(reg.a1, step).label("again").getCsr(reg.a0, "time").op(
        "add",
        reg.a0,
        reg.a0,
        reg.a1,
      )
        .op("csrrw", 0, a.csr("stimecmp"), reg.a0).op("wfi").op("addi", reg.a2, reg.a2, 1)
        .jump("again");
    });
    assertEquals(program.harts.run(1_000), "idle");
    assertEquals(program.harts.nowNs < 2 ** 53, true);
  }
});

Deno.test("a sleep of an hour costs no instructions", () => {
  const program = bareProgram(waitForTimer);
  program.harts.writeMtimecmp(0, 36_000_000_000n);
  runToEnd(program, 100);
  assertEquals(program.harts.nowNs > 3600e9, true);
});

Deno.test("WFI goes on at once if an enabled interrupt is pending, whatever MIE says", () => {
  const program = bareProgram((a) => {
    a.setCsr("mie", 1n << 3n).getCsr(reg.a0, "cycle").op("wfi").getCsr(reg.a1, "cycle");
    a.setCsr("mie", 0n);
  });
  program.harts.interrupt(0, "MSIP").set(true);
  runToEnd(program);
  assertEquals(x(program.harts, reg.a1) - x(program.harts, reg.a0), 2n);
  assertEquals(program.harts.get(0, "trapsTaken"), 0n);
});

Deno.test("an interrupt that is pending but not enabled does not end WFI", () => {
  const program = bareProgram((a) => a.setCsr("mie", 0n).op("wfi").op("addi", reg.a0, 0, 1));
  program.harts.interrupt(0, "MEIP").set(true);
  assertEquals(program.harts.run(1000), "idle");
  assertEquals(program.harts.isWaiting(0), true);
  assertEquals(x(program.harts, reg.a0), 0n);
});

Deno.test("an interrupt from outside ends an idle run's wait", () => {
  const program = bareProgram((a) => {
    a.setCsr("mie", 1n << 11n).setBits("mstatus", MSTATUS.MIE).op("wfi").op("addi", reg.a0, 0, 1);
  }, { handler: (a) => a.op("csrrwi", 0, a.csr("mie"), 0).op("addi", reg.a1, 0, 7).op("mret") });
  const { harts } = program;
  program.recordTraps();
  assertEquals(harts.run(1000), "idle");
  const before = harts.instructions;
  assertEquals(harts.run(1000), "idle");
  assertEquals(harts.instructions, before);
  const pcBehindWfi = harts.get(0, "pc");
  harts.interrupt(0, "MEIP").set(true);
  assertEquals(harts.run(1000), "idle");
  assertEquals([x(harts, reg.a0), x(harts, reg.a1)], [1n, 7n]);
  assertEquals(program.traps.length, 1);
  assertEquals(program.traps[0]!.epc, pcBehindWfi);
  assertEquals(program.traps[0]!.cause, (1n << 63n) | 11n);
});

Deno.test("the earlier of timer and device event is next", () => {
  const program = bareProgram((a) => {
    a.setCsr("mie", MTIE | 1n << 11n).op("wfi").getCsr(reg.a0, "cycle");
    a.clearBits("mie", 1n << 11n).op("wfi").getCsr(reg.a1, "cycle").setCsr("mie", 0n);
  });
  const { harts } = program;
  harts.writeMtimecmp(0, 90n);
  harts.clock.schedule(4_321n, () => harts.interrupt(0, "MEIP").set(true));
  runToEnd(program);
  assertEquals([x(harts, reg.a0), x(harts, reg.a1)], [4_321n, 9_000n]);
});

Deno.test("an event that wakes nobody does not end the wait", () => {
  const program = bareProgram(waitForTimer);
  const { harts } = program;
  const fired: bigint[] = [];
  for (const dueNs of [500n, 501n, 700n]) {
    harts.clock.schedule(dueNs, () => fired.push(harts.clock.nowNs));
  }
  harts.writeMtimecmp(0, 50n);
  runToEnd(program);
  assertEquals(fired, [500n, 501n, 700n]);
  assertEquals(x(harts, reg.a0), 5_000n);
});

Deno.test("device events fire at their very nanosecond, while a hart runs", () => {
  const program = bareProgram((a) => a.label("loop").op("addi", reg.a0, reg.a0, 1).jump("loop"));
  const { harts } = program;
  harts.run(50);
  const fired: (readonly [bigint, bigint, number])[] = [];
  for (let dueNs = 51n; dueNs <= 250n; dueNs++) {
    harts.clock.schedule(dueNs, () => fired.push([dueNs, harts.clock.nowNs, harts.instructions]));
  }
  harts.run(1000);
  assertEquals(fired.length, 200);
  for (const [dueNs, nowNs, instructions] of fired) {
    assertEquals(nowNs, dueNs);
    assertEquals(instructions, Number(dueNs));
  }
});

Deno.test("a device that schedules from a register write is called at its time", () => {
  const fired: bigint[] = [];
  const program = bareProgram((a) => {
    a.constant(reg.a1, BigInt(DEVICE)).getCsr(reg.s0, "cycle").op("sw", reg.a0, 0, reg.a1);
    a.constant(reg.a2, 500n).label("loop").op("addi", reg.a2, reg.a2, -1)
      .branch("bne", reg.a2, 0, "loop");
  });
  const { harts } = program;
  const device = new ProbeDevice({
    onWrite: () => {
      for (const delay of [7n, 1n, 100n]) {
        harts.clock.schedule(harts.clock.nowNs + delay, () => fired.push(harts.clock.nowNs));
      }
    },
  });
  harts.bus.map("probe", DEVICE, device);
  runToEnd(program);
  const storeNs = x(harts, reg.s0) + 1n; // the clock while the store executes
  assertEquals(fired, [1n, 7n, 100n].map((delay) => storeNs + delay));
});

Deno.test("a cancelled event does not keep the machine from being idle", () => {
  const program = bareProgram(() => {});
  const event = program.harts.clock.schedule(1_000_000n, () => {});
  event.cancel();
  assertEquals(program.harts.run(1000), "idle");
  assertEquals(program.harts.nowNs < 1_000_000, true);
});

Deno.test("requestStop from a device ends the run behind the store, and only that run", () => {
  const program = bareProgram((a) => {
    a.constant(reg.a1, BigInt(DEVICE)).constant(reg.a2, 0x77n);
    for (let i = 0; i < 10; i++) a.op("addi", reg.a0, reg.a0, 1).op("sw", reg.a2, 0, reg.a1);
  });
  const { harts } = program;
  harts.bus.map("probe", DEVICE, new ProbeDevice({ onWrite: () => harts.requestStop() }));
  for (let i = 1n; i <= 10n; i++) {
    assertEquals(harts.run(1000), "stopped");
    assertEquals(x(harts, reg.a0), i);
    const pc = Number(harts.get(0, "pc")) - RAM;
    const code = harts.ramAt(RAM, 0x1000)!;
    assertEquals(new DataView(code.buffer, code.byteOffset).getUint32(pc - 4, true), 0x00c5_a023);
  }
  assertEquals(harts.run(1000), "idle");
});

Deno.test("requestStop from an event, and before the run", () => {
  const program = bareProgram((a) => a.label("loop").jump("loop"));
  const { harts } = program;
  harts.clock.schedule(123n, () => harts.requestStop());
  assertEquals(harts.run(1000), "stopped");
  assertEquals(harts.instructions, 123);
  harts.requestStop();
  assertEquals(harts.run(1000), "stopped");
  assertEquals(harts.instructions, 123);
  assertEquals(harts.run(10), "budget");
});

Deno.test("reset puts every hart back to its first instruction", () => {
  const program = bareProgram((a) => {
    a.setCsr("mscratch", 5n).setCsr("mie", MTIE).enter(1).op("addi", reg.a0, 0, 1);
  }, { harts: 2 });
  const { harts } = program;
  // In S-mode the final WFI waits, too; mie stays.
  harts.run(10_000);
  assertEquals(harts.mode(1), { privilege: 1, virtual: false });
  harts.resetHarts();
  for (const id of [0, 1]) {
    assertEquals(harts.mode(id), { privilege: 3, virtual: false });
    assertEquals(harts.get(id, "pc"), BigInt(RAM));
    assertEquals(harts.readCsr(id, 0xf14), BigInt(id));
    for (const field of ["x10", "mscratch", "mie", "instret", "satp", "mtvec", "pmpcfg2"]) {
      assertEquals(harts.get(id, field), 0n, field);
    }
    assertEquals(harts.readMtimecmp(id), (1n << 64n) - 1n);
    assertEquals(harts.isWaiting(id), false);
  }
  assertEquals(harts.run(10_000), "idle");
  assertEquals(harts.mode(1), { privilege: 1, virtual: false });
});

const VSSIP = 1n << 2n;

/** Waits with VSSIP pending, enabled and delegated to the guest: nobody can take it while V is 0. */
function waitStalled(a: Program): void {
  a.setCsr("hideleg", VSSIP).setCsr("hvip", VSSIP).setCsr("mie", MTIE | VSSIP)
    .op("wfi").getCsr(reg.a0, "cycle").op("wfi").getCsr(reg.a1, "cycle").setCsr("mie", 0n);
}

Deno.test("WFI sleeps to the next timer though an interrupt pends that only a guest can take", () => {
  const program = bareProgram((a) => {
    a.setCsr("hideleg", VSSIP).setCsr("hvip", VSSIP).setCsr("mie", MTIE | VSSIP)
      .op("wfi").getCsr(reg.a0, "cycle").setCsr("mie", 0n);
  });
  program.harts.writeMtimecmp(0, 50_000n);
  runToEnd(program);
  assertEquals(x(program.harts, reg.a0), 5_000_000n);
});

Deno.test("without another event such a wait ends in bounded time, wherever the run is cut", () => {
  const whole = bareProgram(waitStalled);
  runToEnd(whole);
  assertEquals(x(whole.harts, reg.a0), 10_000_000n);
  assertEquals(x(whole.harts, reg.a1), 20_000_000n);

  const cut = bareProgram(waitStalled);
  for (const untilNs of [3, 50, 1_000, 9_999_999, 10_000_000, 10_000_001, 15_000_000]) {
    cut.harts.run(1_000, untilNs);
  }
  runToEnd(cut);
  assertEquals(x(cut.harts, reg.a0), 10_000_000n);
  assertEquals(x(cut.harts, reg.a1), 20_000_000n);
});
