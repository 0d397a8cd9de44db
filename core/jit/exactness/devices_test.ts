// Devices, waits and pauses in hot code: every access reaches the device at its exact time and in its
// order, and what the device does in answer takes effect at the next instruction.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  RAM,
  STCE,
  x,
} from "../../testing/bare_program.ts";
import { ProbeDevice } from "../../testing/probe_device.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";
import { enterTranslated, MODES } from "./modes_testing.ts";

const DEVICE = 0x1000_0000;
const ROUNDS = 60;
const FAR = (1n << 64n) - 1n;

/** Maps a device whose reads answer the time, and which notes when it was written. */
function withClockDevice(
  program: BareProgram,
  log: [string, number, number, number][],
): BareProgram {
  const { harts } = program;
  log.length = 0;
  harts.bus.map(
    "clock",
    DEVICE,
    new ProbeDevice({
      onRead: (offset, width) => {
        log.push([`read ${width}`, offset, 0, harts.nowNs]);
        return harts.nowNs + offset;
      },
      onWrite: (offset, value, width) => {
        log.push([`write ${width}`, offset, value, harts.nowNs]);
      },
    }),
  );
  return program;
}

Deno.test("loads and stores of every width reach a device at their exact time", () => {
  let reference: unknown[] | undefined;
  const log: [string, number, number, number][] = [];
  onEveryEngine((jit) =>
    withClockDevice(
      bareProgram((a) => {
        a.constant(reg.s0, BigInt(DEVICE)).constant(reg.s1, BigInt(ROUNDS));
        a.label("round").op("addi", reg.s3, reg.s3, 7);
        ["lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"].forEach((name, n) =>
          a.op(name, reg.a0, 8 * n, reg.s0).op("add", reg.s4, reg.s4, reg.a0)
            .op("slli", reg.s5, reg.s4, 1)
        );
        ["sb", "sh", "sw", "sd"].forEach((name, n) => a.op(name, reg.s4, 64 + 8 * n, reg.s0));
        a.op("lw", 0, 96, reg.s0); // to x0: read all the same
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }, { jit }),
      log,
    ), {
    pieces: [10_000_000, 100, 1],
    check: () => {
      reference ??= log.slice();
      assertEquals(log, reference);
      // 7 loads, one of them by halves, 4 stores likewise, and the load to x0.
      assertEquals(log.length, ROUNDS * (8 + 5 + 1));
      // The first load of a round comes one instruction after its ADDI, the next 3 instructions later.
      for (let n = 0; n < log.length; n += 14) assertEquals(log[n + 1]![3] - log[n]![3], 3);
    },
  });
});

Deno.test("accesses that a device refuses trap; the others around them do not", () => {
  onEveryEngine((jit) =>
    withClockDevice(
      bareProgram((a) => {
        a.constant(reg.s0, BigInt(DEVICE)).constant(reg.s1, BigInt(ROUNDS));
        a.label("round").op("lw", reg.a0, 0, reg.s0).op("lw", reg.a1, 2, reg.s0) // misaligned
          .op("sw", reg.a0, 4, reg.s0).op("amoadd.w", reg.a2, reg.a0, reg.s0) // no atomics
          .op("addi", reg.s3, reg.s3, 1);
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }, { jit }),
      [],
    ), {
    check: ({ harts, traps }) => {
      assertEquals(x(harts, reg.s3), BigInt(ROUNDS));
      const causes = traps.map(({ cause, tval }) => [cause, Number(tval) - DEVICE]);
      assertEquals(causes, Array(ROUNDS).fill([[5n, 2], [7n, 0]]).flat());
    },
  });
});

Deno.test("an interrupt that a store causes is taken behind that store", () => {
  let at = 0;
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.constant(reg.s0, BigInt(DEVICE)).constant(reg.s1, BigInt(ROUNDS));
      a.setCsr("mie", 1n << 11n).setBits("mstatus", MSTATUS.MIE);
      a.label("round").op("addi", reg.s3, reg.s3, 1).op("sw", reg.s1, 0, reg.s0);
      at = a.here;
      a.op("addi", reg.s3, reg.s3, 1).op("xor", reg.s4, reg.s4, reg.s3);
      a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
    }, {
      jit,
      handler: (a) => a.op("sw", reg.s1, 4, reg.s0).op("addi", reg.s5, reg.s5, 1).op("mret"),
    });
    const line = program.harts.interrupt(0, "MEIP");
    program.harts.bus.map(
      "line",
      DEVICE,
      new ProbeDevice({ onWrite: (offset) => line.set(offset === 0) }),
    );
    return program;
  }, {
    pieces: [10_000_000, 50, 1],
    check: ({ harts, traps }) => {
      assertEquals(x(harts, reg.s5), BigInt(ROUNDS));
      assertEquals(traps.map(({ epc }) => Number(epc)), Array(ROUNDS).fill(at));
    },
  });
});

Deno.test("a device stops the run at its access", () => {
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.constant(reg.s0, BigInt(DEVICE)).constant(reg.s1, BigInt(ROUNDS));
      a.label("round").op("addi", reg.s3, reg.s3, 1).op("lw", reg.a0, 0, reg.s0)
        .op("addi", reg.s4, reg.s4, 1);
      a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
    }, { jit });
    const { harts } = program;
    harts.bus.map(
      "stop",
      DEVICE,
      new ProbeDevice({
        onRead: () => {
          harts.requestStop();
          return 1;
        },
      }),
    );
    return program;
  }, {
    drive: ({ harts }) => {
      for (let round = 1n; round <= BigInt(ROUNDS); round++) {
        assertEquals(harts.run(1000), "stopped");
        assertEquals([x(harts, reg.s3), x(harts, reg.s4), x(harts, reg.a0)], [
          round,
          round - 1n,
          1n,
        ]);
      }
      assertEquals(harts.run(1000), "idle");
    },
  });
});

for (const mode of MODES) {
  Deno.test(`a device is hot in ${mode.name}-mode`, () => {
    const log: [string, number, number, number][] = [];
    onEveryEngine((jit) => {
      const program = bareProgram((a, harts) => {
        a.constant(reg.s0, 0x6_0000_0000n).constant(reg.s1, BigInt(ROUNDS));
        if (mode.name === "M") a.constant(reg.s0, BigInt(DEVICE));
        enterTranslated(a, harts, mode, DEVICE);
        a.label("round").op("lw", reg.a0, 0, reg.s0).op("add", reg.s4, reg.s4, reg.a0)
          .op("sw", reg.s4, 4, reg.s0);
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round").op("ecall");
        a.label("stuck").jump("stuck");
      }, { jit, ramSizeBytes: 0x20_0000, handler: (a) => a.end() });
      return withClockDevice(program, log);
    }, {
      pieces: [10_000_000, 50],
      check: () => {
        assertEquals(log.length, 2 * ROUNDS);
        log.forEach(([, , , now], n) =>
          assertEquals(now - log[0]![3], Math.floor(n / 2) * 5 + (n % 2) * 2)
        );
      },
    });
  });
}

Deno.test("WFI in a hot loop wakes at the timer's exact time", () => {
  const wakes: number[] = [];
  onEveryEngine((jit) =>
    bareProgram((a) => {
      a.constant(reg.s1, BigInt(ROUNDS)).setCsr("menvcfg", STCE).setCsr("mie", 1n << 5n);
      a.label("round").op("addi", reg.s2, reg.s1, 90).op("csrrs", reg.t0, a.csr("time"), 0)
        .op("add", reg.t0, reg.t0, reg.s2).op("csrrw", 0, a.csr("stimecmp"), reg.t0).op("wfi")
        .op("csrrs", reg.t1, a.csr("time"), 0).op("sub", reg.t1, reg.t1, reg.t0)
        .op("add", reg.s3, reg.s3, reg.t1);
      a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      a.constant(reg.t0, FAR).op("csrrw", 0, a.csr("stimecmp"), reg.t0);
    }, { jit, timebaseHz: 1e9 }), {
    pieces: [10_000_000, 7, 1],
    check: ({ harts }) => {
      wakes.push(harts.nowNs);
      assertEquals(x(harts, reg.s3), 0n); // `time` at the wake is the deadline
      assertEquals(wakes.every((ns) => ns === wakes[0]), true);
    },
  });
});

/** Harts that hand a token round: each waits for its turn by `wait`. */
function tokenRing(jit: Jit, harts: number, wait: string): BareProgram {
  const TOKEN = RAM + 0x8000;
  return bareProgram((a) => {
    a.constant(reg.s0, BigInt(TOKEN)).constant(reg.s1, 30n).getCsr(reg.s2, "mhartid");
    a.constant(reg.s3, BigInt(harts));
    a.label("round").label("spin").op("lw", reg.t0, 0, reg.s0).branch(
      "beq",
      reg.t0,
      reg.s2,
      "mine",
    );
    if (wait !== "spin") a.op(wait);
    a.op("addi", reg.s4, reg.s4, 1).jump("spin");
    a.label("mine").op("addi", reg.t0, reg.t0, 1).branch("bne", reg.t0, reg.s3, "store")
      .constant(reg.t0, 0n).label("store").op("sw", reg.t0, 0, reg.s0);
    a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
  }, { jit, harts });
}

for (const wait of ["pause", "spin", "wrs.sto"]) {
  Deno.test(`harts hand a token round, waiting by ${wait}`, () => {
    for (const harts of [2, 3]) {
      onEveryEngine((jit) => tokenRing(jit, harts, wait), {
        pieces: [10_000_000, 1000, 77],
        check: ({ harts: array }) => {
          for (let id = 0; id < harts; id++) assertEquals(x(array, reg.s1, id), 0n);
        },
      });
    }
  });
}

Deno.test("PAUSE in the middle of a lone hart's hot loop", () => {
  onEveryEngine((jit) =>
    bareProgram((a) => {
      a.constant(reg.s1, 200n).label("round").op("addi", reg.s3, reg.s3, 1).op("pause")
        .op("addi", reg.s3, reg.s3, 2).op("addi", reg.s1, reg.s1, -1)
        .branch("bne", reg.s1, 0, "round");
    }, { jit }), {
    pieces: [10_000_000, 7],
    check: ({ harts }) => assertEquals(x(harts, reg.s3), 600n),
  });
});
