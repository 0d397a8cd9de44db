// Atomics in hot code: every AMO against its definition, LR/SC pairs that succeed and fail, and several
// harts that count together.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import { bareProgram, RAM, ramView, x } from "../../testing/bare_program.ts";
import { onEveryEngine } from "./engines_testing.ts";

const CELL = RAM + 0x8000;
const VALUES = RAM + 0x9000;
const RESULTS = RAM + 0xa000;

const OPERATIONS: Readonly<Record<string, (old: bigint, value: bigint) => bigint>> = {
  amoswap: (_old, value) => value,
  amoadd: (old, value) => old + value,
  amoxor: (old, value) => old ^ value,
  amoand: (old, value) => old & value,
  amoor: (old, value) => old | value,
  amomin: (old, value) => old < value ? old : value,
  amomax: (old, value) => old > value ? old : value,
  amominu: (old, value) => BigInt.asUintN(64, old) < BigInt.asUintN(64, value) ? old : value,
  amomaxu: (old, value) => BigInt.asUintN(64, old) > BigInt.asUintN(64, value) ? old : value,
};
const OPERANDS = [
  0n,
  1n,
  -1n,
  5n,
  -7n,
  0x7fff_ffffn,
  -0x8000_0000n,
  0x1234_5678_9abc_def0n,
  (1n << 63n) - 1n,
  -(1n << 63n),
  0xffff_ffffn,
  0x8000_0000n,
];
const ROUNDS = 5;

for (const [width, bits] of [["w", 32], ["d", 64]] as const) {
  Deno.test(`every AMO of ${bits} bits, with the same and with other registers`, () => {
    onEveryEngine((jit) => {
      const program = bareProgram((a) => {
        a.constant(reg.s0, BigInt(CELL)).constant(reg.s1, BigInt(ROUNDS)).constant(
          reg.s2,
          BigInt(RESULTS),
        );
        a.label("round").constant(reg.s3, BigInt(VALUES)).constant(reg.s4, BigInt(OPERANDS.length));
        a.label("value").op("ld", reg.a1, 0, reg.s3).op("addi", reg.s3, reg.s3, 8);
        Object.keys(OPERATIONS).forEach((name, n) => {
          // The destination is the operand's register every other time, and x0 once.
          const rd = n === 3 ? 0 : n % 2 === 0 ? reg.a0 : reg.a2;
          const rs2 = n % 2 === 0 ? reg.a1 : reg.a2;
          if (rs2 === reg.a2) a.op("addi", reg.a2, reg.a1, 0);
          a.op(`${name}.${width}`, rd, rs2, reg.s0).op("sd", rd, 0, reg.s2)
            .op("addi", reg.s2, reg.s2, 8);
        });
        a.op("addi", reg.s4, reg.s4, -1).branch("bne", reg.s4, 0, "value");
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }, { jit });
      const ram = ramView(program.harts);
      OPERANDS.forEach((value, n) => ram.set(VALUES + 8 * n, value));
      ram.set(CELL, 0x55aa_55aa_7fff_fffen);
      return program;
    }, {
      pieces: [10_000_000, 100],
      check: ({ harts }) => {
        const ram = ramView(harts);
        let cell = BigInt.asIntN(bits, 0x55aa_55aa_7fff_fffen);
        let at = RESULTS;
        for (let round = 0; round < ROUNDS; round++) {
          for (const operand of OPERANDS) {
            Object.entries(OPERATIONS).forEach(([name, compute], n) => {
              const seen = BigInt.asIntN(64, ram.get(at));
              assertEquals(seen, n === 3 ? 0n : cell, `${name} ${operand}`);
              cell = BigInt.asIntN(bits, compute(cell, BigInt.asIntN(bits, operand)));
              at += 8;
            });
          }
        }
        assertEquals(BigInt.asIntN(bits, ram.get(CELL)), cell);
      },
    });
  });
}

Deno.test("SC succeeds behind its LR, and fails behind another SC, elsewhere, or a trap", () => {
  onEveryEngine((jit) =>
    bareProgram((a) => {
      a.constant(reg.s0, BigInt(CELL)).constant(reg.s1, 50n);
      a.label("round");
      for (const width of ["w", "d"]) {
        const sc = (offset: number) => {
          a.op("addi", reg.a1, reg.s0, offset).op(`sc.${width}`, reg.a0, reg.s1, reg.a1);
        };
        const lr = () => a.op(`lr.${width}`, reg.t0, 0, reg.s0);
        lr();
        sc(0);
        a.op("add", reg.s2, reg.s2, reg.a0); // 0
        sc(0);
        a.op("add", reg.s3, reg.s3, reg.a0); // 1: the reservation is used up
        lr();
        sc(64);
        a.op("add", reg.s4, reg.s4, reg.a0); // 1: another address
        lr();
        a.op("ecall");
        sc(0);
        a.op("add", reg.s5, reg.s5, reg.a0); // what xRET leaves is for the interpreter to say
        lr();
        a.op("sd", reg.s1, 0, reg.s0);
        sc(0);
        a.op("add", reg.s6, reg.s6, reg.a0);
      }
      a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
    }, { jit }), {
    pieces: [10_000_000, 100, 1],
    check: ({ harts }) =>
      assertEquals([reg.s2, reg.s3, reg.s4].map((r) => x(harts, r)), [0n, 100n, 100n]),
  });
});

for (const how of ["AMO", "LR/SC", "a lock by AMOSWAP"]) {
  Deno.test(`four harts count together by ${how}`, () => {
    const EACH = 3000n;
    onEveryEngine((jit) =>
      bareProgram((a) => {
        a.constant(reg.s0, BigInt(CELL)).constant(reg.s1, EACH).constant(reg.s2, 1n);
        a.label("round");
        if (how === "AMO") a.op("amoadd.w", 0, reg.s2, reg.s0);
        else if (how === "LR/SC") {
          a.label("retry").op("lr.d", reg.t0, 0, reg.s0).op("add", reg.t0, reg.t0, reg.s2)
            .op("sc.d", reg.t1, reg.t0, reg.s0).branch("bne", reg.t1, 0, "retry");
        } else {
          a.label("spin").op("amoswap.w", reg.t0, reg.s2, reg.s0, 2).branch("beq", reg.t0, 0, "got")
            .op("pause").jump("spin").label("got");
          a.op("ld", reg.t1, 8, reg.s0).op("addi", reg.t1, reg.t1, 1).op("sd", reg.t1, 8, reg.s0)
            .op("amoswap.w", 0, 0, reg.s0, 1);
        }
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }, { jit, harts: 4 }), {
      pieces: [10_000_000, 777],
      check: ({ harts }) => {
        const at = how.startsWith("a lock") ? CELL + 8 : CELL;
        assertEquals(ramView(harts).get(at), 4n * EACH);
      },
    });
  });
}
