// Hot code in every mode: calls and returns, recursion, indirect jumps, loops within loops. One program,
// five modes, every engine, many cuts: one result.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  type Program,
  x,
} from "../../testing/bare_program.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";
import { enterTranslated, type Mode, MODE_VA, MODES } from "./modes_testing.ts";

const STACK_TOP = MODE_VA + 0x1000n;
const CUTS = [10_000_000, 1_000_000, 1000, 7, 1];

/** Runs `body` in a mode; ECALL from there ends it, back in M-mode. */
function inMode(jit: Jit, mode: Mode, body: (a: Program) => void): BareProgram {
  return bareProgram((a, harts) => {
    a.constant(reg.sp, mode.name === "M" ? 0x8001_d000n : STACK_TOP);
    enterTranslated(a, harts, mode);
    body(a);
    a.op("ecall").label("unreachable").jump("unreachable");
  }, {
    jit,
    ramSizeBytes: 0x20_0000,
    handler: (a) => a.getCsr(reg.s11, "mcause").end(),
  });
}

/** Cause of an ECALL from a mode (Privileged, table of mcause). */
const ECALL_CAUSE: Readonly<Record<Mode["name"], bigint>> = {
  M: 11n,
  S: 9n,
  U: 8n,
  VS: 10n,
  VU: 8n,
};

function testInEveryMode(
  name: string,
  body: (a: Program) => void,
  check: (program: BareProgram) => void,
): void {
  for (const mode of MODES) {
    Deno.test(`${name}, in ${mode.name}-mode`, () => {
      onEveryEngine((jit) => inMode(jit, mode, body), {
        pieces: CUTS,
        check: (program) => {
          assertEquals(x(program.harts, reg.s11), ECALL_CAUSE[mode.name]);
          check(program);
        },
      });
    });
  }
}

testInEveryMode("recursion: Fibonacci numbers", (a) => {
  a.constant(reg.a0, 11n).jump("fib", reg.ra).op("addi", reg.s1, reg.a0, 0).jump("done");
  a.label("fib").op("sltiu", reg.t0, reg.a0, 2).branch("bne", reg.t0, 0, "fib_leaf");
  a.op("addi", reg.sp, reg.sp, -24).op("sd", reg.ra, 0, reg.sp).op("sd", reg.a0, 8, reg.sp);
  a.op("addi", reg.a0, reg.a0, -1).jump("fib", reg.ra).op("sd", reg.a0, 16, reg.sp);
  a.op("ld", reg.a0, 8, reg.sp).op("addi", reg.a0, reg.a0, -2).jump("fib", reg.ra);
  a.op("ld", reg.t1, 16, reg.sp).op("add", reg.a0, reg.a0, reg.t1).op("ld", reg.ra, 0, reg.sp);
  a.op("addi", reg.sp, reg.sp, 24);
  a.label("fib_leaf").op("jalr", 0, 0, reg.ra);
  a.label("done");
}, ({ harts }) => assertEquals(x(harts, reg.s1), 89n));

testInEveryMode("indirect calls by a table that the program walks", (a) => {
  a.address(reg.s2, "functions").constant(reg.s1, 100n).jump("loop");
  a.label("functions");
  for (let n = 0; n < 8; n++) a.op("addi", reg.s3, reg.s3, 1 << n).op("jalr", 0, 0, reg.t1);
  a.label("loop").op("andi", reg.t0, reg.s1, 7).op("slli", reg.t0, reg.t0, 3)
    .op("add", reg.t0, reg.t0, reg.s2).op("jalr", reg.t1, 0, reg.t0);
  a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "loop");
}, ({ harts }) => {
  const sum = Array.from({ length: 100 }, (_, n) => 1 << ((n + 1) & 7)).reduce((a, b) => a + b);
  assertEquals(x(harts, reg.s3), BigInt(sum));
});

testInEveryMode("a jump that writes the register it jumps by", (a) => {
  a.constant(reg.s1, 50n).label("loop").address(reg.ra, "callee");
  a.op("jalr", reg.ra, 0, reg.ra).op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "loop");
  a.jump("done").label("callee").op("addi", reg.s3, reg.s3, 1).op("jalr", 0, 0, reg.ra).label(
    "done",
  );
}, ({ harts }) => assertEquals(x(harts, reg.s3), 50n));

testInEveryMode("returns that do not match calls", (a) => {
  // Three calls deep, then back in one step; and a return to where nobody called from.
  a.constant(reg.s1, 40n).label("loop").jump("one", reg.ra).op("addi", reg.s3, reg.s3, 100);
  a.label("landing").op("addi", reg.s3, reg.s3, 1).op("addi", reg.s1, reg.s1, -1)
    .branch("bne", reg.s1, 0, "loop").jump("done");
  a.label("one").op("addi", reg.s4, reg.ra, 0).jump("two", reg.ra).word(0);
  a.label("two").jump("three", reg.ra).word(0);
  a.label("three").op("andi", reg.t0, reg.s1, 1).branch("bne", reg.t0, 0, "elsewhere");
  a.op("addi", reg.ra, reg.s4, 0).op("jalr", 0, 0, reg.ra);
  a.label("elsewhere").address(reg.ra, "landing").op("jalr", 0, 0, reg.ra);
  a.label("done");
}, ({ harts }) => assertEquals(x(harts, reg.s3), 40n + 20n * 100n));

testInEveryMode("loops within loops, with an exit from the middle", (a) => {
  a.constant(reg.s1, 12n).label("outer").constant(reg.s2, 0n);
  a.label("middle").constant(reg.t0, 0n).label("inner").op("addi", reg.s3, reg.s3, 1)
    .op("addi", reg.t0, reg.t0, 1).branch("blt", reg.t0, reg.s2, "inner");
  a.branch("beq", reg.s2, reg.s1, "next"); // the exit
  a.op("addi", reg.s2, reg.s2, 1).jump("middle");
  a.label("next").op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "outer");
}, ({ harts }) => {
  let sum = 0;
  for (let outer = 12; outer > 0; outer--) {
    for (let middle = 0; middle <= outer; middle++) sum += Math.max(1, middle);
  }
  assertEquals(x(harts, reg.s3), BigInt(sum));
});

testInEveryMode("a loop with two entries (irreducible)", (a) => {
  a.constant(reg.s1, 60n).label("again").op("andi", reg.t0, reg.s1, 1)
    .branch("bne", reg.t0, 0, "second");
  a.label("first").op("addi", reg.s3, reg.s3, 1).op("addi", reg.s4, reg.s4, 1);
  a.label("second").op("addi", reg.s3, reg.s3, 10).op("slti", reg.t1, reg.s4, 3)
    .branch("bne", reg.t1, 0, "first");
  a.constant(reg.s4, 0n).op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "again");
}, ({ harts }) => {
  let sum = 0;
  for (let n = 60; n > 0; n--) {
    let passes = 0;
    if ((n & 1) === 0) sum += 1, passes++;
    sum += 10;
    while (passes < 3) sum += 11, passes++;
  }
  assertEquals(x(harts, reg.s3), BigInt(sum));
});

Deno.test("hot code goes through all five modes again and again", () => {
  // Each mode runs a little loop and traps; the handler sends the hart to the next mode.
  onEveryEngine((jit) => {
    const next = (a: Program, mode: Mode) => {
      a.clearBits("mstatus", MSTATUS.mpp(3) | MSTATUS.MPV)
        .setBits("mstatus", MSTATUS.mpp(mode.privilege) | (mode.virtual ? MSTATUS.MPV : 0n));
    };
    return bareProgram((a) => {
      a.constant(reg.s1, 60n);
      a.label("round").constant(reg.t0, 9n).label("inner").op("addi", reg.s3, reg.s3, 1)
        .op("addi", reg.t0, reg.t0, -1).branch("bne", reg.t0, 0, "inner").op("ecall")
        .op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
    }, {
      jit,
      handler: (a) => {
        a.op("addi", reg.s2, reg.s2, 1);
        MODES.forEach((mode, n) => {
          a.op("addi", reg.t6, reg.s2, 0).op("remu", reg.t6, reg.t6, reg.s4)
            .op("addi", reg.t5, 0, n).branch("bne", reg.t5, reg.t6, `not_${n}`);
          next(a, mode);
          a.label(`not_${n}`);
        });
        a.getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4).op("csrrw", 0, a.csr("mepc"), reg.t6)
          .op("mret");
      },
    });
  }, {
    pieces: [10_000_000, 101],
    drive: ({ harts }, piece) => {
      harts.set(0, "x20", BigInt(MODES.length)); // s4
      for (let done = 0; done < 6000; done += piece) harts.run(Math.min(piece, 6000 - done));
    },
    check: ({ harts, traps }) => {
      assertEquals(x(harts, reg.s3), 540n);
      assertEquals(
        new Set(traps.slice(0, 60).map(({ cause }) => cause)),
        new Set([8n, 9n, 10n, 11n]),
      );
    },
  });
});
