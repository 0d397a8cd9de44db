/**
 * Functions of a WebAssembly module as text, for people who look at what the translator wrote. It reads
 * the binary format (WebAssembly Core 2.0, section 5) with the tail calls of 3.0, and has the names of
 * all instructions of theirs that work on numbers, locals, memory 0 and control.
 *
 * @module
 */

const SECTION = { type: 1, import: 2, function: 3, code: 10 } as const;
const IMPORT_FUNCTION = 0;
const MAGIC_BYTES = 8;

const VALUE_TYPES: ReadonlyMap<number, string> = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
  [0x70, "funcref"],
  [0x6f, "externref"],
]);
const EMPTY_BLOCK = 0x40;

// ---- Names (5.4) ----

const INTEGER_COMPARISONS = "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
const FLOAT_COMPARISONS = "eq ne lt gt le ge";
const INTEGER_ARITHMETIC =
  "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr";
const FLOAT_ARITHMETIC = "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign";
const LOADS_AND_STORES =
  "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s " +
  "i32.load16_u i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u " +
  "i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32";
const CONVERSIONS =
  "i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u " +
  "i64.extend_i32_s i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s " +
  "i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u " +
  "f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u " +
  "f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64 " +
  "i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s";
/** Behind the prefix 0xfc. */
const SATURATING =
  "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u " +
  "i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u";
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;

const NAMES = new Map<number, string>();
function name(first: number, names: string, prefix = ""): void {
  names.split(" ").forEach((each, n) => NAMES.set(first + n, prefix + each));
}
name(0x00, "unreachable nop block loop if else");
name(0x0b, "end br br_if br_table return call call_indirect return_call return_call_indirect");
name(0x1a, "drop select");
name(0x20, "local.get local.set local.tee global.get global.set");
name(0x28, LOADS_AND_STORES);
name(0x3f, "memory.size memory.grow");
name(0x41, "i32.const i64.const f32.const f64.const");
name(0x45, INTEGER_COMPARISONS, "i32.");
name(0x50, INTEGER_COMPARISONS, "i64.");
name(0x5b, FLOAT_COMPARISONS, "f32.");
name(0x61, FLOAT_COMPARISONS, "f64.");
name(0x67, INTEGER_ARITHMETIC, "i32.");
name(0x79, INTEGER_ARITHMETIC, "i64.");
name(0x8b, FLOAT_ARITHMETIC, "f32.");
name(0x99, FLOAT_ARITHMETIC, "f64.");
name(0xa7, CONVERSIONS);

const PREFIXED = new Map(SATURATING.split(" ").map((each, n) => [n, each]));
PREFIXED.set(MEMORY_COPY, "memory.copy").set(MEMORY_FILL, "memory.fill");

/** Name of an opcode of one byte, as the text format spells it; undefined if it is unknown here. */
export function opcodeName(opcode: number): string | undefined {
  return NAMES.get(opcode);
}

// ---- Reading ----

class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new SyntaxError("The module ends too early");
    return value;
  }

  unsigned(): number {
    return Number(BigInt.asUintN(32, this.#leb().value));
  }

  /** Signed LEB128 of up to 64 bits. */
  signed(): bigint {
    const { value, bits } = this.#leb();
    return BigInt.asIntN(Math.min(bits, 64), value);
  }

  #leb(): { value: bigint; bits: number } {
    let value = 0n;
    for (let bits = 0; bits < 70; bits += 7) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(bits);
      if (byte < 0x80) return { value, bits: bits + 7 };
    }
    throw new SyntaxError("A number has more than 64 bits");
  }

  name(): string {
    const length = this.unsigned();
    const start = this.at;
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(start, this.at));
  }

  f32(): number {
    this.at += 4;
    return this.#view.getFloat32(this.at - 4, true);
  }

  f64(): number {
    this.at += 8;
    return this.#view.getFloat64(this.at - 8, true);
  }

  types(): string[] {
    return Array.from({ length: this.unsigned() }, () => valueType(this.byte()));
  }
}

function valueType(byte: number): string {
  return VALUE_TYPES.get(byte) ?? `type_0x${byte.toString(16)}`;
}

interface FunctionType {
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

/** An instruction in a function body. */
export interface WasmInstruction {
  /** Where in the module its opcode stands. */
  readonly offset: number;
  readonly opcode: number;
  readonly text: string;
}

/** A function that a module defines. */
export interface WasmFunction {
  /** Its index in the module, imports counted. */
  readonly index: number;
  readonly type: FunctionType;
  /** Types of its locals, parameters included. */
  readonly locals: readonly string[];
  readonly instructions: readonly WasmInstruction[];
}

/**
 * Reads the functions of a module.
 *
 * @throws {SyntaxError} if the module is malformed, or uses what is not known here
 */
export function readFunctions(bytes: Uint8Array): WasmFunction[] {
  const reader = new Reader(bytes, MAGIC_BYTES);
  const types: FunctionType[] = [];
  const imports: string[] = [];
  const declared: number[] = [];
  const functions: WasmFunction[] = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const end = reader.unsigned() + reader.at;
    if (id === SECTION.type) {
      for (let count = reader.unsigned(); count > 0; count--) {
        reader.byte(); // 0x60: a function
        const parameters = reader.types();
        types.push({ parameters, results: reader.types() });
      }
    } else if (id === SECTION.import) readImports(reader, imports);
    else if (id === SECTION.function) {
      for (let count = reader.unsigned(); count > 0; count--) declared.push(reader.unsigned());
    } else if (id === SECTION.code) {
      const count = reader.unsigned();
      for (let n = 0; n < count; n++) {
        const bodyEnd = reader.unsigned() + reader.at;
        const type = types[declared[n]!]!;
        const locals = [...type.parameters];
        for (let groups = reader.unsigned(); groups > 0; groups--) {
          const size = reader.unsigned();
          const each = valueType(reader.byte());
          for (let i = 0; i < size; i++) locals.push(each);
        }
        const instructions: WasmInstruction[] = [];
        while (reader.at < bodyEnd) instructions.push(readInstruction(reader, imports));
        functions.push({ index: imports.length + n, type, locals, instructions });
      }
    }
    reader.at = end;
  }
  return functions;
}

/** Notes the names of imported functions. */
function readImports(reader: Reader, functions: string[]): void {
  for (let count = reader.unsigned(); count > 0; count--) {
    reader.name();
    const field = reader.name();
    const kind = reader.byte();
    if (kind === IMPORT_FUNCTION) {
      functions.push(field);
      reader.unsigned();
      continue;
    }
    if (kind === 1) reader.byte(); // a table's element type
    if (kind === 3) reader.at += 2; // a global
    else {
      const hasMaximum = reader.byte() & 1;
      reader.unsigned();
      if (hasMaximum) reader.unsigned();
    }
  }
}

function readInstruction(reader: Reader, imports: readonly string[]): WasmInstruction {
  const offset = reader.at;
  const opcode = reader.byte();
  if (opcode === 0xfc) return { offset, opcode, text: readPrefixed(reader) };
  const text = opcodeName(opcode);
  if (text === undefined) {
    throw new SyntaxError(`Unknown instruction 0x${opcode.toString(16)} at ${offset}`);
  }
  const operands = readOperands(reader, opcode, imports);
  return { offset, opcode, text: operands === "" ? text : `${text} ${operands}` };
}

function readPrefixed(reader: Reader): string {
  const operation = reader.unsigned();
  const text = PREFIXED.get(operation);
  if (text === undefined) throw new SyntaxError(`Unknown instruction 0xfc ${operation}`);
  if (operation === MEMORY_COPY) reader.at += 2;
  if (operation === MEMORY_FILL) reader.at += 1;
  return text;
}

function readOperands(reader: Reader, opcode: number, imports: readonly string[]): string {
  switch (opcode) {
    case 0x02:
    case 0x03:
    case 0x04: {
      const type = reader.byte();
      return type === EMPTY_BLOCK ? "" : `(result ${valueType(type)})`;
    }
    case 0x0e: {
      const depths = Array.from({ length: reader.unsigned() }, () => reader.unsigned());
      return [...depths, reader.unsigned()].join(" ");
    }
    case 0x10:
    case 0x12: {
      const index = reader.unsigned();
      return imports[index] === undefined ? String(index) : `$${imports[index]}`;
    }
    case 0x11:
    case 0x13: {
      const type = reader.unsigned();
      reader.unsigned();
      return `(type ${type})`;
    }
    case 0x0c:
    case 0x0d:
      return String(reader.unsigned());
    case 0x3f:
    case 0x40:
      reader.byte();
      return "";
    case 0x41:
    case 0x42:
      return String(reader.signed());
    case 0x43:
      return floatText(reader.f32());
    case 0x44:
      return floatText(reader.f64());
  }
  if (opcode >= 0x20 && opcode <= 0x24) return String(reader.unsigned());
  if (opcode >= 0x28 && opcode <= 0x3e) {
    reader.unsigned(); // alignment is a hint
    const offset = reader.unsigned();
    return offset === 0 ? "" : `offset=${offset}`;
  }
  return "";
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

// ---- Writing ----

/** A function in the text format, an instruction a line, indented by nesting. */
export function functionText({ index, type, locals, instructions }: WasmFunction): string {
  const part = (name: string, types: readonly string[]) =>
    types.length === 0 ? "" : ` (${name} ${types.join(" ")})`;
  const lines = [
    `(func (;${index};)${part("param", type.parameters)}${part("result", type.results)}`,
  ];
  const own = locals.slice(type.parameters.length);
  if (own.length > 0) lines.push(` ${part("local", own)}`);
  let depth = 1;
  // The last `end` is the function's.
  for (const { text } of instructions.slice(0, -1)) {
    const word = text.split(" ", 1)[0]!;
    if (word === "end" || word === "else") depth--;
    lines.push("  ".repeat(depth) + text);
    if (word === "block" || word === "loop" || word === "if" || word === "else") depth++;
  }
  return `${lines.join("\n")}\n)`;
}
