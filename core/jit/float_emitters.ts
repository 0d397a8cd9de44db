/**
 * F and D with the host's arithmetic where its result and flags are surely RISC-V's; everything else goes
 * through the hart's softfloat.
 *
 * The host rounds to nearest, ties to even, and reports no flags. So arithmetic is inline if the rounding
 * mode is RNE and NX has accrued already (`FP_FAST`), and the result shows that no other flag can be
 * due: it is finite (no NV, DZ, OF) and, where a result may be tiny, above the smallest normal (no UF).
 * WebAssembly leaves the pattern of a NaN open; NaNs are softfloat's.
 *
 * @module
 */

import type { DecodedInstruction } from "./blocks.ts";
import { byOperation, type Emit, type Emitter } from "./emitter.ts";
import { runtimeFunction } from "./layout.ts";
import { FP_FAST, type Placed, type RegionWriter, RESULT_D, RESULT_S } from "./region_writer.ts";
import { Wasm } from "./wasm_encoder.ts";

/** Rounding modes in the instruction (F, "Floating-Point Control and Status Register"). */
const RNE = 0, RTZ = 1, LAST_MODE = 4, DYN = 7;
/** All ones above a single: its box. */
const BOX = -0x1_0000_0000;
const SMALLEST_NORMAL_D = 2 ** -1022;
const SMALLEST_NORMAL_S = 2 ** -126;

/** What differs between single and double. */
interface Format {
  readonly result: number;
  /** Pushes an operand; of a single, the low half, whatever is above. */
  push(writer: RegionWriter, register: number): void;
  constant(writer: RegionWriter, value: number): void;
  /** Pops a result into an f register. */
  set(writer: RegionWriter, register: number): void;
  /** Pushes whether operands are boxed as they must be; false: they always are. */
  pushBoxed: false | ((writer: RegionWriter, registers: readonly number[]) => void);
  readonly abs: number;
  readonly eq: number;
  readonly lt: number;
  readonly le: number;
  readonly gt: number;
  readonly smallestNormal: number;
}

const DOUBLE: Format = {
  result: RESULT_D,
  push: (writer, register) => writer.f(register),
  constant: (writer, value) => writer.out.f64Const(value),
  set: (writer, register) => writer.setF(register),
  pushBoxed: false,
  abs: Wasm.f64_abs,
  eq: Wasm.f64_eq,
  lt: Wasm.f64_lt,
  le: Wasm.f64_le,
  gt: Wasm.f64_gt,
  smallestNormal: SMALLEST_NORMAL_D,
};

const SINGLE: Format = {
  result: RESULT_S,
  push: (writer, register) => {
    pushBits(writer, register);
    writer.out.byte(Wasm.i32_wrap_i64);
    writer.out.byte(Wasm.f32_reinterpret_i32);
  },
  constant: (writer, value) => writer.out.f32Const(value),
  set: (writer, register) => {
    writer.out.byte(Wasm.i32_reinterpret_f32);
    writer.out.byte(Wasm.i64_extend_i32_u);
    setBoxed(writer, register);
  },
  pushBoxed: (writer, registers) => {
    registers.forEach((register, index) => {
      pushBits(writer, register);
      if (index > 0) writer.out.byte(Wasm.i64_and);
    });
    writer.out.i64Const(BOX);
    writer.out.byte(Wasm.i64_ge_u);
  },
  abs: Wasm.f32_abs,
  eq: Wasm.f32_eq,
  lt: Wasm.f32_lt,
  le: Wasm.f32_le,
  gt: Wasm.f32_gt,
  smallestNormal: SMALLEST_NORMAL_S,
};

function pushBits(writer: RegionWriter, register: number): void {
  writer.f(register);
  writer.out.byte(Wasm.i64_reinterpret_f64);
}

/** Pops a single's pattern, zero-extended, into an f register. */
function setBoxed(writer: RegionWriter, register: number): void {
  writer.out.i64Const(BOX);
  writer.out.byte(Wasm.i64_or);
  writer.out.byte(Wasm.f64_reinterpret_i64);
  writer.setF(register);
}

/** Writes `inline` under the condition that `pushCondition` pushes; else softfloat. */
function guarded(
  writer: RegionWriter,
  placed: Placed,
  pushCondition: () => void,
  inline: () => void,
): void {
  pushCondition();
  writer.out.hint(true);
  writer.begin(Wasm.if);
  inline();
  writer.else();
  writer.execute(placed);
  writer.end();
}

function roundsToNearest({ rm }: DecodedInstruction): boolean {
  return rm === RNE || rm === DYN;
}

/** Whether the instruction names a mode that exists, and not the dynamic one. */
function isStaticMode({ rm }: DecodedInstruction): boolean {
  return rm <= LAST_MODE;
}

function andBoxed(writer: RegionWriter, format: Format, registers: readonly number[]): void {
  if (!format.pushBoxed) return;
  format.pushBoxed(writer, registers);
  writer.out.byte(Wasm.i32_and);
}

/** Pushes whether the result is finite, and, if `tiny` results may occur, a normal number. */
function pushHarmless(writer: RegionWriter, format: Format, tiny: boolean): void {
  const { out } = writer;
  out.localGet(format.result);
  out.byte(format.abs);
  format.constant(writer, Infinity);
  out.byte(format.lt);
  if (!tiny) return;
  out.localGet(format.result);
  out.byte(format.abs);
  format.constant(writer, format.smallestNormal);
  out.byte(format.gt);
  out.byte(Wasm.i32_and);
}

/** fadd, fsub, fmul, fdiv, fsqrt. Sums and roots are never both tiny and inexact. */
function arithmetic(format: Format, opcode: number, operands: 1 | 2, tiny: boolean): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rd, rs1, rs2 } = placed.instruction;
    if (!roundsToNearest(placed.instruction)) return writer.execute(placed);
    const registers = operands === 2 ? [rs1, rs2] : [rs1];
    for (const register of registers) format.push(writer, register);
    out.byte(opcode);
    out.localSet(format.result);
    guarded(writer, placed, () => {
      out.localGet(FP_FAST);
      pushHarmless(writer, format, tiny);
      out.byte(Wasm.i32_and);
      andBoxed(writer, format, registers);
    }, () => {
      out.localGet(format.result);
      format.set(writer, rd);
    });
  };
}

/** fmadd and kin: the signs of the product and of the addend make the four. */
function multiplyAdd(
  format: Format,
  runtime: string,
  neg: number,
  negateProduct: boolean,
  negateAddend: boolean,
): Emit {
  const index = runtimeFunction(runtime);
  return (writer, placed) => {
    const { out } = writer;
    const { rd, rs1, rs2, rs3 } = placed.instruction;
    if (!roundsToNearest(placed.instruction)) return writer.execute(placed);
    format.push(writer, rs1);
    if (negateProduct) out.byte(neg);
    format.push(writer, rs2);
    format.push(writer, rs3);
    if (negateAddend) out.byte(neg);
    out.call(index);
    out.localSet(format.result);
    guarded(writer, placed, () => {
      out.localGet(format.result);
      out.localGet(format.result);
      out.byte(format.eq);
      out.localGet(FP_FAST);
      out.byte(Wasm.i32_and);
      andBoxed(writer, format, [rs1, rs2, rs3]);
    }, () => {
      out.localGet(format.result);
      format.set(writer, rd);
    });
  };
}

/** Pushes whether neither operand is a NaN. */
function pushOrdered(writer: RegionWriter, format: Format, registers: readonly number[]): void {
  const { out } = writer;
  registers.forEach((register, index) => {
    format.push(writer, register);
    format.push(writer, register);
    out.byte(format.eq);
    if (index > 0) out.byte(Wasm.i32_and);
  });
  andBoxed(writer, format, registers);
}

/** What is exact, and without flags unless there is a NaN: one operation on two operands. */
function ordered(
  format: Format,
  opcode: number,
  set: (writer: RegionWriter, register: number) => void,
): Emit {
  return (writer, placed) => {
    const { rd, rs1, rs2 } = placed.instruction;
    guarded(writer, placed, () => pushOrdered(writer, format, [rs1, rs2]), () => {
      format.push(writer, rs1);
      format.push(writer, rs2);
      writer.out.byte(opcode);
      set(writer, rd);
    });
  };
}

/** feq, flt, fle. */
function comparison(format: Format, opcode: number): Emit {
  return ordered(format, opcode, (writer, rd) => {
    writer.out.byte(Wasm.i64_extend_i32_u);
    writer.setX(rd);
  });
}

/** fmin, fmax: -0 is below +0 for both. */
function extremum(format: Format, opcode: number): Emit {
  return ordered(format, opcode, format.set);
}

/** fsgnj and kin of doubles, on patterns: the sign bit is taken from rs2, inverted, or from both. */
function signD(kind: "copy" | "invert" | "xor"): Emit {
  return (writer, { instruction: { rd, rs1, rs2 } }) => {
    const { out } = writer;
    if (kind === "xor") {
      pushBits(writer, rs1);
      pushBits(writer, rs2);
      out.i64Const(-(2 ** 63));
      out.byte(Wasm.i64_and);
      out.byte(Wasm.i64_xor);
      out.byte(Wasm.f64_reinterpret_i64);
    } else if (rs1 === rs2 && kind === "copy") {
      writer.f(rs1);
    } else {
      writer.f(rs1);
      writer.f(rs2);
      if (kind === "invert") out.byte(Wasm.f64_neg);
      out.byte(Wasm.f64_copysign);
    }
    writer.setF(rd);
  };
}

const SIGN_S = -0x8000_0000;

/** The same of singles, if both are boxed. */
function signS(kind: "copy" | "invert" | "xor"): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rd, rs1, rs2 } = placed.instruction;
    const pushWord = (register: number) => {
      pushBits(writer, register);
      out.byte(Wasm.i32_wrap_i64);
    };
    guarded(
      writer,
      placed,
      () =>
        (SINGLE.pushBoxed as (w: RegionWriter, r: readonly number[]) => void)(writer, [rs1, rs2]),
      () => {
        pushWord(rs1);
        if (kind !== "xor") {
          out.i32Const(~SIGN_S);
          out.byte(Wasm.i32_and);
        }
        pushWord(rs2);
        if (kind === "invert") {
          out.i32Const(-1);
          out.byte(Wasm.i32_xor);
        }
        out.i32Const(SIGN_S);
        out.byte(Wasm.i32_and);
        out.byte(kind === "xor" ? Wasm.i32_xor : Wasm.i32_or);
        out.byte(Wasm.i64_extend_i32_u);
        setBoxed(writer, rd);
      },
    );
  };
}

/** fcvt from an integer; `exact` if the format holds every such integer. */
function fromInteger(format: Format, opcode: number, width: "w" | "x", exact: boolean): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rd, rs1 } = placed.instruction;
    const inline = () => {
      if (width === "w") writer.w(rs1);
      else writer.x(rs1);
      out.byte(opcode);
      format.set(writer, rd);
    };
    // An exact result is the same under every mode, but a dynamic mode may be reserved.
    if (exact && isStaticMode(placed.instruction)) return inline();
    if (!roundsToNearest(placed.instruction)) return writer.execute(placed);
    guarded(writer, placed, () => out.localGet(FP_FAST), inline);
  };
}

/** Integers that fcvt to them takes from doubles: exclusive bounds, and the saturating truncation. */
interface IntegerTarget {
  readonly below: number;
  readonly above: number;
  readonly truncation: Readonly<Record<"single" | "double", number>>;
  readonly width: "w" | "x";
}
const TO_W: IntegerTarget = {
  below: 2 ** 31,
  above: -(2 ** 31),
  truncation: { single: 0, double: 2 },
  width: "w",
};
const TO_WU: IntegerTarget = {
  below: 2 ** 32,
  above: -1,
  truncation: { single: 1, double: 3 },
  width: "w",
};
const TO_L: IntegerTarget = {
  below: 2 ** 63,
  above: -(2 ** 63),
  truncation: { single: 4, double: 6 },
  width: "x",
};
const TO_LU: IntegerTarget = {
  below: 2 ** 64,
  above: -1,
  truncation: { single: 5, double: 7 },
  width: "x",
};

/** fcvt to an integer, with truncation or to nearest; inside the bounds NX is the only flag. */
function toInteger(format: Format, nearest: number, target: IntegerTarget): Emit {
  return (writer, placed) => {
    const { out } = writer;
    const { rd, rs1, rm } = placed.instruction;
    if (rm !== RTZ && !roundsToNearest(placed.instruction)) return writer.execute(placed);
    format.push(writer, rs1);
    if (rm !== RTZ) out.byte(nearest);
    out.localSet(format.result);
    guarded(writer, placed, () => {
      out.localGet(FP_FAST);
      out.localGet(format.result);
      format.constant(writer, target.below);
      out.byte(format.lt);
      out.byte(Wasm.i32_and);
      out.localGet(format.result);
      format.constant(writer, target.above);
      out.byte(format.gt);
      out.byte(Wasm.i32_and);
      andBoxed(writer, format, [rs1]);
    }, () => {
      out.localGet(format.result);
      out.truncateSaturating(target.truncation[format === DOUBLE ? "double" : "single"]);
      if (target.width === "w") out.byte(Wasm.i64_extend_i32_s); // of unsigned words, too
      writer.setX(rd);
    });
  };
}

/** fcvt.d.s: exact; only a NaN is softfloat's. */
const widen: Emit = (writer, placed) => {
  const { rd, rs1 } = placed.instruction;
  if (!isStaticMode(placed.instruction)) return writer.execute(placed);
  guarded(writer, placed, () => pushOrdered(writer, SINGLE, [rs1]), () => {
    SINGLE.push(writer, rs1);
    writer.out.byte(Wasm.f64_promote_f32);
    writer.setF(rd);
  });
};

/** fcvt.s.d */
const narrow: Emit = (writer, placed) => {
  const { out } = writer;
  const { rd, rs1 } = placed.instruction;
  if (!roundsToNearest(placed.instruction)) return writer.execute(placed);
  writer.f(rs1);
  out.byte(Wasm.f32_demote_f64);
  out.localSet(RESULT_S);
  guarded(writer, placed, () => {
    out.localGet(FP_FAST);
    pushHarmless(writer, SINGLE, true);
    out.byte(Wasm.i32_and);
  }, () => {
    out.localGet(RESULT_S);
    SINGLE.set(writer, rd);
  });
};

const ARITHMETIC: Readonly<Record<string, Emit>> = {
  "fadd.d": arithmetic(DOUBLE, Wasm.f64_add, 2, false),
  "fsub.d": arithmetic(DOUBLE, Wasm.f64_sub, 2, false),
  "fmul.d": arithmetic(DOUBLE, Wasm.f64_mul, 2, true),
  "fdiv.d": arithmetic(DOUBLE, Wasm.f64_div, 2, true),
  "fsqrt.d": arithmetic(DOUBLE, Wasm.f64_sqrt, 1, false),
  "fadd.s": arithmetic(SINGLE, Wasm.f32_add, 2, false),
  "fsub.s": arithmetic(SINGLE, Wasm.f32_sub, 2, false),
  "fmul.s": arithmetic(SINGLE, Wasm.f32_mul, 2, true),
  "fdiv.s": arithmetic(SINGLE, Wasm.f32_div, 2, true),
  "fsqrt.s": arithmetic(SINGLE, Wasm.f32_sqrt, 1, false),
  "fmadd.d": multiplyAdd(DOUBLE, "jitFmaD", Wasm.f64_neg, false, false),
  "fmsub.d": multiplyAdd(DOUBLE, "jitFmaD", Wasm.f64_neg, false, true),
  "fnmsub.d": multiplyAdd(DOUBLE, "jitFmaD", Wasm.f64_neg, true, false),
  "fnmadd.d": multiplyAdd(DOUBLE, "jitFmaD", Wasm.f64_neg, true, true),
  "fmadd.s": multiplyAdd(SINGLE, "jitFmaS", Wasm.f32_neg, false, false),
  "fmsub.s": multiplyAdd(SINGLE, "jitFmaS", Wasm.f32_neg, false, true),
  "fnmsub.s": multiplyAdd(SINGLE, "jitFmaS", Wasm.f32_neg, true, false),
  "fnmadd.s": multiplyAdd(SINGLE, "jitFmaS", Wasm.f32_neg, true, true),
  "fcvt.d.w": fromInteger(DOUBLE, Wasm.f64_convert_i32_s, "w", true),
  "fcvt.d.wu": fromInteger(DOUBLE, Wasm.f64_convert_i32_u, "w", true),
  "fcvt.d.l": fromInteger(DOUBLE, Wasm.f64_convert_i64_s, "x", false),
  "fcvt.d.lu": fromInteger(DOUBLE, Wasm.f64_convert_i64_u, "x", false),
  "fcvt.s.w": fromInteger(SINGLE, Wasm.f32_convert_i32_s, "w", false),
  "fcvt.s.wu": fromInteger(SINGLE, Wasm.f32_convert_i32_u, "w", false),
  "fcvt.s.l": fromInteger(SINGLE, Wasm.f32_convert_i64_s, "x", false),
  "fcvt.s.lu": fromInteger(SINGLE, Wasm.f32_convert_i64_u, "x", false),
  "fcvt.w.d": toInteger(DOUBLE, Wasm.f64_nearest, TO_W),
  "fcvt.wu.d": toInteger(DOUBLE, Wasm.f64_nearest, TO_WU),
  "fcvt.l.d": toInteger(DOUBLE, Wasm.f64_nearest, TO_L),
  "fcvt.lu.d": toInteger(DOUBLE, Wasm.f64_nearest, TO_LU),
  "fcvt.w.s": toInteger(SINGLE, Wasm.f32_nearest, TO_W),
  "fcvt.wu.s": toInteger(SINGLE, Wasm.f32_nearest, TO_WU),
  "fcvt.l.s": toInteger(SINGLE, Wasm.f32_nearest, TO_L),
  "fcvt.lu.s": toInteger(SINGLE, Wasm.f32_nearest, TO_LU),
  "fcvt.d.s": widen,
  "fcvt.s.d": narrow,
};

const EXACT: Readonly<Record<string, Emit>> = {
  "feq.d": comparison(DOUBLE, DOUBLE.eq),
  "flt.d": comparison(DOUBLE, DOUBLE.lt),
  "fle.d": comparison(DOUBLE, DOUBLE.le),
  "feq.s": comparison(SINGLE, SINGLE.eq),
  "flt.s": comparison(SINGLE, SINGLE.lt),
  "fle.s": comparison(SINGLE, SINGLE.le),
  "fmin.d": extremum(DOUBLE, Wasm.f64_min),
  "fmax.d": extremum(DOUBLE, Wasm.f64_max),
  "fmin.s": extremum(SINGLE, Wasm.f32_min),
  "fmax.s": extremum(SINGLE, Wasm.f32_max),
  "fsgnj.s": signS("copy"),
  "fsgnjn.s": signS("invert"),
  "fsgnjx.s": signS("xor"),
};

const MOVES: Readonly<Record<string, Emit>> = {
  "fsgnj.d": signD("copy"),
  "fsgnjn.d": signD("invert"),
  "fsgnjx.d": signD("xor"),
  "fmv.x.d": (writer, { instruction: { rd, rs1 } }) => {
    pushBits(writer, rs1);
    writer.setX(rd);
  },
  "fmv.x.w": (writer, { instruction: { rd, rs1 } }) => {
    pushBits(writer, rs1);
    writer.out.byte(Wasm.i64_extend32_s);
    writer.setX(rd);
  },
  "fmv.d.x": (writer, { instruction: { rd, rs1 } }) => {
    writer.x(rs1);
    writer.out.byte(Wasm.f64_reinterpret_i64);
    writer.setF(rd);
  },
  "fmv.w.x": (writer, { instruction: { rd, rs1 } }) => {
    writer.w(rs1);
    writer.out.byte(Wasm.i64_extend_i32_u);
    setBoxed(writer, rd);
  },
};

export const FLOAT_EMITTERS: readonly [number, Emitter][] = [
  ...byOperation("inline+slow", ARITHMETIC, { needsFp: true, needsFpFast: true }),
  ...byOperation("inline+slow", EXACT, { needsFp: true }),
  ...byOperation("inline", MOVES, { needsFp: true }),
];
