/**
 * Programs that run one floating-point instruction over many operands, in all its forms, and write down what
 * each execution left: the result, `fcsr` and `mstatus`. Run by the interpreter and by translated code, the
 * two accounts must be the same.
 *
 * @module
 */

import { reg } from "../conformance/assembler.ts";
import { type BareProgram, bareProgram, type Program, RAM } from "../testing/bare_program.ts";
import { stateDigest } from "../testing/state_digest.ts";
import type { JitOptions } from "./jit_options.ts";

/** Where an instruction's operands are: registers of either file, as its row in core/isa says. */
export interface Shape {
  readonly name: string;
  readonly destination: "x" | "f";
  readonly sources: readonly ("x" | "f")[];
  readonly hasRoundingMode: boolean;
}

/** One way to execute the instruction. */
export interface Variant {
  /** The rounding mode in the instruction, if it has one. */
  readonly rm: number;
  /** Flags that have accrued before. */
  readonly fflags: number;
  /** Register numbers; by default the sources differ from each other and from the destination. */
  readonly rd?: number;
  readonly sources?: readonly number[];
  /** `mstatus.FS` as it executes; by default dirty. */
  readonly fs?: number;
}

/** Variants that are executed on the first so many operands, under a range of `frm`. */
export interface Section {
  readonly firstFrm: number;
  readonly lastFrm: number;
  readonly tuples: number;
  readonly variants: readonly Variant[];
}

/** Operands of one execution, as patterns of 64 bits. */
export type Tuple = readonly bigint[];

export const DYN = 7;
const FS = 3n << 13n;
/** Registers of the operands in both files, and of the result. */
const SOURCES = [10, 11, 12] as const;
const RESULT = 13;

const CODE_BYTES = 0x1_0000;
const TUPLES = RAM + CODE_BYTES;
/** Three operands, and what the destination holds before. */
const TUPLE_BYTES = 32;
/** The result, then `fcsr` and `mstatus`, 32 bits of each. */
const RECORD_BYTES = 16;

/** Translated when it is first reached. */
const TRANSLATED: JitOptions = { threshold: 1, batch: 1 };
/** That, and translated when loops and branches are known, so that they are within regions. */
export const SETTINGS: readonly JitOptions[] = [TRANSLATED, { threshold: 20, batch: 1 }];

/** Emits one execution and its record. */
function emitVariant(a: Program, shape: Shape, variant: Variant, recordOffset: number): void {
  const { rd = RESULT, sources = SOURCES.slice(0, shape.sources.length), fs } = variant;
  const isFloat = shape.destination === "f";
  a.op(isFloat ? "fld" : "ld", rd, 24, reg.s1);
  shape.sources.forEach((file, n) => {
    a.op(file === "f" ? "fld" : "ld", sources[n]!, 8 * n, reg.s1);
  });
  a.op("csrrwi", 0, a.csr("fflags"), variant.fflags);
  if (fs !== undefined) {
    a.op("csrrc", 0, a.csr("mstatus"), reg.s5).constant(reg.t0, BigInt(fs) << 13n)
      .op("csrrs", 0, a.csr("mstatus"), reg.t0);
  }
  const operands = shape.hasRoundingMode ? [...sources, variant.rm] : sources;
  a.op(shape.name, rd, ...operands);
  a.op("csrrs", reg.t1, a.csr("mstatus"), 0);
  if (fs !== undefined) a.op("csrrs", 0, a.csr("mstatus"), reg.s5);
  a.op(isFloat ? "fsd" : "sd", rd, recordOffset, reg.s2);
  a.op("csrrs", reg.t0, a.csr("fcsr"), 0).op("sw", reg.t0, recordOffset + 8, reg.s2)
    .op("sw", reg.t1, recordOffset + 12, reg.s2);
}

/** s1 goes through the operands, s2 through the records; s4 is `frm`. */
function emitSection(a: Program, shape: Shape, section: Section): void {
  const { here } = a;
  const end = TUPLES + TUPLE_BYTES * section.tuples;
  const recordsBytes = RECORD_BYTES * section.variants.length;
  a.constant(reg.s4, BigInt(section.firstFrm)).constant(reg.s3, BigInt(end));
  a.label(`frm_${here}`).op("csrrw", 0, a.csr("frm"), reg.s4).constant(reg.s1, BigInt(TUPLES));
  a.label(`tuple_${here}`);
  section.variants.forEach((variant, n) => emitVariant(a, shape, variant, RECORD_BYTES * n));
  a.op("addi", reg.s1, reg.s1, TUPLE_BYTES).op("addi", reg.s2, reg.s2, recordsBytes);
  a.branch("bne", reg.s1, reg.s3, `tuple_${here}`);
  a.op("addi", reg.s4, reg.s4, 1).op("addi", reg.t0, reg.s4, -section.lastFrm - 1);
  a.branch("bne", reg.t0, 0, `frm_${here}`);
}

/** Skips what trapped; s10 and s11 sum up what trapped and why. */
export function countTraps(a: Program): void {
  a.getCsr(reg.t6, "mcause").op("slli", reg.s10, reg.s10, 1).op("add", reg.s10, reg.s10, reg.t6);
  a.getCsr(reg.t6, "mtval").op("slli", reg.s11, reg.s11, 1).op("add", reg.s11, reg.s11, reg.t6);
  a.getCsr(reg.t6, "mepc").op("add", reg.s11, reg.s11, reg.t6).op("addi", reg.t6, reg.t6, 4)
    .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret");
}

/** Lets hart 0 alone go on. */
export function onHartZero(a: Program, body: () => void): void {
  a.getCsr(reg.t0, "mhartid").branch("beq", reg.t0, 0, "hart_0").jump("others").label("hart_0");
  body();
  a.label("others");
}

/** Runs until every hart waits. */
export function runToTheEnd({ harts }: BareProgram): void {
  for (let n = 0; harts.run(50_000_000) !== "idle"; n++) {
    if (n > 10) throw new Error("The program does not end");
  }
}

function recordCount(sections: readonly Section[]): number {
  return sections.reduce(
    (sum, { firstFrm, lastFrm, tuples, variants }) =>
      sum + (lastFrm - firstFrm + 1) * tuples * variants.length,
    0,
  );
}

function hex(value: bigint | undefined): string {
  return value === undefined ? "-" : `0x${value.toString(16)}`;
}

/** What a record is about. */
function describeRecord(
  shape: Shape,
  tuples: readonly Tuple[],
  sections: readonly Section[],
  index: number,
): string {
  let rest = index;
  for (const section of sections) {
    const { variants } = section;
    const count = recordCount([section]);
    if (rest >= count) {
      rest -= count;
      continue;
    }
    const { rm, ...variant } = variants[rest % variants.length]!;
    const round = Math.floor(rest / variants.length);
    const operands = tuples[round % section.tuples]!.map(hex).join(", ");
    const frm = section.firstFrm + Math.floor(round / section.tuples);
    return `${shape.name} ${operands} rm ${rm} frm ${frm} ${JSON.stringify(variant)}`;
  }
  return `record ${index}`;
}

/** One run's account. */
interface Account {
  /** Two words a record. */
  readonly records: BigUint64Array;
  readonly digest: string;
  readonly regions: number;
}

/** Operands of a test, its sections, and how many harts there are. */
export interface Executions {
  readonly tuples: readonly Tuple[];
  readonly sections: readonly Section[];
  readonly harts?: number;
}

function account(shape: Shape, executions: Executions, jit: JitOptions | false): Account {
  const { tuples, sections, harts: hartCount = 1 } = executions;
  const records = TUPLES + TUPLE_BYTES * tuples.length;
  const count = recordCount(sections);
  const ramBytes = records - RAM + RECORD_BYTES * count;
  const program = bareProgram((a, harts) => {
    a.setBits("mstatus", FS).constant(reg.s5, FS).constant(reg.s2, BigInt(records));
    onHartZero(a, () => sections.forEach((section) => emitSection(a, shape, section)));
    if (a.here > RAM + CODE_BYTES - 64) throw new RangeError("The code is too long");
    const view = viewOf(harts.ramAt(TUPLES, TUPLE_BYTES * tuples.length)!);
    tuples.forEach((tuple, n) => {
      tuple.forEach((bits, operand) =>
        view.setBigUint64(TUPLE_BYTES * n + 8 * operand, bits, true)
      );
      view.setBigUint64(TUPLE_BYTES * n + 24, 0x5a5a_0000_a5a5_0000n + BigInt(n), true);
    });
  }, {
    jit,
    harts: hartCount,
    handler: countTraps,
    ramSizeBytes: Math.ceil(ramBytes / 0x1_0000) * 0x1_0000,
  });
  runToTheEnd(program);
  const { harts } = program;
  const bytes = harts.ramAt(records, RECORD_BYTES * count)!;
  return {
    records: new BigUint64Array(bytes.slice().buffer),
    digest: stateDigest(harts),
    regions: harts.jitStatistics?.regions ?? 0,
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Executes everything interpreted and translated.
 *
 * @returns how many executions there were of each
 * @throws {Error} if the two differ, naming the first execution that does
 */
export function compareEngines(shape: Shape, executions: Executions): number {
  const interpreted = account(shape, executions, false);
  const translated = account(shape, executions, TRANSLATED);
  const { tuples, sections } = executions;
  interpreted.records.forEach((word, n) => {
    const other = translated.records[n]!;
    if (word === other) return;
    const what = describeRecord(shape, tuples, sections, n >> 1);
    const part = n & 1 ? "mstatus and fcsr" : "result";
    throw new Error(`${what}: ${part} ${hex(word)} interpreted, ${hex(other)} translated`);
  });
  if (interpreted.digest !== translated.digest) {
    throw new Error(`${shape.name}: ${interpreted.digest}, but translated ${translated.digest}`);
  }
  if (translated.regions === 0) throw new Error(`${shape.name} was not translated`);
  return interpreted.records.length / 2;
}
