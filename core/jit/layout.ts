/**
 * What jitted code must know of the hart's memory and functions. The numbers come from `hart.wasm`'s
 * exported layout.
 *
 * @module
 */

import type { HartModule } from "../hart_module.ts";

/** Addresses and offsets that appear as constants in jitted code. */
export interface JitLayout {
  /** Address of the hart's state if there is only one; else translated code is told. */
  readonly loneHart: number | undefined;
  /** Offsets in a hart's state. */
  readonly pc: number;
  readonly fetchContext: number;
  readonly dataContext: number;
  readonly reservationValid: number;
  readonly reservationAddress: number;
  readonly mstatus: number;
  readonly vsstatus: number;
  readonly virt: number;
  readonly fflags: number;
  /** Absolute addresses of machine-wide words. */
  readonly remaining: number;
  readonly jitLeave: number;
  /** Size of one TLB of a context, and its number of entries. */
  readonly tlbBytes: number;
  readonly tlbEntries: number;
  /** Tables of entries: the address of a page's table by its number (core/hart/code_entries.ts). */
  readonly tableOfPage: number;
}

/** Reads the layout. */
export function jitLayout(module: HartModule): JitLayout {
  const harts = module.getU32(module.machineField("hartCount"));
  return {
    loneHart: harts === 1 ? module.layout("HARTS_BASE") : undefined,
    pc: module.layout("Hart_pc"),
    fetchContext: module.layout("Hart_fetchContext"),
    dataContext: module.layout("Hart_dataContext"),
    reservationValid: module.layout("Hart_reservationValid"),
    reservationAddress: module.layout("Hart_reservationAddress"),
    mstatus: module.layout("Hart_mstatus"),
    vsstatus: module.layout("Hart_vsstatus"),
    virt: module.layout("Hart_virt"),
    fflags: module.layout("Hart_fflags"),
    remaining: module.machineField("remaining"),
    jitLeave: module.machineField("jitLeave"),
    tlbBytes: module.layout("TLB_BYTES"),
    tlbEntries: module.layout("TLB_ENTRIES"),
    tableOfPage: module.layout("TABLE_OF_PAGE_BASE"),
  };
}

/** A type of WebAssembly's numbers. */
export type ValueType = "i32" | "i64" | "f32" | "f64";

/** A function that jitted modules import. */
export interface RuntimeImport {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
}

const BINARY: readonly ValueType[] = ["i64", "i64"];

/** Functions of `hart.wasm` that jitted code calls (core/hart/jit_*.ts), in the order of their import. */
export const RUNTIME_IMPORTS: readonly RuntimeImport[] = [
  // hart, virtual address, kind, place, remaining, page
  { name: "jitLoad", parameters: ["i32", "i64", "i32", "i32", "i32", "i64"], result: "i64" },
  // hart, virtual address, kind, value, place, remaining, page
  {
    name: "jitStore",
    parameters: ["i32", "i64", "i32", "i64", "i32", "i32", "i64"],
    result: "i32",
  },
  // hart, instruction word, place, remaining, page
  { name: "jitExecute", parameters: ["i32", "i32", "i32", "i32", "i64"], result: "i32" },
  { name: "jitMulh", parameters: BINARY, result: "i64" },
  { name: "jitMulhsu", parameters: BINARY, result: "i64" },
  { name: "jitMulhu", parameters: BINARY, result: "i64" },
  { name: "jitClmul", parameters: BINARY, result: "i64" },
  { name: "jitClmulh", parameters: BINARY, result: "i64" },
  { name: "jitClmulr", parameters: BINARY, result: "i64" },
  { name: "jitFmaD", parameters: ["f64", "f64", "f64"], result: "f64" },
  { name: "jitFmaS", parameters: ["f32", "f32", "f32"], result: "f32" },
  { name: "jitOrcb", parameters: ["i64"], result: "i64" },
  { name: "jitRev8", parameters: ["i64"], result: "i64" },
];

/** Index of a runtime function in a jitted module. */
export function runtimeFunction(name: string): number {
  const index = RUNTIME_IMPORTS.findIndex((each) => each.name === name);
  if (index < 0) throw new ReferenceError(`No runtime function ${name}`);
  return index;
}
