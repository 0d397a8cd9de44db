/**
 * WebAssembly's binary format: bytes of instructions and modules. It knows nothing of RISC-V.
 *
 * Everything is written into one preallocated buffer that grows by doubling; sizes that are known only
 * later take a padded LEB128 of five bytes and are filled in (WebAssembly Core 2.0, section 5).
 *
 * @module
 */

/** Opcodes used by the translator (WebAssembly Core 2.0, 5.4; tail calls: 3.0). */
export const Wasm = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  return_call_indirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  i32_load: 0x28,
  i64_load: 0x29,
  f32_load: 0x2a,
  f64_load: 0x2b,
  i64_load8_s: 0x30,
  i64_load8_u: 0x31,
  i64_load16_s: 0x32,
  i64_load16_u: 0x33,
  i64_load32_s: 0x34,
  i64_load32_u: 0x35,
  i32_store: 0x36,
  i64_store: 0x37,
  f32_store: 0x38,
  f64_store: 0x39,
  i64_store8: 0x3c,
  i64_store16: 0x3d,
  i64_store32: 0x3e,
  i32_const: 0x41,
  i64_const: 0x42,
  f32_const: 0x43,
  f64_const: 0x44,
  i32_eqz: 0x45,
  i32_eq: 0x46,
  i32_ne: 0x47,
  i32_lt_s: 0x48,
  i32_lt_u: 0x49,
  i32_gt_u: 0x4b,
  i32_le_u: 0x4d,
  i32_ge_s: 0x4e,
  i64_eqz: 0x50,
  i64_eq: 0x51,
  i64_ne: 0x52,
  i64_lt_s: 0x53,
  i64_lt_u: 0x54,
  i64_gt_s: 0x55,
  i64_gt_u: 0x56,
  i64_le_u: 0x58,
  i64_ge_s: 0x59,
  i64_ge_u: 0x5a,
  f32_eq: 0x5b,
  f32_lt: 0x5d,
  f32_gt: 0x5e,
  f32_le: 0x5f,
  f64_eq: 0x61,
  f64_lt: 0x63,
  f64_gt: 0x64,
  f64_le: 0x65,
  f64_ge: 0x66,
  i32_clz: 0x67,
  i32_ctz: 0x68,
  i32_popcnt: 0x69,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_div_s: 0x6d,
  i32_div_u: 0x6e,
  i32_rem_s: 0x6f,
  i32_rem_u: 0x70,
  i32_and: 0x71,
  i32_or: 0x72,
  i32_xor: 0x73,
  i32_shl: 0x74,
  i32_shr_s: 0x75,
  i32_shr_u: 0x76,
  i32_rotl: 0x77,
  i32_rotr: 0x78,
  i64_clz: 0x79,
  i64_ctz: 0x7a,
  i64_popcnt: 0x7b,
  i64_add: 0x7c,
  i64_sub: 0x7d,
  i64_mul: 0x7e,
  i64_div_s: 0x7f,
  i64_div_u: 0x80,
  i64_rem_s: 0x81,
  i64_rem_u: 0x82,
  i64_and: 0x83,
  i64_or: 0x84,
  i64_xor: 0x85,
  i64_shl: 0x86,
  i64_shr_s: 0x87,
  i64_shr_u: 0x88,
  i64_rotl: 0x89,
  i64_rotr: 0x8a,
  f32_abs: 0x8b,
  f32_neg: 0x8c,
  f32_nearest: 0x90,
  f32_sqrt: 0x91,
  f32_add: 0x92,
  f32_sub: 0x93,
  f32_mul: 0x94,
  f32_div: 0x95,
  f32_min: 0x96,
  f32_max: 0x97,
  f32_copysign: 0x98,
  f64_abs: 0x99,
  f64_neg: 0x9a,
  f64_nearest: 0x9e,
  f64_sqrt: 0x9f,
  f64_add: 0xa0,
  f64_sub: 0xa1,
  f64_mul: 0xa2,
  f64_div: 0xa3,
  f64_min: 0xa4,
  f64_max: 0xa5,
  f64_copysign: 0xa6,
  i32_wrap_i64: 0xa7,
  i64_extend_i32_s: 0xac,
  i64_extend_i32_u: 0xad,
  f32_convert_i32_s: 0xb2,
  f32_convert_i32_u: 0xb3,
  f32_convert_i64_s: 0xb4,
  f32_convert_i64_u: 0xb5,
  f32_demote_f64: 0xb6,
  f64_convert_i32_s: 0xb7,
  f64_convert_i32_u: 0xb8,
  f64_convert_i64_s: 0xb9,
  f64_convert_i64_u: 0xba,
  f64_promote_f32: 0xbb,
  i32_reinterpret_f32: 0xbc,
  i64_reinterpret_f64: 0xbd,
  f32_reinterpret_i32: 0xbe,
  f64_reinterpret_i64: 0xbf,
  i64_extend8_s: 0xc2,
  i64_extend16_s: 0xc3,
  i64_extend32_s: 0xc4,
} as const;

/** Value types (5.3.1), and the empty block type (5.4.1). */
export const Type = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  funcref: 0x70,
  empty: 0x40,
} as const;

const PADDED_LEB_BYTES = 5;

/** Whether a branch is usually taken, or an `if` usually entered (WebAssembly branch hinting). */
export interface BranchHint {
  /** Offset of the opcode in its function's body. */
  readonly offset: number;
  readonly isLikely: boolean;
}

/** A growing buffer of bytes in WebAssembly's encodings. */
export class WasmWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #functionStart = 0;
  #hints: BranchHint[] = [];

  constructor(initialBytes = 1 << 16) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; the buffer stays the writer's. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Starts over. */
  clear(): void {
    this.#length = 0;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + count));
    larger.set(this.written);
    this.#bytes = larger;
  }

  /** One byte: an opcode, a type. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Unsigned LEB128 of a number below 2^32. */
  unsigned(value: number): void {
    this.#reserve(PADDED_LEB_BYTES);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Signed LEB128 of a safe integer. */
  signed(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest < -0x40 || rest > 0x3f) {
      const low = ((rest % 0x80) + 0x80) % 0x80;
      this.#bytes[this.#length++] = low | 0x80;
      rest = (rest - low) / 0x80;
    }
    this.#bytes[this.#length++] = rest & 0x7f;
  }

  /** UTF-8 name with its length; ASCII names only. */
  name(text: string): void {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  /** Opens something whose size in bytes comes first; {@link endSized} fills it in. */
  beginSized(): number {
    this.#reserve(PADDED_LEB_BYTES);
    this.#length += PADDED_LEB_BYTES;
    return this.#length;
  }

  endSized(start: number): void {
    let size = this.#length - start;
    for (let i = 0; i < PADDED_LEB_BYTES; i++) {
      const last = i === PADDED_LEB_BYTES - 1;
      this.#bytes[start - PADDED_LEB_BYTES + i] = (size & 0x7f) | (last ? 0 : 0x80);
      size >>>= 7;
    }
  }

  /** Opens a function's body; {@link endFunction} closes it. */
  beginFunction(): void {
    this.#functionStart = this.beginSized();
    this.#hints = [];
  }

  /** Closes the body, and answers its hints. */
  endFunction(): readonly BranchHint[] {
    this.endSized(this.#functionStart);
    return this.#hints;
  }

  /** Says of the `if` or `br_if` that is written next whether it is usually taken. */
  hint(isLikely: boolean): void {
    this.#hints.push({ offset: this.#length - this.#functionStart, isLikely });
  }

  // ---- Instructions with immediates ----

  i32Const(value: number): void {
    this.byte(Wasm.i32_const);
    this.signed(value | 0);
  }

  i64Const(value: number): void {
    this.byte(Wasm.i64_const);
    this.signed(value);
  }

  f64Const(value: number): void {
    this.byte(Wasm.f64_const);
    this.#float(new Float64Array([value]));
  }

  f32Const(value: number): void {
    this.byte(Wasm.f32_const);
    this.#float(new Float32Array([value]));
  }

  #float(value: Float64Array | Float32Array): void {
    this.raw(new Uint8Array(value.buffer)); // both are little endian
  }

  /** `br_table` to one depth for each index; an index beyond takes the last. */
  brTable(depths: readonly number[]): void {
    this.byte(Wasm.br_table);
    this.unsigned(depths.length - 1);
    for (const depth of depths) this.unsigned(depth);
  }

  /** Saturating truncation (0xfc prefix): the operation's number, 0 to 7. */
  truncateSaturating(operation: number): void {
    this.byte(0xfc);
    this.unsigned(operation);
  }

  localGet(index: number): void {
    this.byte(Wasm.local_get);
    this.unsigned(index);
  }

  localSet(index: number): void {
    this.byte(Wasm.local_set);
    this.unsigned(index);
  }

  localTee(index: number): void {
    this.byte(Wasm.local_tee);
    this.unsigned(index);
  }

  /** A load or store with natural alignment not promised. */
  memory(opcode: number, offset: number): void {
    this.byte(opcode);
    this.byte(0);
    this.unsigned(offset);
  }

  /** `block`, `loop` or `if` without a result. */
  begin(opcode: number): void {
    this.byte(opcode);
    this.byte(Type.empty);
  }

  br(depth: number): void {
    this.byte(Wasm.br);
    this.unsigned(depth);
  }

  brIf(depth: number): void {
    this.byte(Wasm.br_if);
    this.unsigned(depth);
  }

  call(functionIndex: number): void {
    this.byte(Wasm.call);
    this.unsigned(functionIndex);
  }
}
