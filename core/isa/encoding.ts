/**
 * Parses the encoding column of an instruction row.
 *
 * A row spells its encoding as the manual's instruction listings do, from the most significant bit
 * down: fixed bits (`0110011`), don't-care bits (`-----`), named fields (`rs1`, `rd'`), immediates
 * with the order of their bits (`imm[4:1|11]`), and values that a field must not have (`rd!=0,2`).
 * Out of it come mask, match, the fields and the excluded values; nothing else in the project types
 * a bit position of an instruction.
 *
 * @module
 */

/** A run of bits of a field: `width` bits at `wordLsb` of the word, at `valueLsb` of the value. */
export interface BitRange {
  readonly wordLsb: number;
  readonly valueLsb: number;
  readonly width: number;
}

/**
 * What a field holds: an integer or floating-point register, an immediate, a CSR number, or one of
 * the small modifiers (rounding mode, `aq`/`rl`, fence sets).
 */
export type FieldKind = "x" | "f" | "imm" | "csr" | "rm" | "aqrl" | "fence";

/** Where the executable form of an instruction keeps a value. */
export type Slot = "rd" | "rs1" | "rs2" | "rs3" | "imm" | "rm";

/** A variable part of an instruction word. */
export interface Field {
  /** Name as in the row, for example `rd`, `frs1`, `rd'/rs1'`, `nzuimm`. */
  readonly name: string;
  readonly kind: FieldKind;
  /** How the instruction uses the register; `none` for anything that is not a register. */
  readonly access: "read" | "write" | "readwrite" | "none";
  /** Where a 32-bit instruction's field goes in the executable form, and how far it is shifted. */
  readonly slot: Slot;
  readonly slotShift: number;
  readonly ranges: readonly BitRange[];
  /** Whether the highest bit of the value is a sign. */
  readonly signed: boolean;
  /** Added to the encoded number: 8 for the three-bit registers `rd'`, `rs1'`, `rs2'`. */
  readonly bias: number;
}

/** A value that makes a word not this instruction: excluded when `(word & mask) == match`. */
export interface Exclusion {
  readonly mask: number;
  readonly match: number;
}

/** What an encoding column means. Masks and matches are unsigned. */
export interface Encoding {
  readonly length: 2 | 4;
  readonly mask: number;
  readonly match: number;
  readonly fields: readonly Field[];
  readonly exclusions: readonly Exclusion[];
}

type FieldShape = Omit<Field, "name" | "ranges"> & {
  /** Number of bits; absent for immediates, whose bit list tells. */
  readonly width?: number;
  /** Whether zero is excluded, as the manual's `nz` prefix says. */
  readonly nonZero?: boolean;
};

function register(kind: "x" | "f", access: Field["access"], slot: Slot, width: 3 | 5): FieldShape {
  return { kind, access, slot, slotShift: 0, signed: false, bias: width === 3 ? 8 : 0, width };
}

function immediate(signed: boolean, nonZero = false): FieldShape {
  return { kind: "imm", access: "none", slot: "imm", slotShift: 0, signed, bias: 0, nonZero };
}

function modifier(kind: FieldKind, slot: Slot, slotShift: number, width: number): FieldShape {
  return { kind, access: "none", slot, slotShift, signed: false, bias: 0, width };
}

const FIELD_SHAPES: Readonly<Record<string, FieldShape>> = {
  "rd": register("x", "write", "rd", 5),
  "rs1": register("x", "read", "rs1", 5),
  "rs2": register("x", "read", "rs2", 5),
  "frd": register("f", "write", "rd", 5),
  "frs1": register("f", "read", "rs1", 5),
  "frs2": register("f", "read", "rs2", 5),
  "frs3": register("f", "read", "rs3", 5),
  "rd/rs1": register("x", "readwrite", "rd", 5),
  "rd'": register("x", "write", "rd", 3),
  "rs1'": register("x", "read", "rs1", 3),
  "rs2'": register("x", "read", "rs2", 3),
  "rd'/rs1'": register("x", "readwrite", "rd", 3),
  "frd'": register("f", "write", "rd", 3),
  "frs2'": register("f", "read", "rs2", 3),
  "imm": immediate(true),
  "uimm": immediate(false),
  "nzimm": immediate(true, true),
  "nzuimm": immediate(false, true),
  "shamt": immediate(false),
  "csr": modifier("csr", "imm", 0, 12),
  "zimm": modifier("imm", "rs1", 0, 5),
  "rm": modifier("rm", "rm", 0, 3),
  "aq": modifier("aqrl", "rm", 1, 1),
  "rl": modifier("aqrl", "rm", 0, 1),
  "fm": modifier("fence", "imm", 8, 4),
  "pred": modifier("fence", "imm", 4, 4),
  "succ": modifier("fence", "imm", 0, 4),
};

/**
 * Parses one encoding column.
 *
 * @param text Tokens from bit 31 (or 15) down to bit 0, separated by spaces.
 * @throws {SyntaxError} if a token is unknown or the widths do not add up to 16 or 32
 */
export function parseEncoding(text: string): Encoding {
  const tokens = text.trim().split(/\s+/);
  const widths = tokens.map(tokenWidth);
  const total = widths.reduce((sum, width) => sum + width, 0);
  if (total !== 16 && total !== 32) {
    throw new SyntaxError(`Encoding "${text}" has ${total} bits, expected 16 or 32`);
  }
  let mask = 0;
  let match = 0;
  let lsb = total;
  const parts = new Map<string, BitRange[]>();
  const exclusions: Exclusion[] = [];
  for (const [index, token] of tokens.entries()) {
    const width = widths[index]!;
    lsb -= width;
    if (/^[01]+$/.test(token)) {
      mask |= ones(width) << lsb;
      match |= parseInt(token, 2) << lsb;
    } else if (!/^-+$/.test(token)) {
      const { name, bits, excluded } = splitToken(token);
      const ranges = parts.get(name) ?? [];
      parts.set(name, ranges);
      ranges.push(...bitRanges(bits, width, lsb));
      for (const value of excluded) {
        exclusions.push({ mask: (ones(width) << lsb) >>> 0, match: (value << lsb) >>> 0 });
      }
    }
  }
  const fields: Field[] = [];
  for (const [name, ranges] of parts) {
    const { width: _width, nonZero, ...shape } = shapeOf(name);
    fields.push({ name, ranges, ...shape });
    if (nonZero) exclusions.push({ mask: wordMask(ranges), match: 0 });
  }
  return {
    length: total === 16 ? 2 : 4,
    mask: mask >>> 0,
    match: match >>> 0,
    fields,
    exclusions,
  };
}

/** The value of `field` in `word`: a register number, or an immediate, sign-extended if signed. */
export function extractField(field: Field, word: number): number {
  let value = 0;
  for (const { wordLsb, valueLsb, width } of field.ranges) {
    value |= ((word >>> wordLsb) & ones(width)) << valueLsb;
  }
  if (!field.signed) return (value >>> 0) + field.bias;
  const unused = 32 - valueWidth(field);
  return (value << unused) >> unused;
}

/** Number of bits of the field's value, including implied low zeros. */
export function valueWidth(field: Field): number {
  return Math.max(...field.ranges.map(({ valueLsb, width }) => valueLsb + width));
}

/** The bits of the word that hold the field. */
export function wordMask(ranges: readonly BitRange[]): number {
  let mask = 0;
  for (const { wordLsb, width } of ranges) mask |= ones(width) << wordLsb;
  return mask >>> 0;
}

function ones(width: number): number {
  return width === 32 ? -1 : (1 << width) - 1;
}

function shapeOf(name: string): FieldShape {
  const shape = FIELD_SHAPES[name];
  if (shape === undefined) throw new SyntaxError(`Unknown field "${name}" in an encoding`);
  return shape;
}

function splitToken(token: string): { name: string; bits?: string; excluded: number[] } {
  const parts = /^([a-z0-9'/]+)(?:\[([0-9:|]+)\])?(?:!=([0-9,]+))?$/.exec(token);
  if (parts === null) throw new SyntaxError(`Bad token "${token}" in an encoding`);
  const excluded = parts[3] === undefined ? [] : parts[3].split(",").map(Number);
  const name = parts[1]!;
  return parts[2] === undefined ? { name, excluded } : { name, bits: parts[2], excluded };
}

/** Splits `10:5|2` into `[[10, 5], [2, 2]]`. */
function bitList(bits: string): [high: number, low: number][] {
  return bits.split("|").map((run) => {
    const [high, low] = run.split(":").map(Number);
    return [high!, low ?? high!];
  });
}

function tokenWidth(token: string): number {
  if (/^([01]+|-+)$/.test(token)) return token.length;
  const { name, bits } = splitToken(token);
  const width = shapeOf(name).width;
  if ((bits === undefined) === (width === undefined)) {
    throw new SyntaxError(`Token "${token}": immediates need a bit list, other fields have none`);
  }
  return width ?? bitList(bits!).reduce((sum, [high, low]) => sum + high - low + 1, 0);
}

function bitRanges(bits: string | undefined, width: number, lsb: number): BitRange[] {
  if (bits === undefined) return [{ wordLsb: lsb, valueLsb: 0, width }];
  let wordLsb = lsb + width;
  return bitList(bits).map(([high, low]) => {
    const runWidth = high - low + 1;
    wordLsb -= runWidth;
    return { wordLsb, valueLsb: low, width: runWidth };
  });
}
