/**
 * Numbers the operations that the interpreter executes: one for each 32-bit instruction that is not
 * within another. Compressed instructions and `within` hints have the number of the instruction that
 * they execute as.
 *
 * The order makes a dense jump table with the hot integer operations first, and keeps atomics and
 * floating point together, so that a range check answers "needs mstatus.FS".
 *
 * Only `tools/generate_decoder.ts` numbers; everybody else has the result, see `ops.ts`.
 *
 * @module
 */

import type { Instruction } from "./instruction.ts";
import { instructions } from "./mod.ts";

/** A range of operation numbers, both ends included. */
export interface OpRange {
  readonly first: number;
  readonly last: number;
}

const atomics = (row: Instruction) => row.flags.has("atomic");
const fpMemory = (row: Instruction) => row.flags.has("fp") && touchesMemory(row);
const fpOther = (row: Instruction) => row.flags.has("fp") && !touchesMemory(row);
const FP_MEMORY_ORDER = ["flw", "fld", "flh", "fsw", "fsd", "fsh"];

/** The executable instructions by operation number; entry 0 is missing, it stands for illegal. */
export const numbered: readonly (Instruction | undefined)[] = [undefined, ...ordered()];

/** The constant's name of an operation: `amoadd.d` is `OP_AMOADD_D`. */
export function opConstant(name: string): string {
  return `OP_${name.toUpperCase().replaceAll(".", "_")}`;
}

/** The operations that share a property, as a range. */
export const opRanges: Readonly<Record<"amo" | "fp", OpRange>> = {
  amo: rangeOf(atomics),
  fp: rangeOf((row) => row.flags.has("fp")),
};

function touchesMemory(row: Instruction): boolean {
  return row.flags.has("load") || row.flags.has("store");
}

function ordered(): Instruction[] {
  const rows = instructions.filter((row) => row.length === 4 && row.within === undefined);
  const loadsAndStores = rows.filter(fpMemory).toSorted((left, right) =>
    FP_MEMORY_ORDER.indexOf(left.name) - FP_MEMORY_ORDER.indexOf(right.name)
  );
  const fp = [...loadsAndStores, ...rows.filter(fpOther)];
  // Rows come in the order of the table; only floating point is rearranged, at its first row.
  const firstFp = rows.findIndex((row) => row.flags.has("fp"));
  const integer = (row: Instruction) => !row.flags.has("fp");
  return [...rows.slice(0, firstFp).filter(integer), ...fp, ...rows.slice(firstFp).filter(integer)];
}

function rangeOf(belongs: (row: Instruction) => boolean): OpRange {
  const members = numbered.flatMap((row, number) =>
    row !== undefined && belongs(row) ? [number] : []
  );
  return { first: members[0]!, last: members.at(-1)! };
}
