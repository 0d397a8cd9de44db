/**
 * Loads and stores, and the A extension: inline where the TLB has the page, else through the hart's
 * functions.
 *
 * @module
 */

import { byOperation, type Emit, type Emitter } from "./emitter.ts";
import { ADDRESS, type Placed, POINTER, type RegionWriter, VALUE } from "./region_writer.ts";
import { X_SINK } from "./register_use.ts";
import { Wasm } from "./wasm_encoder.ts";

/** `kind` of a load of the hart's functions: log2 of the width, plus 8 if the sign is extended. */
const SIGNED = 8;

function load(log2: number, opcode: number, signed: boolean): Emit {
  return (writer, placed) => {
    const set = () => writer.setX(placed.instruction.rd);
    writer.load(placed, log2 | (signed ? SIGNED : 0), () => {
      writer.out.memory(opcode, 0);
      set();
    }, set);
  };
}

function store(log2: number, opcode: number): Emit {
  return (writer, placed) => {
    const value = () => writer.x(placed.instruction.rs2);
    writer.store(placed, log2, () => {
      value();
      writer.out.memory(opcode, 0);
    }, value);
  };
}

const INTEGER: Readonly<Record<string, Emit>> = {
  "lb": load(0, Wasm.i64_load8_s, true),
  "lh": load(1, Wasm.i64_load16_s, true),
  "lw": load(2, Wasm.i64_load32_s, true),
  "ld": load(3, Wasm.i64_load, false),
  "lbu": load(0, Wasm.i64_load8_u, false),
  "lhu": load(1, Wasm.i64_load16_u, false),
  "lwu": load(2, Wasm.i64_load32_u, false),
  "sb": store(0, Wasm.i64_store8),
  "sh": store(1, Wasm.i64_store16),
  "sw": store(2, Wasm.i64_store32),
  "sd": store(3, Wasm.i64_store),
};

// ---- Floating point: a narrower value has all ones above it (D, "NaN boxing of narrower values") ----

const BOX_WORD = -0x1_0000_0000;
const BOX_HALF = -0x1_0000;

function loadFloat(log2: number, opcode: number, box: number): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rd } = placed.instruction;
    const set = () => {
      if (box !== 0) {
        out.i64Const(box);
        out.byte(Wasm.i64_or);
      }
      out.byte(Wasm.f64_reinterpret_i64);
      writer.setF(rd);
    };
    writer.load(placed, log2, () => {
      if (box === 0) {
        out.memory(Wasm.f64_load, 0);
        writer.setF(rd);
      } else {
        out.memory(opcode, 0);
        set();
      }
    }, set);
  };
}

function storeFloat(log2: number, opcode: number): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rs2 } = placed.instruction;
    const value = () => {
      writer.f(rs2);
      out.byte(Wasm.i64_reinterpret_f64);
    };
    writer.store(placed, log2, () => {
      if (log2 === 3) {
        writer.f(rs2);
        out.memory(Wasm.f64_store, 0);
      } else {
        value();
        out.memory(opcode, 0);
      }
    }, value);
  };
}

const FLOAT: Readonly<Record<string, Emit>> = {
  "flh": loadFloat(1, Wasm.i64_load16_u, BOX_HALF),
  "flw": loadFloat(2, Wasm.i64_load32_u, BOX_WORD),
  "fld": loadFloat(3, Wasm.i64_load, 0),
  "fsh": storeFloat(1, Wasm.i64_store16),
  "fsw": storeFloat(2, Wasm.i64_store32),
  "fsd": storeFloat(3, Wasm.i64_store),
};

// ---- Atomics: harts take turns, so an instruction is atomic as it is ----

interface AtomicWidth {
  readonly sizeBytes: number;
  readonly load: number;
  readonly store: number;
}
const ATOMIC_W: AtomicWidth = { sizeBytes: 4, load: Wasm.i64_load32_s, store: Wasm.i64_store32 };
const ATOMIC_D: AtomicWidth = { sizeBytes: 8, load: Wasm.i64_load, store: Wasm.i64_store };

/** Writes `inline` for RAM in the TLB, with POINTER on it; all else is for the interpreter's function. */
function atomic(
  writer: RegionWriter,
  placed: Placed,
  sizeBytes: number,
  tlb: "read" | "write",
  inline: () => void,
): void {
  writer.x(placed.instruction.rs1);
  writer.out.localSet(ADDRESS);
  writer.probe(sizeBytes, tlb, true);
  writer.out.hint(true);
  writer.begin(Wasm.if);
  writer.pointer(tlb);
  writer.out.localSet(POINTER);
  inline();
  writer.else();
  writer.execute(placed);
  writer.end();
}

/** An AMO; `combine` has the old value in VALUE and pushes the new one. */
function amo(width: AtomicWidth, combine: (writer: RegionWriter, rs2: number) => void): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rd, rs2 } = placed.instruction;
    atomic(writer, placed, width.sizeBytes, "write", () => {
      out.localGet(POINTER);
      out.memory(width.load, 0);
      out.localSet(VALUE);
      out.localGet(POINTER);
      combine(writer, rs2);
      out.memory(width.store, 0);
      if (rd !== X_SINK) {
        out.localGet(VALUE);
        writer.setX(rd);
      }
    });
  };
}

/** The new value as one operation on the old one and rs2. */
function arithmetic(opcode: number) {
  return (writer: RegionWriter, rs2: number) => {
    writer.out.localGet(VALUE);
    writer.x(rs2);
    writer.out.byte(opcode);
  };
}

/** The old value if the comparison holds between it and rs2, else rs2; of words, sign- or zero-extended. */
function choice(comparison: number, extension?: number) {
  return (writer: RegionWriter, rs2: number) => {
    const { out } = writer;
    out.localGet(VALUE);
    writer.x(rs2);
    out.localGet(VALUE);
    if (extension !== undefined) {
      out.byte(Wasm.i32_wrap_i64);
      out.byte(extension);
    }
    writer.x(rs2);
    if (extension !== undefined) {
      out.byte(Wasm.i32_wrap_i64);
      out.byte(extension);
    }
    out.byte(comparison);
    out.byte(Wasm.select);
  };
}

function loadReserved(width: AtomicWidth): Emit {
  return (writer, placed) => {
    const { out, layout } = writer;
    atomic(writer, placed, width.sizeBytes, "read", () => {
      writer.hart();
      out.i32Const(1);
      writer.storeHart(Wasm.i32_store, layout.reservationValid);
      writer.hart();
      out.localGet(POINTER);
      out.byte(Wasm.i64_extend_i32_u);
      writer.storeHart(Wasm.i64_store, layout.reservationAddress);
      out.localGet(POINTER);
      out.memory(width.load, 0);
      writer.setX(placed.instruction.rd);
    });
  };
}

function storeConditional(width: AtomicWidth): Emit {
  return (writer, placed) => {
    const { out, layout } = writer;
    const { rd, rs2 } = placed.instruction;
    const setFailed = (failed: number) => {
      if (rd === X_SINK) return;
      out.i64Const(failed);
      writer.setX(rd);
    };
    atomic(writer, placed, width.sizeBytes, "write", () => {
      writer.hart();
      writer.loadHart(Wasm.i32_load, layout.reservationValid);
      writer.hart();
      writer.loadHart(Wasm.i64_load, layout.reservationAddress);
      out.localGet(POINTER);
      out.byte(Wasm.i64_extend_i32_u);
      out.byte(Wasm.i64_eq);
      out.byte(Wasm.i32_and);
      writer.begin(Wasm.if);
      out.localGet(POINTER);
      writer.x(rs2);
      out.memory(width.store, 0);
      setFailed(0);
      writer.else();
      setFailed(1);
      writer.end();
      writer.hart();
      out.i32Const(0);
      writer.storeHart(Wasm.i32_store, layout.reservationValid);
    });
  };
}

function amos(suffix: "w" | "d", width: AtomicWidth): Record<string, Emit> {
  const [signed, unsigned] = width === ATOMIC_W
    ? [Wasm.i64_extend_i32_s, Wasm.i64_extend_i32_u]
    : [undefined, undefined];
  return {
    [`lr.${suffix}`]: loadReserved(width),
    [`sc.${suffix}`]: storeConditional(width),
    [`amoswap.${suffix}`]: amo(width, (writer, rs2) => writer.x(rs2)),
    [`amoadd.${suffix}`]: amo(width, arithmetic(Wasm.i64_add)),
    [`amoxor.${suffix}`]: amo(width, arithmetic(Wasm.i64_xor)),
    [`amoand.${suffix}`]: amo(width, arithmetic(Wasm.i64_and)),
    [`amoor.${suffix}`]: amo(width, arithmetic(Wasm.i64_or)),
    [`amomin.${suffix}`]: amo(width, choice(Wasm.i64_lt_s, signed)),
    [`amomax.${suffix}`]: amo(width, choice(Wasm.i64_gt_s, signed)),
    [`amominu.${suffix}`]: amo(width, choice(Wasm.i64_lt_u, unsigned)),
    [`amomaxu.${suffix}`]: amo(width, choice(Wasm.i64_gt_u, unsigned)),
  };
}

export const MEMORY_EMITTERS: readonly [number, Emitter][] = [
  ...byOperation("inline+slow", INTEGER),
  ...byOperation("inline+slow", FLOAT, { needsFp: true }),
  ...byOperation("inline+slow", amos("w", ATOMIC_W)),
  ...byOperation("inline+slow", amos("d", ATOMIC_D)),
];
