/**
 * The shape of an instruction row, and `define`, which reads rows.
 *
 * A row is the assembler syntax, the encoding as the manual lists it, and options. Everything else
 * known about an instruction (mask, match, operands, what it reads and writes) is derived here.
 *
 * @module
 */

import { type Encoding, type Exclusion, type Field, parseEncoding } from "./encoding.ts";

/** What an instruction does that a translator must know without knowing the instruction. */
export type Flag =
  /** Conditional change of pc. */
  | "branch"
  /** Unconditional change of pc. */
  | "jump"
  /** Reads memory. */
  | "load"
  /** Writes memory. */
  | "store"
  /** Load-reserved, store-conditional or atomic read-modify-write. */
  | "atomic"
  /** Accesses a CSR. */
  | "csr"
  /** Needs `mstatus.FS` to be on. */
  | "fp"
  /** Memory, instruction or translation ordering. */
  | "fence"
  /** Cache-block management. */
  | "cache"
  /** Always traps. */
  | "trap"
  /** Legality depends on privilege or on a virtualization control. */
  | "privileged"
  /** Changes no architectural state but pc. */
  | "hint";

/** An operand in assembler order: a field of the word, or a register that the syntax fixes. */
export type Operand =
  | { readonly type: "field"; readonly field: Field; readonly memory: boolean }
  | { readonly type: "register"; readonly number: number; readonly memory: boolean };

/** One row of the instruction table. */
export interface Instruction {
  /** Assembler mnemonic, without `.aq`/`.rl`. */
  readonly name: string;
  /** Extension as named in ISA strings, for example `"I"`, `"Zba"`. */
  readonly extension: string;
  /** Length in bytes. */
  readonly length: 2 | 4;
  readonly mask: number;
  readonly match: number;
  /** Words within mask and match that are not this instruction. */
  readonly exclusions: readonly Exclusion[];
  /** Every variable part of the word. */
  readonly fields: readonly Field[];
  /** What the assembler writes, in its order. A `memory` operand stands in parentheses. */
  readonly operands: readonly Operand[];
  readonly flags: ReadonlySet<Flag>;
  /** For a compressed instruction: the 32-bit instruction it stands for, in assembler syntax. */
  readonly expandsTo?: string;
  /**
   * Name of a more general instruction that contains this encoding on purpose, and whose execution
   * is right for it too: `pause` within `fence`, `prefetch.r` within `ori`.
   */
  readonly within?: string;
}

/** Options of a row. */
export interface RowOptions {
  readonly expandsTo?: string;
  readonly within?: string;
}

/** Assembler syntax, encoding, options. */
export type Row = readonly [syntax: string, encoding: string, options?: RowOptions];

/**
 * Reads rows of one extension that share their flags.
 *
 * @throws {SyntaxError} if a row does not parse, or its syntax names a field not in its encoding
 */
export function define(
  extension: string,
  flags: readonly Flag[],
  rows: readonly Row[],
): Instruction[] {
  const shared: ReadonlySet<Flag> = new Set(flags);
  return rows.map(([syntax, encodingText, options]) => {
    const { name, args } = parseSyntax(syntax);
    const encoding = parseEncoding(encodingText);
    const operands = args.map((arg) => operandOf(arg, encoding, syntax));
    return { name, extension, ...encoding, operands, flags: shared, ...options };
  });
}

/** One argument of an assembler line. */
export interface SyntaxArgument {
  readonly text: string;
  /** Whether it stands in parentheses. */
  readonly memory: boolean;
}

/** Splits `ld rd, imm(rs1)` into the mnemonic and its arguments in order. */
export function parseSyntax(syntax: string): { name: string; args: SyntaxArgument[] } {
  const [name, ...rest] = syntax.trim().split(/\s+/);
  const args: SyntaxArgument[] = [];
  for (const [part] of rest.join("").matchAll(/\(?[^,()]+\)?/g)) {
    const memory = part.startsWith("(");
    args.push({ text: memory ? part.slice(1, -1) : part, memory });
  }
  return { name: name!, args };
}

/** The number of a literal register (`x2`), or undefined if `text` is something else. */
export function registerNumber(text: string): number | undefined {
  return /^x\d+$/.test(text) ? Number(text.slice(1)) : undefined;
}

function operandOf(
  { text, memory }: SyntaxArgument,
  encoding: Encoding,
  syntax: string,
): Operand {
  const number = registerNumber(text);
  if (number !== undefined) return { type: "register", number, memory };
  const field = encoding.fields.find(({ name }) => name === text);
  if (field === undefined) throw new SyntaxError(`"${syntax}": no field ${text} in the encoding`);
  return { type: "field", field, memory };
}
