/**
 * The operations that the interpreter executes, by number, with what translation must know of them.
 * Compressed instructions and `within` hints have the number of the instruction that they execute as.
 *
 * All of it derives from the instruction table, but is generated beforehand: to read the table takes
 * 13 ms, and every machine that starts would pay.
 *
 * @module
 */

import type { FieldKind, Slot } from "./encoding.ts";
import { OPERATIONS, SHAPES } from "./generated/operations.ts";
import type { Flag } from "./instruction.ts";

/** Number of a word that is no instruction. */
export const ILLEGAL = 0;

/** What an operation is, apart from its encoding. */
export interface Operation {
  /** Assembler mnemonic. */
  readonly name: string;
  readonly flags: ReadonlySet<Flag>;
  /** Every variable part of the word: where the executable form keeps it, and what it holds. */
  readonly fields: readonly { readonly slot: Slot; readonly kind: FieldKind }[];
}

/** What operations that are encoded alike have in common; `generated/operations.ts` lists them. */
export interface OperationShape {
  readonly flags: readonly Flag[];
  readonly fields: readonly (readonly [slot: Slot, kind: FieldKind])[];
}

const shapes = SHAPES.map(({ flags, fields }) => ({
  flags: new Set(flags),
  fields: fields.map(([slot, kind]) => ({ slot, kind })),
}));

/** The operations by number; entry 0 is missing, it stands for illegal. */
export const executable: readonly (Operation | undefined)[] = [
  undefined,
  ...OPERATIONS.map(([name, shape]) => ({ name, ...shapes[shape]! })),
];

const numbers: ReadonlyMap<string, number> = new Map(
  OPERATIONS.map(([name], index) => [name, index + 1]),
);

/**
 * The operation number of a mnemonic.
 *
 * @throws {ReferenceError} if no executable instruction has this name
 */
export function opNumber(name: string): number {
  const number = numbers.get(name);
  if (number === undefined) throw new ReferenceError(`No executable instruction "${name}"`);
  return number;
}
