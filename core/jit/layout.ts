/**
 * What jitted code must know of the hart's memory and functions. The numbers come from `hart.wasm`'s
 * exported layout.
 *
 * @module
 */

import type { HartModule } from "../hart_module.ts";

/** Addresses and offsets that appear as constants in jitted code. */
export interface JitLayout {
  /** Offsets in a hart's state. */
  readonly pc: number;
  readonly fetchContext: number;
  readonly dataContext: number;
  /** Absolute addresses of machine-wide words. */
  readonly remaining: number;
  readonly jitLeave: number;
  readonly jumpCache: number;
  /** Size of one TLB of a context, and its number of entries. */
  readonly tlbBytes: number;
  readonly tlbEntries: number;
  readonly jumpCacheEntries: number;
}

/** Reads the layout. */
export function jitLayout(module: HartModule): JitLayout {
  return {
    pc: module.layout("Hart_pc"),
    fetchContext: module.layout("Hart_fetchContext"),
    dataContext: module.layout("Hart_dataContext"),
    remaining: module.machineField("remaining"),
    jitLeave: module.machineField("jitLeave"),
    jumpCache: module.layout("JUMP_CACHE_BASE"),
    tlbBytes: module.layout("TLB_BYTES"),
    tlbEntries: module.layout("TLB_ENTRIES"),
    jumpCacheEntries: module.layout("JUMP_CACHE_ENTRIES"),
  };
}

/** Functions of `hart.wasm` that jitted code calls, in the order of their import. */
export const RUNTIME_IMPORTS = [
  { name: "jitLoad", params: "hart va kind", type: ["i32", "i64", "i32"], result: "i64" },
  {
    name: "jitStore",
    params: "hart va kind value",
    type: ["i32", "i64", "i32", "i64"],
    result: undefined,
  },
  { name: "jitBinary", params: "op a b", type: ["i32", "i64", "i64"], result: "i64" },
] as const;

/** Index of a runtime function in a jitted module. */
export const RUNTIME = { load: 0, store: 1, binary: 2 } as const;
