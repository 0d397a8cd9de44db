/** Floating-point instructions of the hart ("F", "D" and "Zfhmin" extensions). */

import { assertEquals, assertThrows } from "@std/assert";
import { Operands } from "./hart_fp_operands.ts";
import {
  box,
  DYN,
  FpHart,
  operandTypes,
  type Outcome,
  roundingModes,
  sourceCount,
} from "./hart_fp_testing.ts";
import { instructions } from "./isa/mod.ts";

const NX = 1, UF = 2, DZ = 8, NV = 16;
const RNE = 0, RDN = 2;

const NAN_S = 0x7fc00000n, SIGNALLING_S = 0x7f800001n, QUIET_S = 0xffc12345n;
const NAN_D = 0x7ff8000000000000n, SIGNALLING_D = 0x7ff0000000000001n;
const ONE_S = 0x3f800000n, TWO_S = 0x40000000n;
const ONE_D = 0x3ff0000000000000n, INFINITY_D = 0x7ff0000000000000n;

/** Everything that computes: neither load nor store. */
const computational = instructions.filter(({ flags }) =>
  flags.has("fp") && !flags.has("load") && !flags.has("store")
).filter(({ length }) => length === 4);
const hasRoundingMode = (name: string) =>
  computational.find((row) => row.name === name)!.fields.some((field) => field.slot === "rm");

const hart = await FpHart.compile();

function linesOf(file: string): string[] {
  const text = Deno.readTextFileSync(new URL(file, import.meta.url));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function describe({ value, fflags }: Outcome): string {
  return `${value.toString(16)}/${fflags.toString(16)}`;
}

Deno.test("every vector gives its result and flags in every rounding mode", () => {
  let checked = 0;
  for (const line of linesOf("hart_fp_vectors.txt")) {
    const [head, tail] = line.split(" = ") as [string, string];
    const [name, ...words] = head.split(" ") as [string, ...string[]];
    const operands = words.map((word) => BigInt(`0x${word}`));
    const expected = tail.split(" ");
    roundingModes.forEach((mode, rm) => {
      const want = expected[rm] ?? expected[0]!;
      const fixed = hasRoundingMode(name) ? rm : RNE;
      hart.frm = 7; // must not matter to a mode in the instruction
      assertEquals(describe(hart.run(name, fixed, operands)), want, `${head} ${mode}`);
      hart.frm = rm;
      const dynamic = hasRoundingMode(name) ? DYN : RNE;
      assertEquals(describe(hart.run(name, dynamic, operands)), want, `${head} frm ${mode}`);
      checked++;
    });
  }
  assertEquals(checked > 8000, true, `only ${checked} vectors`);
});

Deno.test("flags accrue: those already set stay and do not change the result", () => {
  for (const line of linesOf("hart_fp_vectors.txt")) {
    const [head, tail] = line.split(" = ") as [string, string];
    const [name, ...words] = head.split(" ") as [string, ...string[]];
    const [value, flags] = tail.split(" ")[0]!.split("/") as [string, string];
    const operands = words.map((word) => BigInt(`0x${word}`));
    for (const before of [NX, UF | DZ, 31]) {
      const want = `${value}/${(parseInt(flags, 16) | before).toString(16)}`;
      assertEquals(describe(hart.run(name, RNE, operands, before)), want, `${head} over ${before}`);
    }
  }
});

Deno.test("digests of thousands of results per instruction and mode", () => {
  const step = (hash: bigint, word: bigint) => BigInt.asUintN(64, (hash ^ word) * 0x100000001b3n);
  for (const line of linesOf("hart_fp_digests.txt")) {
    const [name, ...expected] = line.split(" ") as [string, ...string[]];
    const { from } = operandTypes(name);
    const stream = new Operands(1);
    const digests = roundingModes.map(() => 0xcbf29ce484222325n);
    for (let i = 0; i < 2000; i++) {
      const operands = stream.set(from, sourceCount(name));
      digests.forEach((digest, rm) => {
        const { value, fflags } = hart.run(name, hasRoundingMode(name) ? rm : RNE, operands);
        digests[rm] = step(step(digest, value), BigInt(fflags));
      });
    }
    const found = digests.map((digest) => digest.toString(16).padStart(16, "0"));
    assertEquals(found, expected, name);
  }
});

Deno.test("the host's arithmetic and the integer arithmetic agree", () => {
  const pairs: readonly [name: string, operation: string][] = [
    ["fadd.s", "exactAddS"],
    ["fadd.d", "exactAddD"],
    ["fmul.s", "exactMultiplyS"],
    ["fmul.d", "exactMultiplyD"],
    ["fdiv.s", "exactDivideS"],
    ["fdiv.d", "exactDivideD"],
    ["fsqrt.s", "exactSquareRootS"],
    ["fsqrt.d", "exactSquareRootD"],
    ["fmadd.s", "exactMultiplyAddS"],
    ["fcvt.s.d", "exactConvertDToS"],
  ];
  for (const [name, operation] of pairs) {
    const stream = new Operands(3);
    for (let i = 0; i < 10_000; i++) {
      const operands = stream.set(operandTypes(name).from, sourceCount(name));
      const fast = hart.run(name, RNE, operands);
      const exact = hart.runExact(operation, RNE, operands);
      if (fast.value !== exact.value || fast.fflags !== exact.fflags) {
        const text = operands.map((bits) => bits.toString(16)).join(" ");
        assertEquals(describe(fast), describe(exact), `${name} ${text}`);
      }
    }
  }
});

Deno.test("tininess is detected after rounding", () => {
  const minNormal = 0x0010000000000000n;
  // (1 - 2^-53) * 2^-1022 needs no rounding if the exponent is unbounded: tiny.
  const tiny = hart.run("fmul.d", RNE, [0x3fefffffffffffffn, minNormal]);
  assertEquals(tiny, { value: minNormal, fflags: UF | NX });
  // (1 - 2^-104) * 2^-1022 rounds to 2^-1022: not tiny.
  const notTiny = hart.run("fmul.d", RNE, [0x3ff0000000000001n, 0x000fffffffffffffn]);
  assertEquals(notTiny, { value: minNormal, fflags: NX });
  // An exact subnormal result is no underflow.
  const exact = hart.run("fmul.d", RNE, [0x3fe0000000000000n, minNormal]);
  assertEquals(exact, { value: minNormal >> 1n, fflags: 0 });
});

Deno.test("infinity times zero is invalid even with a quiet NaN as addend", () => {
  for (const name of ["fmadd.d", "fmsub.d", "fnmsub.d", "fnmadd.d"]) {
    const outcome = hart.run(name, RNE, [INFINITY_D, 0n, NAN_D]);
    assertEquals(outcome, { value: NAN_D, fflags: NV }, name);
  }
  assertEquals(hart.run("fmadd.d", RNE, [ONE_D, 0n, NAN_D]), { value: NAN_D, fflags: 0 });
});

Deno.test("fused multiply-add sees the last bit of a product far below the addend", () => {
  const product = [0x4190000004000000n, 0x432ffffff8000002n]; // (2^26 + 1), (2^52 - 2^26 + 1)
  const addend = 0x4820000000000000n; // 2^131, whose half unit in the last place is 2^78
  // The product is 2^78 + 1: just more than half.
  assertEquals(hart.run("fmadd.d", RNE, [...product, addend]), { value: addend + 1n, fflags: NX });
});

Deno.test("division by zero raises DZ, zero by zero NV", () => {
  assertEquals(hart.run("fdiv.d", RNE, [ONE_D, 1n << 63n]), {
    value: 0xfff0000000000000n,
    fflags: DZ,
  });
  assertEquals(hart.run("fdiv.d", RNE, [0n, 0n]), { value: NAN_D, fflags: NV });
});

Deno.test("fmin and fmax: numbers win over NaNs, -0 is below +0, signalling NaNs raise NV", () => {
  const negativeZero = 1n << 31n;
  const rows: [a: bigint, b: bigint, min: bigint, max: bigint, fflags: number][] = [
    [ONE_S, TWO_S, ONE_S, TWO_S, 0],
    [0n, negativeZero, negativeZero, 0n, 0],
    [ONE_S, QUIET_S, ONE_S, ONE_S, 0],
    [ONE_S, SIGNALLING_S, ONE_S, ONE_S, NV],
    [QUIET_S, QUIET_S, NAN_S, NAN_S, 0],
    [QUIET_S, SIGNALLING_S, NAN_S, NAN_S, NV],
    [0xff800000n, 0x7f800000n, 0xff800000n, 0x7f800000n, 0],
    [0xbf800000n, 0x80000001n, 0xbf800000n, 0x80000001n, 0],
  ];
  const wide = (bits: bigint) => hart.run("fcvt.d.s", RNE, [bits]).value;
  for (const [a, b, min, max, fflags] of rows) {
    for (const [x, y] of [[a, b], [b, a]] as const) {
      assertEquals(hart.run("fmin.s", 0, [x, y]), { value: min, fflags });
      assertEquals(hart.run("fmax.s", 1, [x, y]), { value: max, fflags });
      if (fflags) continue; // widening a signalling NaN makes it quiet
      assertEquals(hart.run("fmin.d", 0, [wide(x), wide(y)]), { value: wide(min), fflags });
      assertEquals(hart.run("fmax.d", 1, [wide(x), wide(y)]), { value: wide(max), fflags });
    }
  }
  assertEquals(hart.run("fmin.d", 0, [SIGNALLING_D, ONE_D]), { value: ONE_D, fflags: NV });
});

Deno.test("comparisons: feq is quiet, flt and fle signal for any NaN", () => {
  assertEquals(hart.run("feq.s", 0, [QUIET_S, ONE_S]), { value: 0n, fflags: 0 });
  assertEquals(hart.run("feq.s", 0, [ONE_S, SIGNALLING_S]), { value: 0n, fflags: NV });
  for (const name of ["flt.s", "fle.s"]) {
    assertEquals(hart.run(name, 0, [QUIET_S, ONE_S]), { value: 0n, fflags: NV });
  }
  assertEquals(hart.run("feq.s", 0, [0n, 1n << 31n]), { value: 1n, fflags: 0 });
  assertEquals(hart.run("flt.s", 0, [1n << 31n, 0n]), { value: 0n, fflags: 0 });
  assertEquals(hart.run("fle.s", 0, [0n, 1n << 31n]), { value: 1n, fflags: 0 });
});

Deno.test("fclass tells the ten classes", () => {
  const singles = [
    0xff800000n,
    0xbf800000n,
    0x80000001n,
    0x80000000n,
    0n,
    0x007fffffn,
    0x00800000n,
    0x7f800000n,
    SIGNALLING_S,
    QUIET_S,
  ];
  const doubles = [
    0xfff0000000000000n,
    0xffefffffffffffffn,
    0x800fffffffffffffn,
    0x8000000000000000n,
    0n,
    1n,
    0x0010000000000000n,
    INFINITY_D,
    0xfff7ffffffffffffn,
    NAN_D,
  ];
  singles.forEach((bits, bit) =>
    assertEquals(hart.run("fclass.s", 0, [bits]), { value: 1n << BigInt(bit), fflags: 0 })
  );
  doubles.forEach((bits, bit) =>
    assertEquals(hart.run("fclass.d", 0, [bits]), { value: 1n << BigInt(bit), fflags: 0 })
  );
});

Deno.test("sign injection keeps NaN payloads and raises nothing", () => {
  const sign = 1n << 63n;
  const payload = SIGNALLING_D | sign;
  assertEquals(hart.run("fsgnj.d", 0, [payload, ONE_D]), { value: SIGNALLING_D, fflags: 0 });
  assertEquals(hart.run("fsgnjn.d", 1, [ONE_D, ONE_D]), { value: ONE_D | sign, fflags: 0 });
  assertEquals(hart.run("fsgnjx.d", 2, [payload, sign]), { value: SIGNALLING_D, fflags: 0 });
  assertEquals(hart.run("fsgnj.s", 0, [ONE_S, 1n << 31n]).value, ONE_S | 1n << 31n);
  assertEquals(hart.run("fsgnjn.s", 1, [SIGNALLING_S, ONE_S]).value, SIGNALLING_S | 1n << 31n);
  assertEquals(hart.run("fsgnjx.s", 2, [1n << 31n, 1n << 31n]).value, 0n);
});

Deno.test("a narrow operand that is not NaN-boxed counts as the canonical NaN", () => {
  hart.fflags = 0;
  hart.setF(1, 0xffff_fffe_3f80_0000n);
  hart.setF(2, box("s", ONE_S));
  hart.execute("fadd.s", RNE, 3, 1, 2);
  assertEquals(hart.f(3), box("s", NAN_S));
  hart.execute("fsgnj.s", 0, 3, 1, 1);
  assertEquals(hart.f(3), box("s", NAN_S));
  hart.execute("fmin.s", 0, 3, 1, 2);
  assertEquals(hart.f(3), box("s", ONE_S));
  hart.execute("fclass.s", 0, 10, 1);
  assertEquals(hart.x(10), 1n << 9n);
  hart.setF(1, 0xffff_ffff_fffe_3c00n);
  hart.execute("fcvt.s.h", RNE, 3, 1);
  assertEquals(hart.f(3), box("s", NAN_S));
  assertEquals(hart.fflags, 0);
});

Deno.test("moves copy bits: no boxing check, sign-extension towards x, boxing towards f", () => {
  hart.fflags = 0;
  hart.setF(1, 0x1234_5678_89ab_cdefn);
  const toX = { "fmv.x.h": 0xffff_ffff_ffff_cdefn, "fmv.x.w": 0xffff_ffff_89ab_cdefn };
  for (const [name, value] of Object.entries({ ...toX, "fmv.x.d": hart.f(1) })) {
    hart.execute(name, 0, 10, 1);
    assertEquals(hart.x(10), value, name);
  }
  hart.setX(1, 0x1234_5678_89ab_cdefn);
  const toF = { "fmv.h.x": 0xffff_ffff_ffff_cdefn, "fmv.w.x": 0xffff_ffff_89ab_cdefn };
  for (const [name, value] of Object.entries({ ...toF, "fmv.d.x": hart.x(1) })) {
    hart.execute(name, 0, 3, 1);
    assertEquals(hart.f(3), value, name);
  }
  assertEquals(hart.fflags, 0);
});

Deno.test("conversions to integers saturate with NV alone", () => {
  const rows: [name: string, nan: bigint, low: bigint, high: bigint][] = [
    ["fcvt.w.d", 0x7fffffffn, 0xffffffff80000000n, 0x7fffffffn],
    ["fcvt.wu.d", 0xffffffffffffffffn, 0n, 0xffffffffffffffffn],
    ["fcvt.l.d", 0x7fffffffffffffffn, 0x8000000000000000n, 0x7fffffffffffffffn],
    ["fcvt.lu.d", 0xffffffffffffffffn, 0n, 0xffffffffffffffffn],
  ];
  for (const [name, nan, low, high] of rows) {
    assertEquals(hart.run(name, RNE, [NAN_D | 1n << 63n]), { value: nan, fflags: NV }, name);
    assertEquals(hart.run(name, RNE, [0xfff0000000000000n]), { value: low, fflags: NV }, name);
    assertEquals(hart.run(name, RNE, [INFINITY_D]), { value: high, fflags: NV }, name);
    assertEquals(hart.run(name, RNE, [0x7fefffffffffffffn]), { value: high, fflags: NV }, name);
  }
  // -0.5 rounds to zero, in range even for an unsigned type; rounded down it is not.
  const half = 0xbfe0000000000000n;
  assertEquals(hart.run("fcvt.lu.d", RNE, [half]), { value: 0n, fflags: NX });
  assertEquals(hart.run("fcvt.lu.d", RDN, [half]), { value: 0n, fflags: NV });
});

Deno.test("conversions to integers reach both ends of the range exactly", () => {
  const rows: [name: string, operand: bigint, value: bigint, fflags: number][] = [
    ["fcvt.l.d", 0xc3e0000000000000n, 1n << 63n, 0], // -2^63
    ["fcvt.l.d", 0xc3e0000000000001n, 1n << 63n, NV], // the next below
    ["fcvt.l.d", 0x43dfffffffffffffn, (1n << 63n) - 1024n, 0], // the last below 2^63
    ["fcvt.l.d", 0x43e0000000000000n, (1n << 63n) - 1n, NV], // 2^63
    ["fcvt.lu.d", 0x43e0000000000000n, 1n << 63n, 0],
    ["fcvt.lu.d", 0x43efffffffffffffn, (1n << 64n) - 2048n, 0], // the last below 2^64
    ["fcvt.lu.d", 0x43f0000000000000n, (1n << 64n) - 1n, NV], // 2^64
    ["fcvt.lu.s", 0x5f7fffffn, (1n << 64n) - (1n << 40n), 0],
    ["fcvt.w.d", 0xc1e0000000000000n, 0xffffffff80000000n, 0], // -2^31
    ["fcvt.w.d", 0xc1e0000000100000n, 0xffffffff80000000n, NX], // -(2^31 + 1/2), to even
    ["fcvt.w.d", 0xc1e0000000100001n, 0xffffffff80000000n, NV],
    ["fcvt.w.d", 0x41dfffffffc00000n, 0x7fffffffn, 0], // 2^31 - 1
    ["fcvt.w.d", 0x41dfffffffe00000n, 0x7fffffffn, NV], // 2^31 - 1/2, to even
    ["fcvt.wu.d", 0x41efffffffe00000n, 0xffffffffffffffffn, 0], // 2^32 - 1, sign-extended
    ["fcvt.wu.d", 0x41f0000000000000n, 0xffffffffffffffffn, NV], // 2^32
  ];
  for (const [name, operand, value, fflags] of rows) {
    const text = `${name} ${operand.toString(16)}`;
    assertEquals(hart.run(name, RNE, [operand]), { value, fflags }, text);
  }
});

Deno.test("a reserved rounding mode is illegal and changes nothing", () => {
  hart.fflags = 0;
  for (const { name } of computational.filter(({ name }) => hasRoundingMode(name))) {
    // Inexact where the instruction can be, so that a flag would show.
    for (let n = 1; n <= 3; n++) {
      hart.setF(n, 0x3fd5_5555_5555_5555n + BigInt(n));
      hart.setX(n, 0x7fff_ffff_ffff_ff77n);
    }
    hart.setF(10, 42n);
    hart.setX(10, 43n);
    for (const [rm, frm] of [[5, 0], [6, 0], [DYN, 5], [DYN, 6], [DYN, 7]] as const) {
      hart.frm = frm;
      assertEquals(hart.execute(name, rm, 10, 1, 2, 3), false, `${name} rm ${rm} frm ${frm}`);
      assertEquals([hart.f(10), hart.x(10), hart.fflags], [42n, 43n, 0], name);
    }
    assertThrows(() => hart.run(name, 5, [0n]), Error, "illegal");
  }
});

Deno.test("instructions without a rounding mode do not look at frm", () => {
  for (const { name } of computational.filter(({ name }) => !hasRoundingMode(name))) {
    hart.frm = 7;
    assertEquals(hart.execute(name, 0, 10, 1, 2), true, name);
  }
});

Deno.test("an integer result for x0 leaves x0 alone", () => {
  hart.setX(0, 0n);
  hart.setF(1, ONE_D);
  hart.execute("fcvt.l.d", RNE, 0, 1);
  assertEquals([hart.x(0), hart.x(32)], [0n, 1n]);
});
