/**
 * Registers of a hart by the numbers that gdb has for them: x0 to x31, pc, f0 to f31, the CSRs from
 * `65 + address` on, and the hart's mode as gdb's virtual register `priv` with one of our own, `virt`.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { csrRegisters, plainCsrs } from "./csr_registers.ts";

const PC = 32;
const FIRST_FLOAT = 33;
const FIRST_CSR = 65;
const PRIV = FIRST_CSR + 4096;
const VIRT = PRIV + 1;

/** Sections of the target description (gdb manual, appendix G.5.13). */
export type Feature = "cpu" | "fpu" | "csr" | "virtual";

/** A register of the target description. */
export interface Register {
  readonly number: number;
  readonly name: string;
  readonly feature: Feature;
  readonly sizeBytes: 4 | 8;
  /** Type in the target description. */
  readonly type: string;
  readonly group: "general" | "float" | "system";
  read(harts: HartArray, hartId: number): bigint;
  /** Absent if the debugger may not write it. */
  readonly write?: (harts: HartArray, hartId: number, value: bigint) => void;
}

const INTEGER_NAMES =
  "zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
    .split(" ");
const FLOAT_NAMES =
  "ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11"
    .split(" ");
const POINTERS: Readonly<Record<string, string>> = {
  ra: "code_ptr",
  sp: "data_ptr",
  gp: "data_ptr",
  tp: "data_ptr",
  fp: "data_ptr",
};
/** The floating-point unit's own CSRs, at their numbers. */
const FLOAT_CSRS: readonly string[] = ["fflags", "frm", "fcsr"];

function field(name: string): Pick<Register, "read" | "write"> {
  return {
    read: (harts, hartId) => harts.get(hartId, name),
    write: (harts, hartId, value) => harts.set(hartId, name, value),
  };
}

function integer(name: string, number: number): Register {
  // x0 swallows what is written to it.
  const access = number === 0 ? { read: () => 0n, write: () => {} } : field(`x${number}`);
  const type = POINTERS[name] ?? "int";
  return { number, name, feature: "cpu", sizeBytes: 8, type, group: "general", ...access };
}

function float(name: string, index: number): Register {
  return {
    number: FIRST_FLOAT + index,
    name,
    feature: "fpu",
    sizeBytes: 8,
    type: "riscv_double",
    group: "float",
    ...field(`f${index}`),
  };
}

function csr({ address, name }: { address: number; name: string }): Register {
  const isFloat = FLOAT_CSRS.includes(name);
  const mask = plainCsrs.get(name);
  return {
    number: FIRST_CSR + address,
    name,
    feature: isFloat ? "fpu" : "csr",
    sizeBytes: isFloat ? 4 : 8,
    type: "int",
    group: isFloat ? "float" : "system",
    read: (harts, hartId) => harts.readCsr(hartId, address),
    ...(mask === undefined ? {} : {
      write: (harts: HartArray, hartId: number, value: bigint) =>
        harts.set(hartId, name, value & mask),
    }),
  };
}

function mode(
  number: number,
  name: string,
  read: (harts: HartArray, hartId: number) => number,
): Register {
  return {
    number,
    name,
    feature: "virtual",
    sizeBytes: 8,
    type: "int",
    group: "system",
    read: (harts, hartId) => BigInt(read(harts, hartId)),
  };
}

/** Every register, in the order of their numbers. */
export const registers: readonly Register[] = [
  ...INTEGER_NAMES.map(integer),
  {
    number: PC,
    name: "pc",
    feature: "cpu",
    sizeBytes: 8,
    type: "code_ptr",
    group: "general",
    read: (harts, hartId) => harts.get(hartId, "pc"),
    // Instructions are at even addresses.
    write: (harts, hartId, value) => harts.set(hartId, "pc", value & ~1n),
  },
  ...FLOAT_NAMES.map(float),
  ...csrRegisters.map(csr),
  mode(PRIV, "priv", (harts, hartId) => harts.mode(hartId).privilege),
  mode(VIRT, "virt", (harts, hartId) => harts.mode(hartId).virtual ? 1 : 0),
];

const byNumber = new Map(registers.map((register) => [register.number, register]));

/** The register of a number. */
export function registerOf(number: number): Register | undefined {
  return byNumber.get(number);
}

/** Those of the `g` packet, in its order: integer and floating-point registers. */
export const generalRegisters: readonly Register[] = registers.filter(({ number }) =>
  number < FIRST_CSR
);
