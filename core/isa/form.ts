/**
 * The executable form of an instruction: which parts of the word, or which constants, go to `rd`,
 * `rs1`, `rs2`, `rs3`, `imm` and `rm` of the 32-bit instruction that is executed. The decoders of
 * the interpreter and of TypeScript both follow it, so compressed instructions need no code of
 * their own behind the decoder.
 *
 * @module
 */

import type { Field, Slot } from "./encoding.ts";
import { type Instruction, parseSyntax, registerNumber } from "./instruction.ts";
import { instructions } from "./mod.ts";

/** One contribution to a slot: a field of the word shifted left, or a constant. */
export type Source =
  | { readonly type: "field"; readonly field: Field; readonly shift: number }
  | { readonly type: "constant"; readonly value: number };

/** The executable form of one row. */
export interface Form {
  /** The 32-bit instruction that is executed: the row itself unless compressed or `within`. */
  readonly base: Instruction;
  /** Sources of each used slot, or-ed together. */
  readonly slots: ReadonlyMap<Slot, readonly Source[]>;
  /** Whether `rd` is an integer register, and so a write to 0 goes nowhere. */
  readonly integerRd: boolean;
}

const byName: ReadonlyMap<string, Instruction> = new Map(
  instructions.filter(({ length }) => length === 4).map((row) => [row.name, row]),
);
const forms = new Map<Instruction, Form>(instructions.map((row) => [row, derive(row)]));

/** The executable form of a row of the table. */
export function formOf(row: Instruction): Form {
  return forms.get(row)!;
}

function derive(row: Instruction): Form {
  const base = executed(row);
  const slots = row.expandsTo === undefined ? ownSlots(base) : expandedSlots(row, base);
  const integerRd = base.fields.some(({ slot, kind }) => slot === "rd" && kind === "x");
  return { base, slots, integerRd };
}

function executed(row: Instruction): Instruction {
  const name = row.expandsTo === undefined ? row.within : parseSyntax(row.expandsTo).name;
  if (name === undefined) return row;
  const base = byName.get(name);
  if (base === undefined) throw new ReferenceError(`"${row.name}" executes as unknown "${name}"`);
  return base;
}

function ownSlots(base: Instruction): Map<Slot, Source[]> {
  const slots = new Map<Slot, Source[]>();
  for (const field of base.fields) {
    add(slots, field.slot, { type: "field", field, shift: field.slotShift });
  }
  return slots;
}

function expandedSlots(row: Instruction, base: Instruction): Map<Slot, Source[]> {
  const { args } = parseSyntax(row.expandsTo!);
  if (args.length !== base.operands.length) {
    throw new SyntaxError(`"${row.name}" expands to "${row.expandsTo}", not ${base.name}'s syntax`);
  }
  const slots = new Map<Slot, Source[]>();
  for (const [index, operand] of base.operands.entries()) {
    if (operand.type !== "field") continue;
    const { text } = args[index]!;
    const field = row.fields.find(({ name }) => name === text);
    add(
      slots,
      operand.field.slot,
      field === undefined
        ? { type: "constant", value: registerNumber(text) ?? Number(text) }
        : { type: "field", field, shift: operand.field.slotShift },
    );
  }
  return slots;
}

function add(slots: Map<Slot, Source[]>, slot: Slot, source: Source): void {
  slots.set(slot, [...slots.get(slot) ?? [], source]);
}
