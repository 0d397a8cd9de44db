// Floating point in hot code: values against the host's arithmetic, exception flags as they accrue, the
// rounding mode as it changes, and mstatus.FS going off, and from clean to dirty, in the middle.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import { bareProgram, type Program, RAM, ramView, x } from "../../testing/bare_program.ts";
import { onEveryEngine } from "./engines_testing.ts";
import { enterTranslated, MODES } from "./modes_testing.ts";

const INPUTS = RAM + 0x8000;
const RESULTS = RAM + 0xa000;
const FS_OFF = 0n, FS_CLEAN = 2n << 13n, FS_DIRTY = 3n << 13n;
const NX = 1n, OF = 4n, DZ = 8n, NV = 16n;
const RNE = 0, RTZ = 1, RDN = 2, RUP = 3;

const float64 = new DataView(new ArrayBuffer(8));

function bits64(value: number): bigint {
  float64.setFloat64(0, value);
  return float64.getBigUint64(0);
}

/** A single, NaN-boxed. */
function bits32(value: number): bigint {
  float64.setFloat32(0, value);
  return 0xffff_ffff_0000_0000n | BigInt(float64.getUint32(0));
}

/** The NaN that arithmetic answers (Unprivileged, F, "NaN Generation and Propagation"). */
const CANONICAL_NAN = 0x7ff8_0000_0000_0000n;

const OPERANDS = [
  0,
  -0,
  1,
  -1,
  1.5,
  0.1,
  -0.1,
  3,
  1 / 3,
  2 ** 52 + 1,
  2 ** 53,
  1e300,
  -1e300,
  1e-300,
  5e-324,
  1e308,
  2 ** -1022,
  Infinity,
  -Infinity,
  NaN,
  Math.PI,
  2 ** 63,
  -(2 ** 63),
  3e38,
  123456789.125,
];

/** Operations with two operands whose result the host computes too. */
const BINARY: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ["fadd", (a, b) => a + b],
  ["fsub", (a, b) => a - b],
  ["fmul", (a, b) => a * b],
  ["fdiv", (a, b) => a / b],
];

function setInputs(harts: Parameters<typeof ramView>[0], words: readonly bigint[]): void {
  words.forEach((word, i) => ramView(harts).set(INPUTS + 8 * i, word));
}

/** A loop over pairs of operands: s1 the first's address, s2 the results', f0 and f1 the operands. */
function overPairs(a: Program, load: string, body: (a: Program) => void): void {
  const end = BigInt(INPUTS + 8 * OPERANDS.length);
  a.constant(reg.s1, BigInt(INPUTS)).constant(reg.s2, BigInt(RESULTS)).constant(reg.s3, end);
  a.label("outer").constant(reg.s4, BigInt(INPUTS));
  a.label("inner").op(load, 0, 0, reg.s1).op(load, 1, 0, reg.s4);
  body(a);
  a.op("addi", reg.s4, reg.s4, 8).branch("bne", reg.s4, reg.s3, "inner");
  a.op("addi", reg.s1, reg.s1, 8).branch("bne", reg.s1, reg.s3, "outer");
}

for (const [format, load, store] of [["d", "fld", "fsd"], ["s", "flw", "fsw"]] as const) {
  Deno.test(`arithmetic to the nearest, format ${format}, bit for bit`, () => {
    const isDouble = format === "d";
    const round = isDouble ? (value: number) => value : Math.fround;
    const operands = OPERANDS.map(round);
    onEveryEngine((jit) => {
      const program = bareProgram((a) => {
        a.setBits("mstatus", FS_CLEAN);
        overPairs(a, load, () => {
          BINARY.forEach(([name], i) =>
            a.op(`${name}.${format}`, 2, 0, 1, RNE).op(store, 2, 8 * i, reg.s2)
          );
          a.op(`fsqrt.${format}`, 3, 0, RNE).op(store, 3, 32, reg.s2);
          ["feq", "flt", "fle"].forEach((name, i) =>
            a.op(`${name}.${format}`, reg.a0, 0, 1).op("sb", reg.a0, 40 + i, reg.s2)
          );
          a.op("csrrs", reg.a0, a.csr("fflags"), 0).op("sb", reg.a0, 43, reg.s2);
          a.op("addi", reg.s2, reg.s2, 48);
        });
      }, { jit });
      setInputs(program.harts, operands.map(isDouble ? bits64 : (v) => bits32(v) & 0xffff_ffffn));
      return program;
    }, {
      pieces: [10_000_000, 1000],
      check: ({ harts }) => {
        const ram = ramView(harts);
        const expected = (value: number): bigint => {
          if (Number.isNaN(value)) return isDouble ? CANONICAL_NAN : 0x7fc0_0000n;
          return isDouble ? bits64(value) : bits32(value) & 0xffff_ffffn;
        };
        let at = RESULTS;
        let seenFlags = 0n;
        for (const left of operands) {
          for (const right of operands) {
            BINARY.forEach(([name, compute], i) =>
              assertEquals(
                ram.get(at + 8 * i),
                expected(round(compute(left, right))),
                `${name} ${left}, ${right}`,
              )
            );
            assertEquals(ram.get(at + 32), expected(round(Math.sqrt(left))), `fsqrt ${left}`);
            const compared = Number(ram.get(at + 40) & 0xff_ffffn);
            const wanted = [left === right, left < right, left <= right]
              .reduce((sum, holds, i) => sum | (Number(holds) << (8 * i)), 0);
            assertEquals(compared, wanted, `comparisons of ${left} and ${right}`);
            const flags = (ram.get(at + 40) >> 24n) & 0xffn;
            assertEquals(flags & seenFlags, seenFlags, "flags are sticky");
            seenFlags = flags;
            at += 48;
          }
        }
        assertEquals(seenFlags & (NX | OF | DZ | NV), NX | OF | DZ | NV);
        assertEquals(harts.get(0, "mstatus") & FS_DIRTY, FS_DIRTY);
      },
    });
  });
}

Deno.test("each flag is raised by its operation alone, though others accrued before", () => {
  // Four rounds of each: with flags cleared before, and with NX set already.
  const cases = [
    { left: 1, right: 3, flags: NX },
    { left: 1, right: 0, flags: DZ },
    { left: 0, right: 0, flags: NV },
    { left: 1e308, right: 1e-308, flags: OF | NX },
    { left: 5e-324, right: 3, flags: 2n | NX },
    { left: 6, right: 3, flags: 0n },
  ];
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.setBits("mstatus", FS_CLEAN).constant(reg.s5, 8n).constant(reg.s2, BigInt(RESULTS));
      a.label("round").constant(reg.s1, BigInt(INPUTS)).op("andi", reg.s6, reg.s5, 1);
      for (let i = 0; i < cases.length; i++) {
        a.op("fld", 0, 16 * i, reg.s1).op("fld", 1, 16 * i + 8, reg.s1)
          .op("csrrw", 0, a.csr("fflags"), reg.s6).op("fdiv.d", 2, 0, 1, RNE)
          .op("csrrs", reg.a0, a.csr("fflags"), 0).op("sb", reg.a0, 0, reg.s2)
          .op("addi", reg.s2, reg.s2, 1);
      }
      a.op("addi", reg.s5, reg.s5, -1).branch("bne", reg.s5, 0, "round");
    }, { jit });
    setInputs(program.harts, cases.flatMap(({ left, right }) => [bits64(left), bits64(right)]));
    return program;
  }, {
    check: ({ harts }) => {
      const bytes = harts.ramAt(RESULTS, 8 * cases.length)!;
      bytes.forEach((flags, i) => {
        const before = BigInt((8 - Math.floor(i / cases.length)) & 1);
        assertEquals(BigInt(flags), cases[i % cases.length]!.flags | before, `result ${i}`);
      });
    },
  });
});

Deno.test("the dynamic rounding mode changes in a hot loop, invalid modes included", () => {
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.setBits("mstatus", FS_CLEAN).constant(reg.s1, 0n).constant(reg.s2, BigInt(RESULTS));
      a.constant(reg.s3, BigInt(INPUTS)).constant(reg.s4, 80n);
      a.op("fld", 0, 0, reg.s3).op("fld", 1, 8, reg.s3);
      a.label("round").op("andi", reg.t0, reg.s1, 7).op("csrrw", 0, a.csr("frm"), reg.t0);
      a.op("fdiv.d", 2, 0, 1).op("fsd", 2, 0, reg.s2); // frm
      a.op("fdiv.d", 3, 0, 1, RUP).op("fsd", 3, 8, reg.s2); // its own
      a.op("addi", reg.s2, reg.s2, 16).op("addi", reg.s1, reg.s1, 1)
        .branch("bne", reg.s1, reg.s4, "round");
    }, { jit });
    setInputs(program.harts, [bits64(1), bits64(3)]);
    return program;
  }, {
    pieces: [10_000_000, 100],
    check: ({ harts, traps }) => {
      const ram = ramView(harts);
      const down = bits64(1 / 3), up = down + 1n; // 1/3 to the nearest lies below
      const byMode = new Map([[RNE, down], [RTZ, down], [RDN, down], [RUP, up], [4, down]]);
      let last = down;
      for (let n = 0; n < 80; n++) {
        // Modes 5 to 7 are illegal: f2 keeps its value.
        last = byMode.get(n & 7) ?? last;
        assertEquals(ram.get(RESULTS + 16 * n), last, `round ${n}`);
        assertEquals(ram.get(RESULTS + 16 * n + 8), up, `round ${n}`);
      }
      assertEquals(traps.map(({ cause }) => cause), Array(30).fill(2n));
    },
  });
});

/** Instructions of each kind that need FS. */
const FP_INSTRUCTIONS: readonly (readonly [string, (a: Program) => void])[] = [
  ["fadd.d", (a) => a.op("fadd.d", 2, 2, 1, RNE)],
  ["fld", (a) => a.op("fld", 2, 0, reg.s2)],
  ["fsd", (a) => a.op("fsd", 2, 0, reg.s2)],
  ["flw", (a) => a.op("flw", 2, 0, reg.s2)],
  ["feq.d", (a) => a.op("feq.d", reg.a0, 2, 1)],
  ["fsgnj.d", (a) => a.op("fsgnj.d", 2, 1, 1)],
  ["fmv.x.d", (a) => a.op("fmv.x.d", reg.a0, 1)],
  ["fmv.d.x", (a) => a.op("fmv.d.x", 2, reg.s1)],
  ["fcvt.d.l", (a) => a.op("fcvt.d.l", 2, reg.s1, RNE)],
  ["fcvt.l.d", (a) => a.op("fcvt.l.d", reg.a0, 1, RNE)],
  ["fmadd.d", (a) => a.op("fmadd.d", 2, 1, 1, 2, RNE)],
  ["fclass.d", (a) => a.op("fclass.d", reg.a0, 1)],
  ["fsflags", (a) => a.op("csrrwi", 0, a.csr("fflags"), 5)],
  ["frflags", (a) => a.op("csrrs", reg.a0, a.csr("fflags"), 0)],
];

for (const [name, emit] of FP_INSTRUCTIONS) {
  Deno.test(`FS goes off and on, and from clean to dirty, around ${name} in a hot loop`, () => {
    onEveryEngine((jit) =>
      bareProgram((a) => {
        a.setBits("mstatus", FS_DIRTY).constant(reg.s1, 1023n).op("fcvt.d.l", 1, reg.s1, RNE);
        a.constant(reg.s1, 64n).constant(reg.s2, BigInt(RESULTS)).constant(reg.s3, FS_DIRTY)
          .constant(reg.s4, FS_CLEAN).constant(reg.s6, BigInt(RESULTS + 8));
        a.label("round").op("csrrc", 0, a.csr("mstatus"), reg.s3);
        // In each eighth round it stays off.
        a.op("andi", reg.t0, reg.s1, 7).op("czero.eqz", reg.t1, reg.s4, reg.t0)
          .op("csrrs", 0, a.csr("mstatus"), reg.t1);
        emit(a);
        a.op("csrrs", reg.t1, a.csr("mstatus"), 0).op("and", reg.t1, reg.t1, reg.s3)
          .op("sd", reg.t1, 0, reg.s6).op("addi", reg.s6, reg.s6, 8);
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }, { jit }), {
      pieces: [10_000_000, 60],
      check: ({ harts, traps }) => {
        assertEquals(traps.map(({ cause }) => cause), Array(8).fill(2n));
        const ram = ramView(harts);
        // Instructions that write no f register may leave FS as it is; the others make it dirty.
        const writesF = !["fsd", "fmv.x.d", "fclass.d", "frflags"].includes(name);
        for (let n = 0; n < 64; n++) {
          const fs = ram.get(RESULTS + 8 + 8 * n);
          const isOff = ((64 - n) & 7) === 0;
          if (isOff) assertEquals(fs, FS_OFF, `round ${n}`);
          else if (writesF && !["feq.d", "fcvt.l.d"].includes(name)) {
            assertEquals(fs, FS_DIRTY, `round ${n}`);
          } else assertEquals(fs === FS_OFF, false, `round ${n}`);
        }
      },
    });
  });
}

for (const mode of MODES.slice(1)) {
  Deno.test(`FP code is hot in ${mode.name}-mode, and traps when M-mode turns FS off`, () => {
    // U-mode's ECALLs let the handler turn it off; the illegal instruction has it turned on again.
    onEveryEngine((jit) => {
      const program = bareProgram((a, harts) => {
        a.setBits("mstatus", FS_DIRTY).setBits("vsstatus", FS_DIRTY).constant(reg.s1, 40n)
          .constant(reg.s4, FS_DIRTY).constant(reg.s2, 3n);
        enterTranslated(a, harts, mode);
        a.op("fcvt.d.l", 1, reg.s2, RNE);
        a.label("round").op("fadd.d", 2, 2, 1, RNE).op("fmul.d", 3, 2, 1, RNE);
        a.op("andi", reg.t0, reg.s1, 7).branch("bne", reg.t0, 0, "on").op("ecall").label("on");
        a.op("fadd.d", 2, 2, 1, RNE).op("addi", reg.s1, reg.s1, -1)
          .branch("bne", reg.s1, 0, "round");
        a.op("fcvt.l.d", reg.s3, 2, RNE).word(0);
      }, {
        jit,
        ramSizeBytes: 0x20_0000,
        handler: (a) => {
          a.branch("beq", reg.s1, 0, "finished");
          a.getCsr(reg.t6, "mcause").op("addi", reg.t6, reg.t6, -2).branch(
            "bne",
            reg.t6,
            0,
            "call",
          );
          a.op("csrrs", 0, a.csr("mstatus"), reg.s4).op("mret"); // and again
          a.label("call").op("csrrc", 0, a.csr("mstatus"), reg.s4);
          a.getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4).op(
            "csrrw",
            0,
            a.csr("mepc"),
            reg.t6,
          )
            .op("mret").label("finished").end();
        },
      });
      return program;
    }, {
      pieces: [10_000_000, 50],
      check: ({ harts, traps }) => {
        assertEquals(x(harts, reg.s3), 40n * 6n);
        assertEquals(traps.length, 5 + 5 + 1);
      },
    });
  });
}
