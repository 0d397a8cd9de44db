/**
 * Floating point in translated code is what the interpreter does, bit for bit: result, flags and
 * `mstatus.FS` of every instruction over tables of values, in every rounding mode, with and without NX
 * accrued before, and with registers in every relation.
 */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../conformance/random.ts";
import { executable } from "../isa/ops.ts";
import { BINARY32, BINARY64 } from "./float_exact_testing.ts";
import { compareChain } from "./float_chains_testing.ts";
import { compareAccesses } from "./float_memory_testing.ts";
import { FmaOperands } from "./float_operands_testing.ts";
import {
  compareEngines,
  DYN,
  type Executions,
  type Section,
  type Shape,
  type Tuple,
  type Variant,
} from "./float_programs_testing.ts";
import {
  boxSingle,
  FEW_VALUES,
  MORE_VALUES,
  VALUES,
  type ValueType,
} from "./float_values_testing.ts";

const NX = 1, ALL_BUT_NX = 0x1e;
const RNE = 0, RTZ = 1, RMM = 4;
const FS_INITIAL = 1, FS_CLEAN = 2, FS_DIRTY = 3;

/** Every instruction that needs FS but for loads and stores. */
const SHAPES: readonly Shape[] = executable.flatMap((row) => {
  if (row === undefined || !row.flags.has("fp")) return [];
  if (row.flags.has("load") || row.flags.has("store")) return [];
  const fileOf = (slot: string) => {
    const kind = row.fields.find((field) => field.slot === slot)?.kind;
    return kind === "x" || kind === "f" ? [kind] as const : [];
  };
  return [{
    name: row.name,
    destination: fileOf("rd")[0]!,
    sources: ["rs1", "rs2", "rs3"].flatMap((slot) => fileOf(slot)),
    hasRoundingMode: row.fields.some(({ slot }) => slot === "rm"),
  }];
});

/** The type of an instruction's sources. */
function sourceType({ name, sources }: Shape): ValueType {
  if (sources[0] === "x") return "integer";
  const [operation, first, second] = name.split(".") as [string, string, string?];
  if (operation === "fmv") return "pattern";
  return (operation === "fcvt" ? second : first) as ValueType;
}

/** Operands that are random but near to what makes arithmetic hard. */
function hardTriples(type: "s" | "d", count: number): Tuple[] {
  const isDouble = type === "d";
  const operands = new FmaOperands(isDouble ? BINARY64 : BINARY32, new Random(11));
  const families = [
    "ordinary",
    "corners",
    "nearTie",
    "tieWithAddend",
    "cancelling",
    "exactProduct",
    "farApart",
    "atLimits",
  ] as const;
  return Array.from({ length: count }, (_, n) => {
    const triple = operands.triple(families[n % families.length]!);
    return isDouble ? triple : triple.map(boxSingle);
  });
}

/** Operands of an instruction: all combinations from a table, and harder ones. */
function tuplesOf(shape: Shape): Tuple[] {
  const type = sourceType(shape);
  if (shape.sources.length === 1) return MORE_VALUES[type].map((value) => [value]);
  if (type !== "s" && type !== "d") throw new Error(`${shape.name}: operands of type ${type}`);
  if (shape.sources.length === 2) {
    const pairs = VALUES[type].flatMap((a) => VALUES[type].map((b) => [a, b]));
    return [...pairs, ...hardTriples(type, 240).map(([a, b]) => [a!, b!])];
  }
  const few = FEW_VALUES[type];
  const triples = few.flatMap((a) => few.flatMap((b) => few.map((c) => [a, b, c])));
  return [...hardTriples(type, 1200), ...triples];
}

/** Registers in all relations: the result in a source's, sources the same. Those of SOURCES, by place. */
function registerForms({ sources, destination }: Shape): Partial<Variant>[] {
  const [a, b, c] = [10, 11, 12];
  const canAlias = sources[0] === destination;
  const into = (rd: number, ...registers: number[]) => canAlias ? [{ rd, sources: registers }] : [];
  const toZero = destination === "x" ? [{ rd: 0 }] : [];
  switch (sources.length) {
    case 1:
      return [...into(a, a), ...toZero];
    case 2:
      return [...into(a, a, b), ...into(b, a, b), ...into(a, a, a), { sources: [a, a] }, ...toZero];
    default:
      return [
        ...into(a, a, b, c),
        ...into(b, a, b, c),
        ...into(c, a, b, c),
        ...into(a, a, a, a),
        ...into(c, a, a, c),
        { sources: [a, b, a] },
        { sources: [a, a, a] },
      ];
  }
}

/** The variants of an instruction, with `frm` as they need it. */
function sectionsOf(shape: Shape, tuples: number): Section[] {
  const modes = shape.hasRoundingMode ? [0, 1, 2, 3, RMM, DYN] : [RNE];
  const ways = [
    ...modes.flatMap((rm) => [{ rm, fflags: NX }, { rm, fflags: 0 }]),
    { rm: RNE, fflags: ALL_BUT_NX },
    ...registerForms(shape).map((form) => ({ rm: RNE, fflags: NX, ...form })),
  ];
  const sections = [{ firstFrm: RNE, lastFrm: RNE, tuples, variants: ways }];
  const ofFs = [FS_INITIAL, FS_CLEAN, FS_DIRTY, 0].flatMap((fs) => [
    { rm: RNE, fflags: NX, fs },
    { rm: DYN, fflags: 0, fs },
  ]);
  sections.push({ firstFrm: RNE, lastFrm: RNE, tuples: Math.min(tuples, 24), variants: ofFs });
  if (!shape.hasRoundingMode) {
    // A reserved frm is none of its business.
    const variants = [{ rm: RNE, fflags: NX }];
    sections.push({ firstFrm: 7, lastFrm: 7, tuples: Math.min(tuples, 60), variants });
    return sections;
  }
  const byFrm = [{ rm: DYN, fflags: NX }, { rm: RNE, fflags: NX }, { rm: RTZ, fflags: NX }];
  sections.push({ firstFrm: 1, lastFrm: RMM, tuples, variants: byFrm });
  const reserved = [...byFrm, { rm: 5, fflags: NX }, { rm: 6, fflags: 0 }];
  sections.push({ firstFrm: 0, lastFrm: 7, tuples: Math.min(tuples, 60), variants: reserved });
  return sections;
}

function executionsOf(shape: Shape): Executions {
  const tuples = tuplesOf(shape);
  return { tuples, sections: sectionsOf(shape, tuples.length) };
}

const KINDS: readonly (readonly [string, RegExp, instructions: number])[] = [
  ["sums, products, quotients and roots", /^f(add|sub|mul|div|sqrt)\./, 10],
  ["multiply-add", /^fn?m(add|sub)\./, 8],
  ["conversions", /^fcvt\./, 22],
  ["comparisons and classes", /^f(eq|lt|le|class|min|max)\./, 12],
  ["moves and signs", /^f(mv|sgnj|sgnjn|sgnjx)\./, 12],
];

for (const [kind, pattern, count] of KINDS) {
  Deno.test(`${kind} are the same interpreted and translated`, () => {
    const shapes = SHAPES.filter(({ name }) => pattern.test(name));
    assertEquals(shapes.length, count);
    for (const shape of shapes) compareEngines(shape, executionsOf(shape));
  });
}

Deno.test("the tests above are of every instruction", () => {
  for (const { name } of SHAPES) {
    assertEquals(KINDS.filter(([, pattern]) => pattern.test(name)).length, 1, name);
  }
});

Deno.test("the same where translated code is told its hart", () => {
  const names = ["fadd.d", "fmadd.s", "fcvt.w.d", "fcvt.s.l", "feq.s", "fmin.d", "fsgnjx.d"];
  for (const name of names) {
    const shape = SHAPES.find((each) => each.name === name)!;
    const executions = executionsOf(shape);
    const tuples = executions.tuples.slice(0, 200);
    assert(tuples.length > 20);
    compareEngines(shape, { tuples, sections: sectionsOf(shape, tuples.length), harts: 2 });
  }
});

for (const name of ["flh", "flw", "fld", "fsh", "fsw", "fsd"]) {
  Deno.test(`${name} at every alignment, across pages, beyond the end of RAM`, () => {
    for (const harts of [1, 2]) {
      assert(compareAccesses(name, VALUES.pattern.slice(30, 61), harts) > 400);
    }
  });
}

Deno.test("the loads and stores above are all there are", () => {
  const names = executable.flatMap((row) =>
    row !== undefined && row.flags.has("fp") && !SHAPES.some(({ name }) => name === row.name)
      ? [row.name]
      : []
  );
  assertEquals(names.toSorted(), ["fld", "flh", "flw", "fsd", "fsh", "fsw"]);
});

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`random sequences with no look at the flags between, seed ${seed}`, () => {
    for (let n = 0; n < 8; n++) {
      try {
        compareChain(new Random(seed, n), SHAPES);
      } catch (cause) {
        throw new Error(`seed ${seed}, sequence ${n}`, { cause });
      }
    }
  });
}
