/**
 * Fused multiply-add for translated code (core/hart/jit_fma.ts) against exact arithmetic: what it answers is
 * the correctly rounded result with no flag but NX, or it asks for softfloat with a NaN. That must be rare.
 */

import { assert, assertEquals } from "@std/assert";
import { Random } from "./conformance/random.ts";
import { HartModule } from "./hart_module.ts";
import { BINARY32, BINARY64, FLAG, multiplyAdd } from "./jit/float_exact_testing.ts";
import { FmaOperands, type OperandFamily, type Triple } from "./jit/float_operands_testing.ts";

type MultiplyAdd = (a: number, b: number, c: number) => number;

const module = new HartModule(0x1_0000, {
  readBus: () => false,
  writeBus: () => false,
  fetchPage: () => {},
  traceTrap: () => {},
});
const { jitFmaD, jitFmaS } = module.exports as unknown as Record<
  "jitFmaD" | "jitFmaS",
  MultiplyAdd
>;

const view = new DataView(new ArrayBuffer(8));

/** One of the two functions on patterns. */
interface Subject {
  readonly name: string;
  readonly format: typeof BINARY32;
  /** The result's pattern, or undefined if it asks for softfloat. */
  compute(a: bigint, b: bigint, c: bigint): bigint | undefined;
}

const DOUBLE: Subject = {
  name: "jitFmaD",
  format: BINARY64,
  compute(a, b, c) {
    const number = (bits: bigint) => {
      view.setBigUint64(0, bits);
      return view.getFloat64(0);
    };
    const result = jitFmaD(number(a), number(b), number(c));
    view.setFloat64(0, result);
    return Number.isNaN(result) ? undefined : view.getBigUint64(0);
  },
};

const SINGLE: Subject = {
  name: "jitFmaS",
  format: BINARY32,
  compute(a, b, c) {
    const number = (bits: bigint) => {
      view.setUint32(0, Number(bits));
      return view.getFloat32(0);
    };
    const result = jitFmaS(number(a), number(b), number(c));
    view.setFloat32(0, result);
    return Number.isNaN(result) ? undefined : BigInt(view.getUint32(0));
  },
};

/** Fails unless the answer is right; tells whether there was one. */
function check({ name, format, compute }: Subject, [a, b, c]: Triple, family: string): boolean {
  const found = compute(a, b, c);
  if (found === undefined) return false;
  const { bits, flags } = multiplyAdd(format, a, b, c);
  if (found !== bits || (flags & ~FLAG.NX) !== 0) {
    const hex = (value: bigint) => `0x${value.toString(16)}`;
    throw new Error(
      `${name}(${hex(a)}, ${hex(b)}, ${hex(c)}), ${family}: ${hex(found)}, ` +
        `but exactly it is ${hex(bits)} with flags 0x${flags.toString(16)}`,
    );
  }
  return true;
}

/** Operands of a family, and how many of a thousand may be left to softfloat. */
const FAMILIES: readonly (readonly [OperandFamily, count: number, mostAsked: number])[] = [
  ["ordinary", 40_000, 0],
  ["corners", 20_000, 1000],
  ["nearTie", 40_000, 0],
  ["tieWithAddend", 20_000, 0],
  ["cancelling", 20_000, 0],
  ["exactProduct", 15_000, 0],
  ["farApart", 15_000, 0],
  ["atLimits", 20_000, 1000],
];

for (const subject of [DOUBLE, SINGLE]) {
  Deno.test(`${subject.name} is correctly rounded or asks for softfloat`, () => {
    const operands = new FmaOperands(subject.format, new Random(3, 1));
    for (const [family, count, mostAsked] of FAMILIES) {
      let asked = 0;
      for (let n = 0; n < count; n++) {
        if (!check(subject, operands.triple(family), family)) asked++;
      }
      const perThousand = 1000 * asked / count;
      assert(perThousand <= mostAsked, `${family}: ${perThousand} of 1000 asked for softfloat`);
    }
  });

  Deno.test(`${subject.name} of every three special numbers`, () => {
    const operands = new FmaOperands(subject.format, new Random(3, 2));
    const { special } = operands;
    for (const a of special) {
      for (const b of special) {
        for (const c of special) check(subject, [a, b, c], "special numbers");
      }
    }
  });
}

Deno.test("jitFmaD asks where operands meet its limits, and there alone", () => {
  const power = (exponent: number) => BigInt(exponent + 1023) << 52n;
  const one = power(0);
  const rows: readonly (readonly [Triple, bigint | undefined])[] = [
    [[power(899), one, one], power(899)],
    [[power(900), one, one], undefined],
    [[one, power(900), one], undefined],
    [[one, one, power(900)], undefined],
    [[one, one, power(899)], power(899)],
    [[power(450), power(450), one], undefined],
    [[power(450), power(449), one], power(899)],
    [[power(-450), power(-450), one], undefined],
    [[power(-450), power(-449), one], one],
    [[power(-449), power(-450), 1n], power(-899)], // the smallest subnormal is added
    [[1n, power(899), power(-200)], power(-175) + (1n << 27n)],
  ];
  for (const [[a, b, c], wanted] of rows) assertEquals(DOUBLE.compute(a, b, c), wanted);
});

Deno.test("whatever has a flag but NX, and every NaN, is left to softfloat", () => {
  const quiet = 0x7ff8_0000_0000_0000n, signalling = 0x7ff0_0000_0000_0001n;
  const infinity = 0x7ff0_0000_0000_0000n, one = 0x3ff0_0000_0000_0000n;
  const largest = 0x7fef_ffff_ffff_ffffn;
  for (const nan of [quiet, signalling]) {
    assertEquals(DOUBLE.compute(nan, one, one), undefined);
    assertEquals(DOUBLE.compute(one, nan, one), undefined);
    assertEquals(DOUBLE.compute(one, one, nan), undefined);
  }
  assertEquals(DOUBLE.compute(infinity, 0n, one), undefined); // NV
  assertEquals(DOUBLE.compute(infinity, one, infinity | (1n << 63n)), undefined); // NV
  assertEquals(DOUBLE.compute(largest, largest, one), undefined); // OF
  assertEquals(DOUBLE.compute(1n, one >> 1n, 0n), undefined); // UF
  const largestS = 0x7f7f_ffffn, oneS = 0x3f80_0000n, halfUlpS = 0x7300_0000n;
  assertEquals(SINGLE.compute(largestS, oneS, largestS), undefined); // OF
  assertEquals(SINGLE.compute(largestS, oneS, halfUlpS), undefined); // OF: the tie goes to infinity
  assertEquals(SINGLE.compute(largestS, oneS, halfUlpS - 1n), largestS);
  assertEquals(SINGLE.compute(1n, 0x3f00_0000n, 0n), undefined); // UF
  // Rounded up to the smallest normal number, tiny or not: it cannot tell.
  assertEquals(SINGLE.compute(0x0080_0001n, 0x3f7f_fffen, 0n), undefined);
});
