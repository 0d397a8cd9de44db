/**
 * The disassembler: a word as text, spelled as `objdump -M no-aliases,numeric` spells it, with one
 * space after the mnemonic. Operands and their order come from the row's assembler syntax.
 *
 * @module
 */

import { csrNames } from "./csr_names.ts";
import { lookUp } from "./decode.ts";
import { extractField, type Field } from "./encoding.ts";
import type { Instruction, Operand } from "./instruction.ts";

const ROUNDING_MODES = ["rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", "dyn"];
const DYNAMIC = 7;

/** Conversions that are always exact: assemblers encode rounding mode 0 and do not print it. */
const EXACT_CONVERSIONS: ReadonlySet<string> = new Set([
  "fcvt.d.w",
  "fcvt.d.wu",
  "fcvt.d.s",
  "fcvt.s.h",
  "fcvt.d.h",
]);

/**
 * Disassembles one instruction.
 *
 * @param word The instruction; of one whose low bits are not `11`, only the low 16 bits count.
 * @param pc Its address, for branch targets.
 * @returns The text, for example `c.ldsp x1,8(x2)`; `.2byte` or `.4byte` and the word in
 * hexadecimal if it is no instruction.
 */
export function disassemble(word: number, pc = 0n): string {
  const row = lookUp(word);
  if (row === undefined) {
    return (word & 3) === 3
      ? `.4byte 0x${(word >>> 0).toString(16)}`
      : `.2byte 0x${(word & 0xffff).toString(16)}`;
  }
  const operands = operandTexts(row, word, pc);
  const mnemonic = row.name + orderingSuffix(row, word);
  return operands === "" ? mnemonic : `${mnemonic} ${operands}`;
}

/** Joins by commas; an address in parentheses follows its offset without one. */
function operandTexts(row: Instruction, word: number, pc: bigint): string {
  let text = "";
  let afterOffset = false;
  for (const operand of row.operands) {
    const value = operandText(operand, row, word, pc);
    if (value === undefined) continue;
    const separator = text === "" || (operand.memory && afterOffset) ? "" : ",";
    text += separator + (operand.memory ? `(${value})` : value);
    afterOffset = operand.type === "field" && operand.field.kind === "imm";
  }
  return text;
}

function operandText(
  operand: Operand,
  row: Instruction,
  word: number,
  pc: bigint,
): string | undefined {
  if (operand.type === "register") return `x${operand.number}`;
  const { field } = operand;
  const value = extractField(field, word);
  switch (field.kind) {
    case "x":
    case "f":
      return field.kind + value;
    case "csr":
      return csrNames.get(value) ?? `0x${value.toString(16)}`;
    case "rm":
      return value === (EXACT_CONVERSIONS.has(row.name) ? 0 : DYNAMIC)
        ? undefined
        : ROUNDING_MODES[value];
    case "fence":
      return fenceSet(value);
    default:
      return immediateText(field, value, row, pc);
  }
}

function immediateText(field: Field, value: number, row: Instruction, pc: bigint): string {
  if (row.flags.has("branch") || (row.flags.has("jump") && !hasBase(row))) {
    return `0x${BigInt.asUintN(64, pc + BigInt(value)).toString(16)}`;
  }
  const isUpper = field.ranges.every(({ valueLsb }) => valueLsb >= 12);
  if (isUpper) return `0x${((value >>> 12) & 0xfffff).toString(16)}`;
  return field.name === "shamt" ? `0x${value.toString(16)}` : String(value);
}

function hasBase(row: Instruction): boolean {
  return row.operands.some(({ memory }) => memory);
}

function fenceSet(set: number): string {
  const letters = [..."iorw"].filter((_, index) => (set & (8 >> index)) !== 0);
  return letters.length === 0 ? "unknown" : letters.join("");
}

function orderingSuffix(row: Instruction, word: number): string {
  const set = row.fields
    .filter(({ kind }) => kind === "aqrl")
    .filter((field) => extractField(field, word) === 1)
    .map(({ name }) => name);
  return set.length === 0 ? "" : `.${set.join("")}`;
}
