// Several harts: turns, atomics, reservations and inter-processor interrupts.

import { assert, assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import { QUANTUM_INSTRUCTIONS } from "./hart_array.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  type Program,
  RAM,
  ramView,
  runToEnd,
  x,
} from "./testing/bare_program.ts";
import { ProbeDevice } from "./testing/probe_device.ts";
import { stateDigest } from "./testing/state_digest.ts";

const COUNTER = RAM + 0x8000;
const FLAG = RAM + 0x8040;
const DEVICE = 0x1000_0000;

/** `name` goes on at label `hart<id>` on each hart. */
function branchOnHart(a: Program, harts: number): void {
  a.getCsr(reg.a0, "mhartid").constant(reg.s0, BigInt(COUNTER)).constant(reg.s1, BigInt(FLAG));
  for (let id = 1; id < harts; id++) {
    a.op("addi", reg.t0, 0, id).branch("beq", reg.a0, reg.t0, `hart${id}`);
  }
  a.label("hart0");
}

Deno.test("harts take turns of a quantum, in order", () => {
  const { harts } = bareProgram((a) => a.label("loop").jump("loop"), { harts: 3 });
  const counts = () => [0, 1, 2].map((id) => Number(harts.instret(id)));
  harts.run(QUANTUM_INSTRUCTIONS);
  assertEquals(counts(), [QUANTUM_INSTRUCTIONS, 0, 0]);
  harts.run(QUANTUM_INSTRUCTIONS + 5);
  assertEquals(counts(), [QUANTUM_INSTRUCTIONS, QUANTUM_INSTRUCTIONS, 5]);
  harts.run(2 * QUANTUM_INSTRUCTIONS);
  assertEquals(counts(), [
    2 * QUANTUM_INSTRUCTIONS,
    QUANTUM_INSTRUCTIONS + 5,
    QUANTUM_INSTRUCTIONS,
  ]);
});

for (const hint of ["pause", "wrs.nto", "wrs.sto"]) {
  Deno.test(`${hint} lets the other harts run first`, () => {
    const program = bareProgram((a) => {
      branchOnHart(a, 2);
      a.op(hint).op("ld", reg.a1, 0, reg.s0).jump("done");
      a.label("hart1").op("addi", reg.a2, 0, 77).op("sd", reg.a2, 0, reg.s0);
      a.label("done");
    }, { harts: 2 });
    runToEnd(program);
    assertEquals(x(program.harts, reg.a1), 77n);
  });
}

Deno.test("a spinning hart without pause uses its whole quantum", () => {
  const program = bareProgram((a) => {
    branchOnHart(a, 2);
    a.label("spin").op("addi", reg.a1, reg.a1, 1).op("ld", reg.a2, 0, reg.s1)
      .branch("beq", reg.a2, 0, "spin").jump("done");
    a.label("hart1").op("addi", reg.a2, 0, 1).op("sd", reg.a2, 0, reg.s1);
    a.label("done");
  }, { harts: 2 });
  runToEnd(program);
  const spins = Number(x(program.harts, reg.a1));
  assert(Math.abs(3 * spins - QUANTUM_INSTRUCTIONS) < 100, `${spins} spins`);
});

Deno.test("AMOs of many harts lose nothing, wherever a quantum ends", () => {
  const each = 10_000;
  for (const name of ["amoadd.w", "amoadd.d"]) {
    const program = bareProgram((a) => {
      a.constant(reg.s0, BigInt(COUNTER)).constant(reg.a1, BigInt(each)).op("addi", reg.a2, 0, 1);
      a.label("loop").op(name, 0, reg.a2, reg.s0).op("addi", reg.a1, reg.a1, -1)
        .branch("bne", reg.a1, 0, "loop");
    }, { harts: 4 });
    runToEnd(program);
    assertEquals(ramView(program.harts).get(COUNTER), BigInt(4 * each));
  }
});

Deno.test("amoswap is a lock", () => {
  const each = 2_000;
  const program = bareProgram((a) => {
    a.constant(reg.s0, BigInt(COUNTER)).constant(reg.s1, BigInt(FLAG)).constant(
      reg.a1,
      BigInt(each),
    );
    a.op("addi", reg.a2, 0, 1);
    a.label("loop");
    a.label("lock").op("amoswap.w", reg.t0, reg.a2, reg.s1).branch("beq", reg.t0, 0, "locked")
      .op("pause").jump("lock").label("locked");
    a.op("ld", reg.t1, 0, reg.s0).op("addi", reg.t1, reg.t1, 1);
    // Now and then another hart runs while this one holds the lock.
    a.op("andi", reg.t2, reg.a1, 7).branch("bne", reg.t2, 0, "store").op("pause");
    a.label("store").op("sd", reg.t1, 0, reg.s0).op("sw", 0, 0, reg.s1);
    a.op("addi", reg.a1, reg.a1, -1).branch("bne", reg.a1, 0, "loop");
  }, { harts: 4 });
  runToEnd(program, 10_000_000);
  assertEquals(ramView(program.harts).get(COUNTER), BigInt(4 * each));
});

/** Each hart counts up by LR/SC; on every first try of a count the other harts run in between. */
function contendedCounter(harts: number, each: number): BareProgram {
  return bareProgram((a) => {
    a.constant(reg.s0, BigInt(COUNTER)).constant(reg.a1, BigInt(each));
    a.label("count").op("addi", reg.a3, 0, 1);
    a.label("retry").op("lr.d", reg.t0, 0, reg.s0).op("addi", reg.t0, reg.t0, 1);
    a.branch("beq", reg.a3, 0, "store").op("pause").op("addi", reg.a3, 0, 0);
    a.label("store").op("sc.d", reg.t1, reg.t0, reg.s0);
    a.op("add", reg.s2, reg.s2, reg.t1); // failures
    a.branch("bne", reg.t1, 0, "retry");
    a.op("addi", reg.a1, reg.a1, -1).branch("bne", reg.a1, 0, "count");
  }, { harts });
}

Deno.test("a counter contended by LR/SC gives the exact sum", () => {
  for (const harts of [2, 4, 8]) {
    const program = contendedCounter(harts, 500);
    runToEnd(program, 10_000_000);
    assertEquals(ramView(program.harts).get(COUNTER), BigInt(500 * harts));
    const failures = Array.from({ length: harts }, (_, id) => x(program.harts, reg.s2, id));
    assert(failures.every((count) => count > 400n), `failures: ${failures}`);
  }
});

Deno.test("SC fails when another hart had the turn, even if it stored elsewhere", () => {
  const program = bareProgram((a) => {
    branchOnHart(a, 2);
    a.op("lr.w", reg.t0, 0, reg.s0).op("pause").op("sc.w", reg.a1, reg.s0, reg.s0).jump("done");
    a.label("hart1").op("sd", reg.s0, 0, reg.s1).label("done");
  }, { harts: 2 });
  runToEnd(program);
  assertEquals(x(program.harts, reg.a1), 1n);
  assertEquals(ramView(program.harts).get(COUNTER), 0n);
});

Deno.test("a lone hart keeps its reservation over pause, traps and the ends of runs", () => {
  for (const budget of [1, 2, 1_000]) {
    const program = bareProgram((a) => {
      a.constant(reg.s0, BigInt(COUNTER)).op("addi", reg.a2, 0, 5);
      a.op("lr.w", reg.t0, 0, reg.s0).op("pause").op("sc.w", reg.a1, reg.a2, reg.s0);
      a.op("sc.w", reg.a3, reg.a2, reg.s0); // the reservation is used up
      a.op("lr.w", reg.t0, 0, reg.s0).op("addi", reg.t1, reg.s0, 8);
      a.op("sc.w", reg.a4, reg.a2, reg.t1); // another address
      a.op("sc.w", reg.a5, reg.a2, reg.s0);
    });
    while (program.harts.run(budget) !== "idle");
    const results = [reg.a1, reg.a3, reg.a4, reg.a5].map((r) => x(program.harts, r));
    assertEquals(results, [0n, 1n, 1n, 1n]);
    assertEquals(ramView(program.harts).get(COUNTER), 5n);
  }
});

/** Hart 0 stores to the device; its port raises MSIP of the target, which waits in WFI. */
function ipiProgram(harts: number, target: number, others: "wait" | "spin"): BareProgram {
  const program = bareProgram((a) => {
    branchOnHart(a, harts);
    a.constant(reg.a1, BigInt(DEVICE)).constant(reg.a2, 1000n);
    a.label("delay").op("addi", reg.a2, reg.a2, -1).branch("bne", reg.a2, 0, "delay").op("pause");
    a.getCsr(reg.s2, "cycle").op("sw", reg.a0, 0, reg.a1);
    a.label("wait").op("ld", reg.t0, 0, reg.s1).branch("beq", reg.t0, 0, "wait").jump("done");
    for (let id = 1; id < harts; id++) {
      a.label(`hart${id}`);
      if (id === target) {
        a.setCsr("mie", 8n).setBits("mstatus", MSTATUS.MIE).label("sleep").op("wfi").jump("sleep");
      } else if (others === "spin") a.jump("wait");
      else a.jump("done");
    }
    a.label("done");
  }, {
    harts,
    handler: (a) => {
      a.op("addi", reg.t6, 0, 1).op("sd", reg.t6, 0, reg.s1);
      a.op("csrrwi", 0, a.csr("mie"), 0).address(reg.t6, "done")
        .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret");
    },
  });
  const line = program.harts.interrupt(target, "MSIP");
  program.harts.bus.map("mswi", DEVICE, new ProbeDevice({ onWrite: () => line.set(true) }));
  program.recordTraps();
  return program;
}

Deno.test("an IPI reaches a waiting hart on the instruction behind the store", () => {
  for (const [harts, target] of [[2, 1], [4, 1], [4, 3], [8, 5]] as const) {
    const program = ipiProgram(harts, target, "wait");
    runToEnd(program);
    assertEquals(program.traps.length, 1);
    const [trap] = program.traps;
    assertEquals([trap!.hartId, trap!.cause], [target, (1n << 63n) | 3n]);
    const storeNs = Number(x(program.harts, reg.s2)) + 1;
    assertEquals(trap!.nowNs, storeNs + 1, `${harts} harts, to hart ${target}`);
  }
});

Deno.test("busy harts delay an IPI by at most their quanta", () => {
  const program = ipiProgram(4, 3, "spin");
  runToEnd(program, 10_000_000);
  const delay = program.traps[0]!.nowNs - Number(x(program.harts, reg.s2)) - 2;
  assert(delay <= 2 * QUANTUM_INSTRUCTIONS, `${delay} ns`);
});

Deno.test("an interrupt that a hart raises for itself comes on the next instruction", () => {
  const program = bareProgram((a) => {
    a.constant(reg.a1, BigInt(DEVICE)).setCsr("mie", 8n).setBits("mstatus", MSTATUS.MIE);
    a.getCsr(reg.s2, "cycle").op("sw", 0, 0, reg.a1).op("addi", reg.a0, reg.a0, 1).label("done");
  }, { handler: (a) => a.op("csrrwi", 0, a.csr("mie"), 0).end() });
  const line = program.harts.interrupt(0, "MSIP");
  program.harts.bus.map("mswi", DEVICE, new ProbeDevice({ onWrite: () => line.set(true) }));
  program.recordTraps();
  runToEnd(program);
  assertEquals(program.traps.map(({ nowNs }) => nowNs), [Number(x(program.harts, reg.s2)) + 2]);
  assertEquals(x(program.harts, reg.a0), 0n);
});

Deno.test("setSsip sets mip.SSIP of one hart; software clears it", () => {
  const program = bareProgram((a) => {
    a.getCsr(reg.a0, "mip").clearBits("mip", 2n).getCsr(reg.a1, "mip");
  }, { harts: 2 });
  program.harts.setSsip(1);
  runToEnd(program);
  assertEquals([x(program.harts, reg.a0, 0), x(program.harts, reg.a0, 1)], [0n, 2n]);
  assertEquals(x(program.harts, reg.a1, 1), 0n);
});

Deno.test("two runs of a contended program are the same to the instruction", () => {
  const digests = [0, 1].map(() => {
    const program = contendedCounter(4, 300);
    runToEnd(program, 10_000_000);
    return stateDigest(program.harts);
  });
  assertEquals(digests[0], digests[1]);
});
