/**
 * Which instructions become which WebAssembly: tables by operation number. What stands in none of them is
 * left to the interpreter, so the tables are the list of what translation covers.
 *
 * @module
 */

import { opNumber } from "../isa/ops.ts";
import type { ControlOps } from "./control_flow.ts";
import { Wasm } from "./wasm_encoder.ts";

export const BRANCH_CONDITION = new Map<number, number>([
  [opNumber("beq"), Wasm.i64_eq],
  [opNumber("bne"), Wasm.i64_ne],
  [opNumber("blt"), Wasm.i64_lt_s],
  [opNumber("bge"), Wasm.i64_ge_s],
  [opNumber("bltu"), Wasm.i64_lt_u],
  [opNumber("bgeu"), Wasm.i64_ge_u],
]);

/** Width and sign of a memory access: log2 of the bytes, plus 8 if a load extends the sign. */
export const LOADS = new Map<number, { kind: number; opcode: number }>([
  [opNumber("lb"), { kind: 8, opcode: Wasm.i64_load8_s }],
  [opNumber("lh"), { kind: 9, opcode: Wasm.i64_load16_s }],
  [opNumber("lw"), { kind: 10, opcode: Wasm.i64_load32_s }],
  [opNumber("ld"), { kind: 3, opcode: Wasm.i64_load }],
  [opNumber("lbu"), { kind: 0, opcode: Wasm.i64_load8_u }],
  [opNumber("lhu"), { kind: 1, opcode: Wasm.i64_load16_u }],
  [opNumber("lwu"), { kind: 2, opcode: Wasm.i64_load32_u }],
]);
export const STORES = new Map<number, { kind: number; opcode: number }>([
  [opNumber("sb"), { kind: 0, opcode: Wasm.i64_store8 }],
  [opNumber("sh"), { kind: 1, opcode: Wasm.i64_store16 }],
  [opNumber("sw"), { kind: 2, opcode: Wasm.i64_store32 }],
  [opNumber("sd"), { kind: 3, opcode: Wasm.i64_store }],
]);

/** What an expression starts from: operands of the instruction, as words (`w`) or zero-extended (`uw`). */
export type Operand = "rs1" | "rs2" | "imm" | "rs1w" | "rs2w" | "immw" | "rs1uw" | "pc" | number;
/** A shape of computation: what is pushed, which opcodes follow. */
export interface Computation {
  readonly operands: readonly Operand[];
  readonly opcodes: readonly number[];
}

const { i64_extend_i32_s: SIGN, i64_extend_i32_u: ZERO } = Wasm;

/** Instructions that are one WebAssembly expression. Shift counts need no mask: both take them modulo the width. */
export const COMPUTATIONS: ReadonlyMap<number, Computation> = new Map(
  Object.entries(
    {
      "addi": [["rs1", "imm"], [Wasm.i64_add]],
      "add": [["rs1", "rs2"], [Wasm.i64_add]],
      "sub": [["rs1", "rs2"], [Wasm.i64_sub]],
      "andi": [["rs1", "imm"], [Wasm.i64_and]],
      "and": [["rs1", "rs2"], [Wasm.i64_and]],
      "ori": [["rs1", "imm"], [Wasm.i64_or]],
      "or": [["rs1", "rs2"], [Wasm.i64_or]],
      "xori": [["rs1", "imm"], [Wasm.i64_xor]],
      "xor": [["rs1", "rs2"], [Wasm.i64_xor]],
      "slli": [["rs1", "imm"], [Wasm.i64_shl]],
      "sll": [["rs1", "rs2"], [Wasm.i64_shl]],
      "srli": [["rs1", "imm"], [Wasm.i64_shr_u]],
      "srl": [["rs1", "rs2"], [Wasm.i64_shr_u]],
      "srai": [["rs1", "imm"], [Wasm.i64_shr_s]],
      "sra": [["rs1", "rs2"], [Wasm.i64_shr_s]],
      "slti": [["rs1", "imm"], [Wasm.i64_lt_s, ZERO]],
      "slt": [["rs1", "rs2"], [Wasm.i64_lt_s, ZERO]],
      "sltiu": [["rs1", "imm"], [Wasm.i64_lt_u, ZERO]],
      "sltu": [["rs1", "rs2"], [Wasm.i64_lt_u, ZERO]],
      "lui": [["imm"], []],
      "auipc": [["pc", "imm"], [Wasm.i64_add]],
      "addiw": [["rs1w", "immw"], [Wasm.i32_add, SIGN]],
      "addw": [["rs1w", "rs2w"], [Wasm.i32_add, SIGN]],
      "subw": [["rs1w", "rs2w"], [Wasm.i32_sub, SIGN]],
      "slliw": [["rs1w", "immw"], [Wasm.i32_shl, SIGN]],
      "sllw": [["rs1w", "rs2w"], [Wasm.i32_shl, SIGN]],
      "srliw": [["rs1w", "immw"], [Wasm.i32_shr_u, SIGN]],
      "srlw": [["rs1w", "rs2w"], [Wasm.i32_shr_u, SIGN]],
      "sraiw": [["rs1w", "immw"], [Wasm.i32_shr_s, SIGN]],
      "sraw": [["rs1w", "rs2w"], [Wasm.i32_shr_s, SIGN]],
      "mul": [["rs1", "rs2"], [Wasm.i64_mul]],
      "mulw": [["rs1w", "rs2w"], [Wasm.i32_mul, SIGN]],
      "add.uw": [["rs1uw", "rs2"], [Wasm.i64_add]],
      "slli.uw": [["rs1uw", "imm"], [Wasm.i64_shl]],
      "clz": [["rs1"], [Wasm.i64_clz]],
      "ctz": [["rs1"], [Wasm.i64_ctz]],
      "cpop": [["rs1"], [Wasm.i64_popcnt]],
      "clzw": [["rs1w"], [Wasm.i32_clz, ZERO]],
      "ctzw": [["rs1w"], [Wasm.i32_ctz, ZERO]],
      "cpopw": [["rs1w"], [Wasm.i32_popcnt, ZERO]],
      "sext.b": [["rs1"], [Wasm.i64_extend8_s]],
      "sext.h": [["rs1"], [Wasm.i64_extend16_s]],
      "zext.h": [["rs1", 0xffff], [Wasm.i64_and]],
      "rol": [["rs1", "rs2"], [Wasm.i64_rotl]],
      "rolw": [["rs1w", "rs2w"], [Wasm.i32_rotl, SIGN]],
      "ror": [["rs1", "rs2"], [Wasm.i64_rotr]],
      "rorw": [["rs1w", "rs2w"], [Wasm.i32_rotr, SIGN]],
      "rori": [["rs1", "imm"], [Wasm.i64_rotr]],
      "roriw": [["rs1w", "immw"], [Wasm.i32_rotr, SIGN]],
    } satisfies Record<string, [Operand[], number[]]>,
  ).map(([name, [operands, opcodes]]) => [opNumber(name), { operands, opcodes }]),
);

/** sh1add and its kin: the shift, and whether rs1 is zero-extended from 32 bits. */
export const SHIFT_ADDS = new Map<number, { shift: number; operand: Operand }>(
  [1, 2, 3].flatMap((shift) => [
    [opNumber(`sh${shift}add`), { shift, operand: "rs1" }],
    [opNumber(`sh${shift}add.uw`), { shift, operand: "rs1uw" }],
  ]),
);

/** andn, orn, xnor: and, or, xor with one operand inverted. */
export const INVERTED = new Map<number, number>([
  [opNumber("andn"), Wasm.i64_and],
  [opNumber("orn"), Wasm.i64_or],
  [opNumber("xnor"), Wasm.i64_xor],
]);

/** min and max: the comparison under which rs1 is the result. */
export const SELECTIONS = new Map<number, number>([
  [opNumber("max"), Wasm.i64_gt_s],
  [opNumber("maxu"), Wasm.i64_gt_u],
  [opNumber("min"), Wasm.i64_lt_s],
  [opNumber("minu"), Wasm.i64_lt_u],
]);

/** Single-bit instructions: the bit is 1 shifted by rs2 or the immediate. */
export const SINGLE_BIT = new Map<
  number,
  { kind: "clear" | "extract" | "invert" | "set"; count: Operand }
>(
  (["rs2", "imm"] as const).flatMap((count) => {
    const suffix = count === "imm" ? "i" : "";
    return [
      [opNumber(`bclr${suffix}`), { kind: "clear", count }],
      [opNumber(`bext${suffix}`), { kind: "extract", count }],
      [opNumber(`binv${suffix}`), { kind: "invert", count }],
      [opNumber(`bset${suffix}`), { kind: "set", count }],
    ] as const;
  }),
);

/** Register-to-register instructions that call the interpreter's function. */
export const CALLED: ReadonlySet<number> = new Set(
  [
    "mulh",
    "mulhsu",
    "mulhu",
    "div",
    "divu",
    "rem",
    "remu",
    "divw",
    "divuw",
    "remw",
    "remuw",
    "orc.b",
    "rev8",
    "clmul",
    "clmulh",
    "clmulr",
    "czero.eqz",
    "czero.nez",
  ].map(opNumber),
);

export const FENCE = opNumber("fence");
export const PAUSE_IMMEDIATE = 0x010;

/** Whether the translator has code for an operation besides control flow. */
function isTranslatedOp(op: number): boolean {
  return COMPUTATIONS.has(op) || LOADS.has(op) || STORES.has(op) || SHIFT_ADDS.has(op) ||
    INVERTED.has(op) ||
    SELECTIONS.has(op) || SINGLE_BIT.has(op) || CALLED.has(op) || op === FENCE;
}

export const CONTROL_OPS: ControlOps = {
  isBranch: (op) => BRANCH_CONDITION.has(op),
  jal: opNumber("jal"),
  jalr: opNumber("jalr"),
  isTranslated: isTranslatedOp,
};
