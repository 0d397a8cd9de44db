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
  i64_load8_s: 0x30,
  i64_load8_u: 0x31,
  i64_load16_s: 0x32,
  i64_load16_u: 0x33,
  i64_load32_s: 0x34,
  i64_load32_u: 0x35,
  i32_store: 0x36,
  i64_store: 0x37,
  i64_store8: 0x3c,
  i64_store16: 0x3d,
  i64_store32: 0x3e,
  i32_const: 0x41,
  i64_const: 0x42,
  i32_eqz: 0x45,
  i32_eq: 0x46,
  i32_ne: 0x47,
  i32_lt_s: 0x48,
  i32_lt_u: 0x49,
  i64_eqz: 0x50,
  i64_eq: 0x51,
  i64_ne: 0x52,
  i64_lt_s: 0x53,
  i64_lt_u: 0x54,
  i64_gt_s: 0x55,
  i64_gt_u: 0x56,
  i64_ge_s: 0x59,
  i64_ge_u: 0x5a,
  i32_clz: 0x67,
  i32_ctz: 0x68,
  i32_popcnt: 0x69,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_and: 0x71,
  i32_or: 0x72,
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
  i64_and: 0x83,
  i64_or: 0x84,
  i64_xor: 0x85,
  i64_shl: 0x86,
  i64_shr_s: 0x87,
  i64_shr_u: 0x88,
  i64_rotl: 0x89,
  i64_rotr: 0x8a,
  i32_wrap_i64: 0xa7,
  i64_extend_i32_s: 0xac,
  i64_extend_i32_u: 0xad,
  i64_extend8_s: 0xc2,
  i64_extend16_s: 0xc3,
  i64_extend32_s: 0xc4,
} as const;

/** Value types (5.3.1), and the empty block type (5.4.1). */
export const Type = { i32: 0x7f, i64: 0x7e, funcref: 0x70, empty: 0x40 } as const;

const PADDED_LEB_BYTES = 5;

/** A growing buffer of bytes in WebAssembly's encodings. */
export class WasmWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

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

  // ---- Instructions with immediates ----

  i32Const(value: number): void {
    this.byte(Wasm.i32_const);
    this.signed(value | 0);
  }

  i64Const(value: number): void {
    this.byte(Wasm.i64_const);
    this.signed(value);
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
