/**
 * What an emitter is: the WebAssembly of one instruction.
 *
 * @module
 */

import { opNumber } from "../isa/ops.ts";
import type { Placed, RegionWriter } from "./region_writer.ts";

/** Writes one instruction that is not a jump. */
export type Emit = (writer: RegionWriter, placed: Placed) => void;

/** How translated code does an instruction. */
export type Coverage =
  /** All of it is written out, perhaps with the call of an arithmetic function. */
  | "inline"
  /** The common case is written out; the others call the hart's functions. */
  | "inline+slow"
  /** The interpreter's function executes it. */
  | "call"
  /** So too, and then the run loop is asked: it traps, returns from a trap, or waits. */
  | "leave";

/** An instruction's emitter. */
export interface Emitter {
  readonly coverage: Coverage;
  readonly emit: Emit;
  /** Needs `mstatus.FS` dirty before its block begins. */
  readonly needsFp: boolean;
  /** Uses {@link import("./region_writer.ts").FP_FAST}. */
  readonly needsFpFast: boolean;
}

/** Emitters by operation number, from a table by mnemonic. */
export function byOperation(
  coverage: Coverage,
  table: Readonly<Record<string, Emit>>,
  fp: { needsFp?: boolean; needsFpFast?: boolean } = {},
): [number, Emitter][] {
  const { needsFp = false, needsFpFast = false } = fp;
  return Object.entries(table).map((
    [name, emit],
  ) => [opNumber(name), { coverage, emit, needsFp, needsFpFast }]);
}
