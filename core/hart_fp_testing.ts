/**
 * Runs single floating-point instructions of `core/hart/fp.ts`, compiled for the tests.
 *
 * @module
 */

import asc from "assemblyscript/asc";
import { formats, type OperandType } from "./hart_fp_operands.ts";
import { instructions } from "./isa/mod.ts";

const HART_DIRECTORY = new URL("hart/", import.meta.url);
const HART = 0x1_0000;
const SLOT = 0x1_2000;
const RD = 10;

/** Rounding modes by number. */
export const roundingModes = ["rne", "rtz", "rdn", "rup", "rmm"] as const;

/** The rm field that selects `frm`. */
export const DYN = 7;

/** What an instruction left behind. */
export interface Outcome {
  /** The result without NaN box, or the whole integer register. */
  readonly value: bigint;
  readonly fflags: number;
}

/** An operation in integer arithmetic alone; unused operands are ignored. */
export type ExactOperation = (a: bigint, b: bigint, c: bigint, rm: number) => bigint;

interface Exports extends Record<string, unknown> {
  readonly memory: WebAssembly.Memory;
  readonly Hart_f0: WebAssembly.Global;
  readonly Hart_fflags: WebAssembly.Global;
  readonly Hart_frm: WebAssembly.Global;
  readonly execute: (hart: number, insn: number, slot: number) => number;
  readonly accruedFlags: () => number;
  readonly setAccruedFlags: (flags: number) => void;
}

/** Types of destination and sources, as the mnemonic tells them; moves have none. */
export function operandTypes(name: string): { to: OperandType; from: OperandType } {
  const [operation, first, second] = name.split(".") as [string, OperandType, OperandType];
  if (operation === "fcvt") return { to: first, from: second };
  return { to: /^f(eq|lt|le|class)$/.test(operation) ? "l" : first, from: first };
}

/** The number of source registers of a mnemonic. */
export function sourceCount(name: string): number {
  return rowOf(name).operands.filter((operand) =>
    operand.type === "field" && operand.field.slot.startsWith("rs")
  ).length;
}

/** One hart of which only the floating-point part works. */
export class FpHart {
  readonly #exports: Exports;
  readonly #view: DataView;
  readonly #f0: number;
  readonly #fflags: number;
  readonly #frm: number;

  private constructor(instance: WebAssembly.Instance) {
    this.#exports = instance.exports as unknown as Exports;
    this.#view = new DataView(this.#exports.memory.buffer);
    this.#f0 = HART + this.#exports.Hart_f0.value;
    this.#fflags = HART + this.#exports.Hart_fflags.value;
    this.#frm = HART + this.#exports.Hart_frm.value;
  }

  /** Compiles `core/hart/softfloat/test_entry.ts`. */
  static async compile(): Promise<FpHart> {
    let binary: Uint8Array<ArrayBuffer> | undefined;
    const entry = "softfloat/test_entry.ts";
    const options = ["-O3", "--noAssert", "--runtime", "stub", "--memoryBase", "1024"];
    const { error, stderr } = await asc.main([entry, "--outFile", "fp.wasm", ...options], {
      readFile: readSource,
      writeFile(name: string, contents: Uint8Array | string) {
        if (name === "fp.wasm" && typeof contents !== "string") binary = contents.slice();
      },
      listFiles: () => [],
    });
    if (error || !binary) throw new Error(`asc: ${error?.message ?? ""}\n${stderr.toString()}`);
    const { instance } = await WebAssembly.instantiate(binary);
    const memory = instance.exports.memory as WebAssembly.Memory;
    memory.grow(Math.max(0, 4 - memory.buffer.byteLength / 65536));
    return new FpHart(instance);
  }

  /** Register f`n`, all 64 bits. */
  f(n: number): bigint {
    return this.#view.getBigUint64(this.#f0 + 8 * n, true);
  }

  setF(n: number, value: bigint): void {
    this.#view.setBigUint64(this.#f0 + 8 * n, value, true);
  }

  /** Register x`n`; 32 is where writes to x0 go. */
  x(n: number): bigint {
    return this.#view.getBigUint64(HART + 8 * n, true);
  }

  setX(n: number, value: bigint): void {
    this.#view.setBigUint64(HART + 8 * n, value, true);
  }

  get fflags(): number {
    return this.#view.getUint32(this.#fflags, true);
  }

  set fflags(value: number) {
    this.#view.setUint32(this.#fflags, value, true);
  }

  set frm(value: number) {
    this.#view.setUint32(this.#frm, value, true);
  }

  /**
   * Executes one instruction with the given registers.
   *
   * @returns false if it is illegal
   */
  execute(name: string, rm: number, rd: number, ...sources: number[]): boolean {
    const row = rowOf(name);
    const [rs1 = 0, rs2 = 0, rs3 = 0] = sources;
    const values = { rd, rs1, rs2, rs3, rm, imm: 0 };
    let insn = row.match;
    for (const { slot, ranges } of row.fields) insn |= values[slot] << ranges[0]!.wordLsb;
    return this.#exports.execute(HART, insn, SLOT) !== 0;
  }

  /** Executes one instruction on operand patterns, NaN-boxed as their type needs it. */
  run(name: string, rm: number, operands: readonly bigint[], fflags = 0): Outcome {
    const { to, from } = operandTypes(name);
    operands.forEach((bits, i) => {
      if (isFormat(from)) this.setF(i + 1, box(from, bits));
      else this.setX(i + 1, bits);
    });
    this.fflags = fflags;
    if (!this.execute(name, rm, RD, ...operands.map((_, i) => i + 1))) {
      throw new Error(`${name} with rm ${rm} is illegal`);
    }
    const value = isFormat(to) ? unbox(to, this.f(RD)) : this.x(RD);
    return { value, fflags: this.fflags };
  }

  /** The same in integer arithmetic alone; `operation` is an export of test_entry.ts. */
  runExact(operation: string, rm: number, operands: readonly bigint[]): Outcome {
    const exact = this.#exports[operation] as ExactOperation;
    this.#exports.setAccruedFlags(0);
    const [a = 0n, b = 0n, c = 0n] = operands;
    const value = BigInt.asUintN(64, exact(a, b, c, rm));
    return { value, fflags: this.#exports.accruedFlags() };
  }
}

/** Bits of a binary format. */
export function widthOf(type: "h" | "s" | "d"): number {
  return 1 + formats[type].exponent + formats[type].fraction;
}

/** All ones above a narrower value. */
export function box(type: "h" | "s" | "d", bits: bigint): bigint {
  return BigInt.asUintN(64, -1n << BigInt(widthOf(type))) | bits;
}

function unbox(type: "h" | "s" | "d", value: bigint): bigint {
  const bits = BigInt.asUintN(widthOf(type), value);
  if (box(type, bits) !== value) throw new Error(`0x${value.toString(16)} is not NaN-boxed`);
  return bits;
}

function isFormat(type: OperandType): type is "h" | "s" | "d" {
  return type in formats;
}

function rowOf(name: string) {
  const row = instructions.find((row) => row.name === name);
  if (row === undefined) throw new ReferenceError(`No instruction "${name}"`);
  return row;
}

function readSource(name: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(name, HART_DIRECTORY));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null; // asc asks for candidates
    throw error;
  }
}
