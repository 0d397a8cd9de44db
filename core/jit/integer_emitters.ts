/**
 * Integer computation: RV64I, M, Zba, Zbb, Zbc, Zbs, Zicond.
 *
 * @module
 */

import type { DecodedInstruction } from "./blocks.ts";
import { byOperation, type Emit, type Emitter } from "./emitter.ts";
import { runtimeFunction } from "./layout.ts";
import type { RegionWriter } from "./region_writer.ts";
import { X_SINK } from "./register_use.ts";
import { Type, Wasm } from "./wasm_encoder.ts";

/** What an expression starts from: operands of the instruction, as words (`w`) or zero-extended (`uw`). */
type Operand = "rs1" | "rs2" | "imm" | "rs1w" | "rs2w" | "immw" | "rs1uw" | "pc" | number;

const { i64_extend_i32_s: SIGN, i64_extend_i32_u: ZERO } = Wasm;

function push(writer: RegionWriter, operand: Operand, instruction: DecodedInstruction): void {
  const { out } = writer;
  switch (operand) {
    case "rs1":
      return writer.x(instruction.rs1);
    case "rs2":
      return writer.x(instruction.rs2);
    case "rs1w":
      return writer.w(instruction.rs1);
    case "rs2w":
      return writer.w(instruction.rs2);
    case "rs1uw":
      writer.w(instruction.rs1);
      return out.byte(ZERO);
    case "imm":
      return out.i64Const(instruction.imm);
    case "immw":
      return out.i32Const(instruction.imm);
    case "pc":
      return writer.pushPc(instruction.offset);
    default:
      return out.i64Const(operand);
  }
}

/** An emitter that pushes a value for rd; to x0 nothing is computed. */
function valued(write: (writer: RegionWriter, instruction: DecodedInstruction) => void): Emit {
  return (writer, { instruction }) => {
    if (instruction.rd === X_SINK) return;
    write(writer, instruction);
    writer.setX(instruction.rd);
  };
}

/** One expression: what is pushed, which opcodes follow. */
function expression(operands: readonly Operand[], opcodes: readonly number[]): Emit {
  return valued((writer, instruction) => {
    for (const operand of operands) push(writer, operand, instruction);
    for (const opcode of opcodes) writer.out.byte(opcode);
  });
}

/** Instructions that are one expression. Shift counts need no mask: both take them modulo the width. */
const EXPRESSIONS: Readonly<Record<string, Emit>> = {
  "addi": expression(["rs1", "imm"], [Wasm.i64_add]),
  "add": expression(["rs1", "rs2"], [Wasm.i64_add]),
  "sub": expression(["rs1", "rs2"], [Wasm.i64_sub]),
  "andi": expression(["rs1", "imm"], [Wasm.i64_and]),
  "and": expression(["rs1", "rs2"], [Wasm.i64_and]),
  "ori": expression(["rs1", "imm"], [Wasm.i64_or]),
  "or": expression(["rs1", "rs2"], [Wasm.i64_or]),
  "xori": expression(["rs1", "imm"], [Wasm.i64_xor]),
  "xor": expression(["rs1", "rs2"], [Wasm.i64_xor]),
  "slli": expression(["rs1", "imm"], [Wasm.i64_shl]),
  "sll": expression(["rs1", "rs2"], [Wasm.i64_shl]),
  "srli": expression(["rs1", "imm"], [Wasm.i64_shr_u]),
  "srl": expression(["rs1", "rs2"], [Wasm.i64_shr_u]),
  "srai": expression(["rs1", "imm"], [Wasm.i64_shr_s]),
  "sra": expression(["rs1", "rs2"], [Wasm.i64_shr_s]),
  "slti": expression(["rs1", "imm"], [Wasm.i64_lt_s, ZERO]),
  "slt": expression(["rs1", "rs2"], [Wasm.i64_lt_s, ZERO]),
  "sltiu": expression(["rs1", "imm"], [Wasm.i64_lt_u, ZERO]),
  "sltu": expression(["rs1", "rs2"], [Wasm.i64_lt_u, ZERO]),
  "lui": expression(["imm"], []),
  "auipc": expression(["pc", "imm"], [Wasm.i64_add]),
  "addiw": expression(["rs1w", "immw"], [Wasm.i32_add, SIGN]),
  "addw": expression(["rs1w", "rs2w"], [Wasm.i32_add, SIGN]),
  "subw": expression(["rs1w", "rs2w"], [Wasm.i32_sub, SIGN]),
  "slliw": expression(["rs1w", "immw"], [Wasm.i32_shl, SIGN]),
  "sllw": expression(["rs1w", "rs2w"], [Wasm.i32_shl, SIGN]),
  "srliw": expression(["rs1w", "immw"], [Wasm.i32_shr_u, SIGN]),
  "srlw": expression(["rs1w", "rs2w"], [Wasm.i32_shr_u, SIGN]),
  "sraiw": expression(["rs1w", "immw"], [Wasm.i32_shr_s, SIGN]),
  "sraw": expression(["rs1w", "rs2w"], [Wasm.i32_shr_s, SIGN]),
  "mul": expression(["rs1", "rs2"], [Wasm.i64_mul]),
  "mulw": expression(["rs1w", "rs2w"], [Wasm.i32_mul, SIGN]),
  "add.uw": expression(["rs1uw", "rs2"], [Wasm.i64_add]),
  "slli.uw": expression(["rs1uw", "imm"], [Wasm.i64_shl]),
  "clz": expression(["rs1"], [Wasm.i64_clz]),
  "ctz": expression(["rs1"], [Wasm.i64_ctz]),
  "cpop": expression(["rs1"], [Wasm.i64_popcnt]),
  "clzw": expression(["rs1w"], [Wasm.i32_clz, ZERO]),
  "ctzw": expression(["rs1w"], [Wasm.i32_ctz, ZERO]),
  "cpopw": expression(["rs1w"], [Wasm.i32_popcnt, ZERO]),
  "sext.b": expression(["rs1"], [Wasm.i64_extend8_s]),
  "sext.h": expression(["rs1"], [Wasm.i64_extend16_s]),
  "zext.h": expression(["rs1", 0xffff], [Wasm.i64_and]),
  "rol": expression(["rs1", "rs2"], [Wasm.i64_rotl]),
  "rolw": expression(["rs1w", "rs2w"], [Wasm.i32_rotl, SIGN]),
  "ror": expression(["rs1", "rs2"], [Wasm.i64_rotr]),
  "rorw": expression(["rs1w", "rs2w"], [Wasm.i32_rotr, SIGN]),
  "rori": expression(["rs1", "imm"], [Wasm.i64_rotr]),
  "roriw": expression(["rs1w", "immw"], [Wasm.i32_rotr, SIGN]),
};

/** sh1add and its kin. */
function shiftAdd(shift: number, operand: Operand): Emit {
  return valued((writer, instruction) => {
    push(writer, operand, instruction);
    writer.out.i64Const(shift);
    writer.out.byte(Wasm.i64_shl);
    writer.x(instruction.rs2);
    writer.out.byte(Wasm.i64_add);
  });
}

/** andn, orn, xnor: rs2 inverted. */
function inverted(opcode: number): Emit {
  return valued((writer, { rs1, rs2 }) => {
    writer.x(rs1);
    writer.x(rs2);
    writer.out.i64Const(-1);
    writer.out.byte(Wasm.i64_xor);
    writer.out.byte(opcode);
  });
}

/** min and max: rs1 if the comparison holds. */
function selection(comparison: number): Emit {
  return valued((writer, { rs1, rs2 }) => {
    writer.x(rs1);
    writer.x(rs2);
    writer.x(rs1);
    writer.x(rs2);
    writer.out.byte(comparison);
    writer.out.byte(Wasm.select);
  });
}

/** czero: rs1, or zero under a condition on rs2. */
function conditionalZero(zeroIf: "zero" | "nonzero"): Emit {
  return valued((writer, { rs1, rs2 }) => {
    const { out } = writer;
    if (zeroIf === "zero") {
      out.i64Const(0);
      writer.x(rs1);
    } else {
      writer.x(rs1);
      out.i64Const(0);
    }
    writer.x(rs2);
    out.byte(Wasm.i64_eqz);
    out.byte(Wasm.select);
  });
}

/** Single-bit instructions: the bit is 1 shifted by rs2 or the immediate. */
function singleBit(kind: "clear" | "extract" | "invert" | "set", count: Operand): Emit {
  return valued((writer, instruction) => {
    const { out } = writer;
    writer.x(instruction.rs1);
    if (kind === "extract") {
      push(writer, count, instruction);
      out.byte(Wasm.i64_shr_u);
      out.i64Const(1);
      out.byte(Wasm.i64_and);
      return;
    }
    out.i64Const(1);
    push(writer, count, instruction);
    out.byte(Wasm.i64_shl);
    if (kind === "clear") {
      out.i64Const(-1);
      out.byte(Wasm.i64_xor);
      out.byte(Wasm.i64_and);
    } else out.byte(kind === "set" ? Wasm.i64_or : Wasm.i64_xor);
  });
}

/** One of the hart's arithmetic functions. */
function called(name: string, operands: readonly Operand[]): Emit {
  const index = runtimeFunction(name);
  return valued((writer, instruction) => {
    for (const operand of operands) push(writer, operand, instruction);
    writer.out.call(index);
  });
}

/** Opcodes of one width. */
interface Width {
  readonly type: number;
  readonly push: (writer: RegionWriter, register: number) => void;
  readonly constant: (writer: RegionWriter, value: number) => void;
  readonly eqz: number;
  readonly eq: number;
  readonly sub: number;
}
const DOUBLEWORD: Width = {
  type: Type.i64,
  push: (writer, register) => writer.x(register),
  constant: (writer, value) => writer.out.i64Const(value),
  eqz: Wasm.i64_eqz,
  eq: Wasm.i64_eq,
  sub: Wasm.i64_sub,
};
const WORD: Width = {
  type: Type.i32,
  push: (writer, register) => writer.w(register),
  constant: (writer, value) => writer.out.i32Const(value),
  eqz: Wasm.i32_eqz,
  eq: Wasm.i32_eq,
  sub: Wasm.i32_sub,
};

/** Division by zero and overflow have results in RISC-V (M, "Division operations") where WebAssembly traps. */
function division(
  opcode: number,
  width: Width,
  signed: boolean,
  result: "quotient" | "remainder",
): Emit {
  return valued((writer, { rs1, rs2 }) => {
    const { out } = writer;
    const choose = (opcode: number) => {
      out.byte(opcode);
      out.byte(width.type);
    };
    width.push(writer, rs2);
    out.byte(width.eqz);
    choose(Wasm.if);
    if (result === "quotient") width.constant(writer, -1);
    else width.push(writer, rs1);
    writer.out.byte(Wasm.else);
    if (signed) {
      width.push(writer, rs2);
      width.constant(writer, -1);
      out.byte(width.eq);
      choose(Wasm.if);
      width.constant(writer, 0);
      if (result === "quotient") {
        width.push(writer, rs1);
        out.byte(width.sub);
      }
      out.byte(Wasm.else);
    }
    width.push(writer, rs1);
    width.push(writer, rs2);
    out.byte(opcode);
    if (signed) out.byte(Wasm.end);
    out.byte(Wasm.end);
    if (width === WORD) out.byte(SIGN);
  });
}

const COMPOSED: Readonly<Record<string, Emit>> = {
  "sh1add": shiftAdd(1, "rs1"),
  "sh2add": shiftAdd(2, "rs1"),
  "sh3add": shiftAdd(3, "rs1"),
  "sh1add.uw": shiftAdd(1, "rs1uw"),
  "sh2add.uw": shiftAdd(2, "rs1uw"),
  "sh3add.uw": shiftAdd(3, "rs1uw"),
  "andn": inverted(Wasm.i64_and),
  "orn": inverted(Wasm.i64_or),
  "xnor": inverted(Wasm.i64_xor),
  "max": selection(Wasm.i64_gt_s),
  "maxu": selection(Wasm.i64_gt_u),
  "min": selection(Wasm.i64_lt_s),
  "minu": selection(Wasm.i64_lt_u),
  "czero.eqz": conditionalZero("zero"),
  "czero.nez": conditionalZero("nonzero"),
  "bclr": singleBit("clear", "rs2"),
  "bclri": singleBit("clear", "imm"),
  "bext": singleBit("extract", "rs2"),
  "bexti": singleBit("extract", "imm"),
  "binv": singleBit("invert", "rs2"),
  "binvi": singleBit("invert", "imm"),
  "bset": singleBit("set", "rs2"),
  "bseti": singleBit("set", "imm"),
  "div": division(Wasm.i64_div_s, DOUBLEWORD, true, "quotient"),
  "divu": division(Wasm.i64_div_u, DOUBLEWORD, false, "quotient"),
  "rem": division(Wasm.i64_rem_s, DOUBLEWORD, true, "remainder"),
  "remu": division(Wasm.i64_rem_u, DOUBLEWORD, false, "remainder"),
  "divw": division(Wasm.i32_div_s, WORD, true, "quotient"),
  "divuw": division(Wasm.i32_div_u, WORD, false, "quotient"),
  "remw": division(Wasm.i32_rem_s, WORD, true, "remainder"),
  "remuw": division(Wasm.i32_rem_u, WORD, false, "remainder"),
  "mulh": called("jitMulh", ["rs1", "rs2"]),
  "mulhsu": called("jitMulhsu", ["rs1", "rs2"]),
  "mulhu": called("jitMulhu", ["rs1", "rs2"]),
  "clmul": called("jitClmul", ["rs1", "rs2"]),
  "clmulh": called("jitClmulh", ["rs1", "rs2"]),
  "clmulr": called("jitClmulr", ["rs1", "rs2"]),
  "orc.b": called("jitOrcb", ["rs1"]),
  "rev8": called("jitRev8", ["rs1"]),
};

export const INTEGER_EMITTERS: readonly [number, Emitter][] = [
  ...byOperation("inline", EXPRESSIONS),
  ...byOperation("inline", COMPOSED),
  // Harts take turns and every store shows at once: nothing to order, and code is never stale.
  ...byOperation("inline", { "fence": () => {}, "fence.i": () => {} }),
];
