/**
 * The TypeScript decoder: a word to its row, its operands and its executable form. The interpreter
 * has a generated one in AssemblyScript; a test holds the two together.
 *
 * @module
 */

import { extractField, type Slot } from "./encoding.ts";
import { formOf } from "./form.ts";
import type { Instruction } from "./instruction.ts";
import { instructions } from "./mod.ts";
import { opNumber } from "./ops.ts";

/** Number under which an integer destination of x0 is kept: a register that nobody reads. */
export const X0_SINK = 32;

/** A decoded word. The slots are as the interpreter's decode cache has them; unused ones are 0. */
export interface Decoded {
  /** The row as encoded, compressed ones and hints included. */
  readonly instruction: Instruction;
  /** The 32-bit instruction that is executed. */
  readonly base: Instruction;
  /** Operation number of `base`. */
  readonly op: number;
  /** Length in bytes. */
  readonly length: 2 | 4;
  /** Destination; {@link X0_SINK} for an integer destination of x0. */
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /** Sign-extended immediate, shift amount, CSR number, or fence sets. */
  readonly imm: number;
  /** Rounding mode, or `aq << 1 | rl`. */
  readonly rm: number;
}

// Rows by the bits that all rows of a length fix or nearly so: major opcode, quadrant and funct3.
const wide = Array.from({ length: 32 }, (_, opcode) => candidates(4, 0x7c, opcode << 2));
const compressed = Array.from(
  { length: 32 },
  (_, key) => candidates(2, 0xe003, compressedBits(key)),
);

/** Decodes a word; of one whose low bits are not `11`, only the low 16 bits count. */
export function decode(word: number): Decoded | undefined {
  const instruction = lookUp(word);
  if (instruction === undefined) return undefined;
  const { base, slots, integerRd } = formOf(instruction);
  const values: Record<Slot, number> = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, rm: 0 };
  for (const [slot, sources] of slots) {
    for (const source of sources) {
      values[slot] |= source.type === "constant"
        ? source.value
        : extractField(source.field, word) << source.shift;
    }
  }
  if (integerRd && values.rd === 0) values.rd = X0_SINK;
  return { instruction, base, op: opNumber(base.name), length: instruction.length, ...values };
}

/** The row that a word belongs to, the most specific one where one is within another. */
export function lookUp(word: number): Instruction | undefined {
  const narrow = (word & 3) !== 3;
  const bits = narrow ? word & 0xffff : word >>> 0;
  const rows = narrow ? compressed[((bits >> 13) << 2) | (bits & 3)]! : wide[(bits >> 2) & 31]!;
  return rows.find((row) => contains(row, bits));
}

function contains({ mask, match, exclusions }: Instruction, word: number): boolean {
  return ((word & mask) >>> 0) === match &&
    exclusions.every((excluded) => ((word & excluded.mask) >>> 0) !== excluded.match);
}

function candidates(length: 2 | 4, mask: number, match: number): Instruction[] {
  const rows = instructions.filter((row) =>
    row.length === length && ((row.match ^ match) & row.mask & mask) === 0
  );
  return [
    ...rows.filter((row) => row.within !== undefined),
    ...rows.filter((row) => row.within === undefined),
  ];
}

function compressedBits(key: number): number {
  return ((key >> 2) << 13) | (key & 3);
}
