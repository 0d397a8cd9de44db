/**
 * What emitters write with: the WebAssembly of one region's function, with the hart's registers in
 * locals, and the ways out of it.
 *
 * @module
 */

import type { DecodedInstruction } from "./blocks.ts";
import { type JitLayout, runtimeFunction } from "./layout.ts";
import { F0, registersRead, type RegisterUse, registerWritten, X_SINK } from "./register_use.ts";
import { Type, Wasm, type WasmWriter } from "./wasm_encoder.ts";

/** Parameters of a region's function: hart, instructions left, the page's virtual address, entry. */
export const HART = 0;
export const REMAINING = 1;
export const PAGE = 2;
export const ENTRY = 3;
/** i64: a virtual address, or where to go on. */
export const ADDRESS = 4;
/** i64: scratch. */
export const VALUE = 5;
/** i32: the read TLB of the data context. */
export const TLB = 6;
/** i32: a TLB entry, a pointer into memory, scratch. */
export const POINTER = 7;
/** i32: whether floating point may execute without a look at FS, set where the region is entered. */
export const FP_READY = 8;
/** i32: whether the host's rounding and the accrued NX make its results exact, set in each block. */
export const FP_FAST = 9;
/** f64 and f32: scratch. */
export const RESULT_D = 10;
export const RESULT_S = 11;
const FIRST_REGISTER = 12;

export const PAGE_MASK = -0x1000;
const PAGE_BYTES = 0x1000;
const MSTATUS_FS = 0x6000;
/** fflags.NX with frm = RNE, of the two as one 64-bit word. */
const NX_AND_FRM = 0x7_0000_0001;
const NX = 1;

/** An enclosing construct. */
export type LabelKind =
  | "asked"
  | "chain"
  | "chained"
  | "dispatch"
  | "leave"
  | "loop"
  | "merge"
  | "other";
interface Label {
  readonly kind: LabelKind;
  readonly order: number;
}

/** Orders of labels within one access. */
const HIT = -2, DONE = -3;
/** No page: a page's address has zeros there. */
const NO_PAGE = 1;

/**
 * Locals that remember the page which the accesses of a stream last went to, and its addend, so that
 * the next one need not look into the TLB. Whatever may change a TLB makes them forget.
 */
interface Stream {
  readonly page: number;
  readonly addend: number;
}

/** How an access uses a stream. */
export interface StreamUse {
  /** Number of the stream. */
  readonly stream: number;
  /** Looks into the TLB in any case, for those that follow. */
  readonly seeds: boolean;
}

/** Which accesses have a stream (streams.ts). */
export interface StreamPlan {
  readonly count: number;
  readonly uses: ReadonlyMap<DecodedInstruction, StreamUse>;
}

/** An instruction in its block. */
export interface Placed {
  readonly instruction: DecodedInstruction;
  /** Instructions of the block that REMAINING no longer counts and that have not retired, this one among them. */
  readonly unretired: number;
}

const LOAD = runtimeFunction("jitLoad");
const STORE = runtimeFunction("jitStore");
const EXECUTE = runtimeFunction("jitExecute");

/** Writes one region. */
export class RegionWriter {
  readonly out: WasmWriter;
  readonly layout: JitLayout;
  readonly #use: RegisterUse;
  readonly #locals = new Map<number, number>();
  readonly #usesFp: boolean;
  readonly #labels: Label[] = [];
  readonly #streams: readonly Stream[];
  readonly #streamUses: StreamPlan["uses"];

  constructor(out: WasmWriter, layout: JitLayout, use: RegisterUse, streams: StreamPlan) {
    this.out = out;
    this.layout = layout;
    this.#use = use;
    for (const register of use.used) {
      this.#locals.set(register, FIRST_REGISTER + this.#locals.size);
    }
    this.#usesFp = use.used.f !== 0;
    const first = FIRST_REGISTER + this.#locals.size;
    this.#streams = Array.from({ length: streams.count }, (_, n) => ({
      page: first + n,
      addend: first + streams.count + n,
    }));
    this.#streamUses = streams.uses;
  }

  // ---- The hart's state ----

  /** Pushes what {@link loadHart} and {@link storeHart} take for the address. */
  hart(): void {
    // A constant address needs no bounds check.
    if (this.layout.loneHart === undefined) this.out.localGet(HART);
    else this.out.i32Const(0);
  }

  /** Loads from the hart's state; {@link hart} was pushed. */
  loadHart(opcode: number, offset: number): void {
    this.out.memory(opcode, (this.layout.loneHart ?? 0) + offset);
  }

  /** Stores to the hart's state; {@link hart} and the value were pushed. */
  storeHart(opcode: number, offset: number): void {
    this.out.memory(opcode, (this.layout.loneHart ?? 0) + offset);
  }

  // ---- Labels ----

  /** Opens a `block`, `loop` or `if` without a result. */
  begin(opcode: number, kind: LabelKind = "other", order = -1): void {
    this.out.begin(opcode);
    this.#labels.push({ kind, order });
  }

  else(): void {
    this.out.byte(Wasm.else);
  }

  end(): void {
    this.#labels.pop();
    this.out.byte(Wasm.end);
  }

  /** How many constructs out a label is; undefined if it does not enclose. */
  depthOf(kind: LabelKind, order = -1): number | undefined {
    for (let depth = 0; depth < this.#labels.length; depth++) {
      const label = this.#labels[this.#labels.length - 1 - depth]!;
      if (label.kind === kind && label.order === order) return depth;
    }
    return undefined;
  }

  br(kind: LabelKind, order = -1): void {
    this.out.br(this.#depth(kind, order));
  }

  brIf(kind: LabelKind, order = -1): void {
    this.out.brIf(this.#depth(kind, order));
  }

  #depth(kind: LabelKind, order: number): number {
    const depth = this.depthOf(kind, order);
    if (depth === undefined) throw new Error(`no enclosing ${kind} ${order}`);
    return depth;
  }

  // ---- Function ----

  /** Declares the locals and fills them. */
  prologue(): void {
    const { out } = this;
    const registers = [...this.#locals.keys()];
    const floats = registers.filter((register) => register >= F0).length;
    const streams = this.#streams.length;
    out.unsigned(8);
    for (
      const [count, type] of [
        [2, Type.i64],
        [4, Type.i32],
        [1, Type.f64],
        [1, Type.f32],
        [registers.length - floats, Type.i64],
        [floats, Type.f64],
        [streams, Type.i64],
        [streams, Type.i32],
      ] as const
    ) {
      out.unsigned(count);
      out.byte(type);
    }
    for (const register of registers) this.#reload(register);
    this.#loadModes();
    this.#forgetStreams();
  }

  /** After anything that may have changed a TLB. */
  #forgetStreams(): void {
    for (const { page } of this.#streams) {
      this.out.i64Const(NO_PAGE);
      this.out.localSet(page);
    }
  }

  #reload(register: number): void {
    const { out } = this;
    this.hart();
    this.loadHart(register >= F0 ? Wasm.f64_load : Wasm.i64_load, register * 8);
    out.localSet(this.#locals.get(register)!);
  }

  /** What depends on the hart's mode. */
  #loadModes(): void {
    const { out, layout } = this;
    this.hart();
    this.loadHart(Wasm.i32_load, layout.dataContext);
    out.localSet(TLB);
    if (!this.#usesFp) return;
    this.hart();
    this.loadHart(Wasm.i32_load, layout.virt);
    out.byte(Wasm.i32_eqz);
    this.#fsIsDirty(layout.vsstatus);
    out.byte(Wasm.i32_or);
    this.#fsIsDirty(layout.mstatus);
    out.byte(Wasm.i32_and);
    out.localSet(FP_READY);
  }

  #fsIsDirty(status: number): void {
    const { out } = this;
    this.hart();
    this.loadHart(Wasm.i32_load, status);
    out.i32Const(MSTATUS_FS);
    out.byte(Wasm.i32_and);
    out.i32Const(MSTATUS_FS);
    out.byte(Wasm.i32_eq);
  }

  /** Sets FP_FAST from the accrued flags and the rounding mode. */
  loadFpFast(): void {
    const { out } = this;
    this.hart();
    this.loadHart(Wasm.i64_load, this.layout.fflags);
    out.i64Const(NX_AND_FRM);
    out.byte(Wasm.i64_and);
    out.i64Const(NX);
    out.byte(Wasm.i64_eq);
    out.localSet(FP_FAST);
  }

  /** Stores registers to the hart. */
  flush(registers: Iterable<number>): void {
    const { out } = this;
    for (const register of registers) {
      this.hart();
      out.localGet(this.#locals.get(register)!);
      this.storeHart(register >= F0 ? Wasm.f64_store : Wasm.i64_store, register * 8);
    }
  }

  // ---- Registers ----

  /** Pushes an integer register. */
  x(register: number): void {
    if (register === 0) this.out.i64Const(0);
    else this.out.localGet(this.#locals.get(register)!);
  }

  /** Pushes an integer register's low 32 bits. */
  w(register: number): void {
    if (register === 0) return this.out.i32Const(0);
    this.x(register);
    this.out.byte(Wasm.i32_wrap_i64);
  }

  /** Pops into an integer register; x0 swallows it. */
  setX(register: number): void {
    if (register === X_SINK) this.out.byte(Wasm.drop);
    else this.out.localSet(this.#locals.get(register)!);
  }

  /** Pushes an f register, as f64. */
  f(register: number): void {
    this.out.localGet(this.#locals.get(F0 + register)!);
  }

  setF(register: number): void {
    this.out.localSet(this.#locals.get(F0 + register)!);
  }

  /** Pushes the virtual address of an offset of the page. */
  pushPc(offset: number): void {
    this.out.localGet(PAGE);
    if (offset === 0) return;
    this.out.i64Const(offset);
    this.out.byte(Wasm.i64_add);
  }

  // ---- Ways out ----

  /** Leaves for the run loop, to go on at `offset`; REMAINING is up to date. */
  leaveAt(offset: number): void {
    this.hart();
    this.pushPc(offset);
    this.storeHart(Wasm.i64_store, this.layout.pc);
    this.br("leave");
  }

  /** Leaves before an instruction of a block that has begun if floating point is not ready. */
  leaveUnlessFpReady({ instruction, unretired }: Placed): void {
    const { out } = this;
    out.localGet(FP_READY);
    out.byte(Wasm.i32_eqz);
    out.hint(false);
    this.begin(Wasm.if);
    if (unretired !== 0) {
      out.localGet(REMAINING);
      out.i32Const(unretired);
      out.byte(Wasm.i32_add);
      out.localSet(REMAINING);
    }
    this.leaveAt(instruction.offset);
    this.end();
  }

  /** `place` as core/hart/jit_runtime.ts has it. */
  #pushPlace({ instruction: { offset, length }, unretired }: Placed): void {
    this.out.i32Const((offset + PAGE_BYTES) | (unretired << 14) | (length << 24));
    this.out.localGet(REMAINING);
    this.out.localGet(PAGE);
  }

  /** Has the interpreter's function execute an instruction, and leaves if that asks to. */
  execute(placed: Placed): void {
    const { out } = this;
    this.#callExecute(placed);
    out.localSet(POINTER);
    const result = registerWritten(placed.instruction);
    if (result !== undefined) this.#reload(result);
    this.#loadModes();
    if (this.#usesFp) this.loadFpFast();
    out.localGet(POINTER);
    out.hint(false);
    this.brIf("asked");
    this.#forgetStreams();
  }

  /** The same for an instruction that always leaves. */
  executeAndLeave(placed: Placed): void {
    this.#callExecute(placed);
    this.out.byte(Wasm.drop);
    const result = registerWritten(placed.instruction);
    if (result !== undefined) this.#reload(result);
    this.br("asked");
  }

  #callExecute(placed: Placed): void {
    const { out } = this;
    const { instruction } = placed;
    const registers = new Set(registersRead(instruction));
    const result = registerWritten(instruction);
    if (result !== undefined) registers.add(result);
    this.flush([...registers].filter((register) => this.#use.written.has(register)));
    out.localGet(HART);
    out.i32Const(instruction.word);
    this.#pushPlace(placed);
    out.call(EXECUTE);
  }

  #slowLoad(placed: Placed, kind: number, set: () => void): void {
    const { out, layout } = this;
    out.localGet(HART);
    out.localGet(ADDRESS);
    out.i32Const(kind);
    this.#pushPlace(placed);
    out.call(LOAD);
    out.localSet(VALUE);
    const pushLeave = () => {
      out.i32Const(0);
      out.memory(Wasm.i32_load, layout.jitLeave);
    };
    pushLeave();
    out.i32Const(1); // it raised, and changed nothing
    out.byte(Wasm.i32_eq);
    out.hint(false);
    this.brIf("asked");
    out.localGet(VALUE);
    set();
    pushLeave();
    out.hint(false);
    this.brIf("asked");
    this.#forgetStreams();
  }

  #slowStore(placed: Placed, kind: number, value: () => void): void {
    const { out } = this;
    out.localGet(HART);
    out.localGet(ADDRESS);
    out.i32Const(kind);
    value();
    this.#pushPlace(placed);
    out.call(STORE);
    out.hint(false);
    this.brIf("asked");
    this.#forgetStreams();
  }

  // ---- Memory ----

  /** ADDRESS = rs1 + imm. */
  setAddress({ rs1, imm }: DecodedInstruction): void {
    const { out } = this;
    this.x(rs1);
    if (imm !== 0) {
      out.i64Const(imm);
      out.byte(Wasm.i64_add);
    }
    out.localSet(ADDRESS);
  }

  /**
   * Looks ADDRESS up in the read or write TLB; pushes whether the access may go to memory at once, and
   * leaves the entry in POINTER.
   *
   * @param aligned whether a misaligned access is for the slow path; else only one that crosses a page is
   */
  probe(sizeBytes: number, tlb: "read" | "write", aligned = false): void {
    const { out, layout } = this;
    this.tlbIndex();
    out.localGet(TLB);
    out.byte(Wasm.i32_add);
    out.localTee(POINTER);
    out.memory(Wasm.i64_load, tlb === "read" ? 0 : layout.tlbBytes);
    out.localGet(ADDRESS);
    if (!aligned && sizeBytes > 1) {
      out.i64Const(sizeBytes - 1); // the last byte, too, is on the entry's page
      out.byte(Wasm.i64_add);
    }
    out.i64Const(aligned ? PAGE_MASK | (sizeBytes - 1) : PAGE_MASK);
    out.byte(Wasm.i64_and);
    out.byte(Wasm.i64_eq);
  }

  /**
   * A load from rs1 + imm.
   *
   * @param kind log2 of the width, plus 8 if the sign is extended (core/hart/jit_runtime.ts)
   * @param load pops a linear-memory address and sets the destination
   * @param set pops an i64, as the hart's function answers it, and sets the destination
   */
  load(placed: Placed, kind: number, load: () => void, set: () => void): void {
    this.#access(placed, 1 << (kind & 7), "read", load, () => this.#slowLoad(placed, kind, set));
  }

  /**
   * A store to rs1 + imm.
   *
   * @param kind log2 of the width
   * @param store pops a linear-memory address and stores there
   * @param value pushes the value as an i64
   */
  store(placed: Placed, kind: number, store: () => void, value: () => void): void {
    this.#access(placed, 1 << kind, "write", store, () => this.#slowStore(placed, kind, value));
  }

  /** `fast` finds the linear-memory address pushed. */
  #access(
    placed: Placed,
    sizeBytes: number,
    tlb: "read" | "write",
    fast: () => void,
    slow: () => void,
  ): void {
    const { out } = this;
    this.setAddress(placed.instruction);
    const use = this.#streamUses.get(placed.instruction);
    if (use === undefined) {
      this.probe(sizeBytes, tlb);
      out.hint(true);
      this.begin(Wasm.if);
      this.pointer(tlb);
      fast();
      this.else();
      slow();
      this.end();
      return;
    }
    const stream = this.#streams[use.stream]!;
    this.begin(Wasm.block, "other", DONE);
    this.begin(Wasm.block, "other", HIT);
    if (!use.seeds) this.#checkStream(stream, sizeBytes);
    this.probe(sizeBytes, tlb);
    out.hint(true);
    this.begin(Wasm.if);
    out.localGet(ADDRESS);
    out.i64Const(PAGE_MASK);
    out.byte(Wasm.i64_and);
    out.localSet(stream.page);
    out.localGet(POINTER);
    out.memory(Wasm.i32_load, (tlb === "read" ? 0 : this.layout.tlbBytes) + 8);
    out.localSet(stream.addend);
    this.br("other", HIT);
    this.end();
    slow();
    this.br("other", DONE);
    this.end();
    out.localGet(ADDRESS);
    out.byte(Wasm.i32_wrap_i64);
    out.localGet(stream.addend);
    out.byte(Wasm.i32_add);
    fast();
    this.end();
  }

  /** Goes on with HIT if the access is on the page that the stream was on last. */
  #checkStream(stream: Stream, sizeBytes: number): void {
    const { out } = this;
    out.localGet(ADDRESS);
    out.i64Const(PAGE_MASK | (sizeBytes - 1)); // if misaligned it might cross: look closer
    out.byte(Wasm.i64_and);
    out.localGet(stream.page);
    out.byte(Wasm.i64_eq);
    out.hint(true);
    this.brIf("other", HIT);
  }

  /** Pushes the offset of ADDRESS's entry in a TLB. */
  tlbIndex(): void {
    const { out } = this;
    out.localGet(ADDRESS);
    out.i64Const(8); // (address >> 12) entries of 16 bytes
    out.byte(Wasm.i64_shr_u);
    out.byte(Wasm.i32_wrap_i64);
    out.i32Const((this.layout.tlbEntries - 1) * 16);
    out.byte(Wasm.i32_and);
  }

  /** Pushes the linear-memory address of ADDRESS, after a probe that hit. */
  pointer(tlb: "read" | "write"): void {
    const { out, layout } = this;
    out.localGet(ADDRESS);
    out.byte(Wasm.i32_wrap_i64);
    out.localGet(POINTER);
    out.memory(Wasm.i32_load, (tlb === "read" ? 0 : layout.tlbBytes) + 8);
    out.byte(Wasm.i32_add);
  }
}
