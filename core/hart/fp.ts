// Floating-point instructions except loads and stores: F, D and Zfhmin
// (RISC-V unprivileged ISA, "F" and "D" extensions, "Zfhmin").
//
// Operands come out of the 64-bit f registers through the NaN-boxing check, go through softfloat/
// as bare patterns, and results go back boxed. Exceptions accrue into `hart.fflags`.

import {
  OP_FADD_D, OP_FADD_S, OP_FCLASS_D, OP_FCLASS_S, OP_FCVT_D_H, OP_FCVT_D_L, OP_FCVT_D_LU,
  OP_FCVT_D_S, OP_FCVT_D_W, OP_FCVT_D_WU, OP_FCVT_H_D, OP_FCVT_H_S, OP_FCVT_LU_D, OP_FCVT_LU_S,
  OP_FCVT_L_D, OP_FCVT_L_S, OP_FCVT_S_D, OP_FCVT_S_H, OP_FCVT_S_L, OP_FCVT_S_LU, OP_FCVT_S_W,
  OP_FCVT_S_WU, OP_FCVT_WU_D, OP_FCVT_WU_S, OP_FCVT_W_D, OP_FCVT_W_S, OP_FDIV_D, OP_FDIV_S,
  OP_FEQ_D, OP_FEQ_S, OP_FLE_D, OP_FLE_S, OP_FLT_D, OP_FLT_S, OP_FMADD_D, OP_FMADD_S, OP_FMAX_D,
  OP_FMAX_S, OP_FMIN_D, OP_FMIN_S, OP_FMSUB_D, OP_FMSUB_S, OP_FMUL_D, OP_FMUL_S, OP_FMV_D_X,
  OP_FMV_H_X, OP_FMV_W_X, OP_FMV_X_D, OP_FMV_X_H, OP_FMV_X_W, OP_FNMADD_D, OP_FNMADD_S,
  OP_FNMSUB_D, OP_FNMSUB_S, OP_FSGNJN_D, OP_FSGNJN_S, OP_FSGNJX_D, OP_FSGNJX_S, OP_FSGNJ_D,
  OP_FSGNJ_S, OP_FSQRT_D, OP_FSQRT_S, OP_FSUB_D, OP_FSUB_S,
} from "./generated/ops";
import { Hart } from "./hart_state";
import { readX, writeRd } from "./registers";
import {
  classify, copySign, equal, less, lessOrEqual, maximum, minimum,
} from "./softfloat/compare";
import { convertFormat, fromInteger, toInteger } from "./softfloat/convert";
import { accruedFlags, DYN, RMM, setAccruedFlags } from "./softfloat/environment";
import { f32Add, f32Div, f32Mul, f32MulAdd, f32Sqrt, f32Sub, f64ToF32 } from "./softfloat/f32";
import { f64Add, f64Div, f64Mul, f64MulAdd, f64Sqrt, f64Sub } from "./softfloat/f64";
import { canonicalNaN, f16, signMask } from "./softfloat/format";

const F32_SIGN = signMask<f32>();
const F64_SIGN = signMask<f64>();

// Offsets in a decoded slot (generated/decode.ts).
const SLOT_RD: usize = 6;
const SLOT_RS1: usize = 7;
const SLOT_RS2: usize = 12;
const SLOT_RS3: usize = 13;
const SLOT_RM: usize = 14;

/**
 * Performs one floating-point instruction that is neither load nor store. The caller has checked
 * `mstatus.FS` and marks it dirty.
 *
 * @param slot the decoded instruction
 * @returns false, with nothing changed, if the rounding mode is reserved: an illegal instruction
 */
export function executeFp(hart: Hart, op: u32, slot: usize): bool {
  const rd = <u32>load<u8>(slot, SLOT_RD);
  const rs1 = <u32>load<u8>(slot, SLOT_RS1);
  const rs2 = <u32>load<u8>(slot, SLOT_RS2);
  let rm = <u32>load<u8>(slot, SLOT_RM);
  if (rm == DYN) rm = hart.frm;
  // Where funct3 is not a rounding mode it is at most 2, so this holds for every instruction here.
  if (rm > RMM) return false;

  setAccruedFlags(hart.fflags);
  switch (op) {
    case OP_FMADD_S: mulAddF32(hart, slot, 0, 0, rm); break;
    case OP_FMSUB_S: mulAddF32(hart, slot, 0, F32_SIGN, rm); break;
    case OP_FNMSUB_S: mulAddF32(hart, slot, F32_SIGN, 0, rm); break;
    case OP_FNMADD_S: mulAddF32(hart, slot, F32_SIGN, F32_SIGN, rm); break;
    case OP_FADD_S: writeF32(hart, rd, f32Add(readF32(hart, rs1), readF32(hart, rs2), rm)); break;
    case OP_FSUB_S: writeF32(hart, rd, f32Sub(readF32(hart, rs1), readF32(hart, rs2), rm)); break;
    case OP_FMUL_S: writeF32(hart, rd, f32Mul(readF32(hart, rs1), readF32(hart, rs2), rm)); break;
    case OP_FDIV_S: writeF32(hart, rd, f32Div(readF32(hart, rs1), readF32(hart, rs2), rm)); break;
    case OP_FSQRT_S: writeF32(hart, rd, f32Sqrt(readF32(hart, rs1), rm)); break;
    case OP_FSGNJ_S:
      writeF32(hart, rd, copySign<f32>(readF32(hart, rs1), readF32(hart, rs2)));
      break;
    case OP_FSGNJN_S:
      writeF32(hart, rd, copySign<f32>(readF32(hart, rs1), readF32(hart, rs2) ^ F32_SIGN));
      break;
    case OP_FSGNJX_S:
      writeF32(hart, rd, readF32(hart, rs1) ^ (readF32(hart, rs2) & F32_SIGN));
      break;
    case OP_FMIN_S: writeF32(hart, rd, minimum<f32>(readF32(hart, rs1), readF32(hart, rs2))); break;
    case OP_FMAX_S: writeF32(hart, rd, maximum<f32>(readF32(hart, rs1), readF32(hart, rs2))); break;
    case OP_FEQ_S: writeRd(hart, slot, equal<f32>(readF32(hart, rs1), readF32(hart, rs2))); break;
    case OP_FLT_S: writeRd(hart, slot, less<f32>(readF32(hart, rs1), readF32(hart, rs2))); break;
    case OP_FLE_S:
      writeRd(hart, slot, lessOrEqual<f32>(readF32(hart, rs1), readF32(hart, rs2)));
      break;
    case OP_FCLASS_S: writeRd(hart, slot, classify<f32>(readF32(hart, rs1))); break;
    case OP_FCVT_W_S: writeRd(hart, slot, toInteger<f32, i32>(readF32(hart, rs1), rm)); break;
    case OP_FCVT_WU_S: writeRd(hart, slot, toInteger<f32, u32>(readF32(hart, rs1), rm)); break;
    case OP_FCVT_L_S: writeRd(hart, slot, toInteger<f32, i64>(readF32(hart, rs1), rm)); break;
    case OP_FCVT_LU_S: writeRd(hart, slot, toInteger<f32, u64>(readF32(hart, rs1), rm)); break;
    case OP_FCVT_S_W: writeF32(hart, rd, fromInteger<i32, f32>(readX(hart, rs1), rm)); break;
    case OP_FCVT_S_WU: writeF32(hart, rd, fromInteger<u32, f32>(readX(hart, rs1), rm)); break;
    case OP_FCVT_S_L: writeF32(hart, rd, fromInteger<i64, f32>(readX(hart, rs1), rm)); break;
    case OP_FCVT_S_LU: writeF32(hart, rd, fromInteger<u64, f32>(readX(hart, rs1), rm)); break;
    case OP_FMADD_D: mulAddF64(hart, slot, 0, 0, rm); break;
    case OP_FMSUB_D: mulAddF64(hart, slot, 0, F64_SIGN, rm); break;
    case OP_FNMSUB_D: mulAddF64(hart, slot, F64_SIGN, 0, rm); break;
    case OP_FNMADD_D: mulAddF64(hart, slot, F64_SIGN, F64_SIGN, rm); break;
    case OP_FADD_D: writeF64(hart, rd, f64Add(readF64(hart, rs1), readF64(hart, rs2), rm)); break;
    case OP_FSUB_D: writeF64(hart, rd, f64Sub(readF64(hart, rs1), readF64(hart, rs2), rm)); break;
    case OP_FMUL_D: writeF64(hart, rd, f64Mul(readF64(hart, rs1), readF64(hart, rs2), rm)); break;
    case OP_FDIV_D: writeF64(hart, rd, f64Div(readF64(hart, rs1), readF64(hart, rs2), rm)); break;
    case OP_FSQRT_D: writeF64(hart, rd, f64Sqrt(readF64(hart, rs1), rm)); break;
    case OP_FSGNJ_D:
      writeF64(hart, rd, copySign<f64>(readF64(hart, rs1), readF64(hart, rs2)));
      break;
    case OP_FSGNJN_D:
      writeF64(hart, rd, copySign<f64>(readF64(hart, rs1), readF64(hart, rs2) ^ F64_SIGN));
      break;
    case OP_FSGNJX_D:
      writeF64(hart, rd, readF64(hart, rs1) ^ (readF64(hart, rs2) & F64_SIGN));
      break;
    case OP_FMIN_D: writeF64(hart, rd, minimum<f64>(readF64(hart, rs1), readF64(hart, rs2))); break;
    case OP_FMAX_D: writeF64(hart, rd, maximum<f64>(readF64(hart, rs1), readF64(hart, rs2))); break;
    case OP_FEQ_D: writeRd(hart, slot, equal<f64>(readF64(hart, rs1), readF64(hart, rs2))); break;
    case OP_FLT_D: writeRd(hart, slot, less<f64>(readF64(hart, rs1), readF64(hart, rs2))); break;
    case OP_FLE_D:
      writeRd(hart, slot, lessOrEqual<f64>(readF64(hart, rs1), readF64(hart, rs2)));
      break;
    case OP_FCLASS_D: writeRd(hart, slot, classify<f64>(readF64(hart, rs1))); break;
    case OP_FCVT_W_D: writeRd(hart, slot, toInteger<f64, i32>(readF64(hart, rs1), rm)); break;
    case OP_FCVT_WU_D: writeRd(hart, slot, toInteger<f64, u32>(readF64(hart, rs1), rm)); break;
    case OP_FCVT_L_D: writeRd(hart, slot, toInteger<f64, i64>(readF64(hart, rs1), rm)); break;
    case OP_FCVT_LU_D: writeRd(hart, slot, toInteger<f64, u64>(readF64(hart, rs1), rm)); break;
    case OP_FCVT_D_W: writeF64(hart, rd, fromInteger<i32, f64>(readX(hart, rs1), rm)); break;
    case OP_FCVT_D_WU: writeF64(hart, rd, fromInteger<u32, f64>(readX(hart, rs1), rm)); break;
    case OP_FCVT_D_L: writeF64(hart, rd, fromInteger<i64, f64>(readX(hart, rs1), rm)); break;
    case OP_FCVT_D_LU: writeF64(hart, rd, fromInteger<u64, f64>(readX(hart, rs1), rm)); break;
    case OP_FMV_X_H: writeRd(hart, slot, <u64>(<i64>(<i16>readF64(hart, rs1)))); break;
    case OP_FMV_X_W: writeRd(hart, slot, <u64>(<i64>(<i32>readF64(hart, rs1)))); break;
    case OP_FMV_X_D: writeRd(hart, slot, readF64(hart, rs1)); break;
    case OP_FMV_H_X: writeF16(hart, rd, readX(hart, rs1) & 0xffff); break;
    case OP_FMV_W_X: writeF32(hart, rd, readX(hart, rs1) & 0xffff_ffff); break;
    case OP_FMV_D_X: writeF64(hart, rd, readX(hart, rs1)); break;
    case OP_FCVT_H_S: writeF16(hart, rd, convertFormat<f32, f16>(readF32(hart, rs1), rm)); break;
    case OP_FCVT_H_D: writeF16(hart, rd, convertFormat<f64, f16>(readF64(hart, rs1), rm)); break;
    case OP_FCVT_S_H: writeF32(hart, rd, convertFormat<f16, f32>(readF16(hart, rs1), rm)); break;
    case OP_FCVT_S_D: writeF32(hart, rd, f64ToF32(readF64(hart, rs1), rm)); break;
    case OP_FCVT_D_H: writeF64(hart, rd, convertFormat<f16, f64>(readF16(hart, rs1), rm)); break;
    case OP_FCVT_D_S: writeF64(hart, rd, convertFormat<f32, f64>(readF32(hart, rs1), rm)); break;
    default:
      return false;
  }
  hart.fflags = accruedFlags();
  return true;
}

/** rd = (rs1 ^ flipProduct) * rs2 + (rs3 ^ flipAddend): sign bits make the four instructions. */
function mulAddF32(hart: Hart, slot: usize, flipProduct: u64, flipAddend: u64, rm: u32): void {
  const a = readF32(hart, load<u8>(slot, SLOT_RS1)) ^ flipProduct;
  const b = readF32(hart, load<u8>(slot, SLOT_RS2));
  const c = readF32(hart, load<u8>(slot, SLOT_RS3)) ^ flipAddend;
  writeF32(hart, load<u8>(slot, SLOT_RD), f32MulAdd(a, b, c, rm));
}

/** rd = (rs1 ^ flipProduct) * rs2 + (rs3 ^ flipAddend): sign bits make the four instructions. */
function mulAddF64(hart: Hart, slot: usize, flipProduct: u64, flipAddend: u64, rm: u32): void {
  const a = readF64(hart, load<u8>(slot, SLOT_RS1)) ^ flipProduct;
  const b = readF64(hart, load<u8>(slot, SLOT_RS2));
  const c = readF64(hart, load<u8>(slot, SLOT_RS3)) ^ flipAddend;
  writeF64(hart, load<u8>(slot, SLOT_RD), f64MulAdd(a, b, c, rm));
}

@inline
function readF64(hart: Hart, n: u32): u64 {
  return load<u64>(changetype<usize>(hart) + (<usize>n << 3), offsetof<Hart>("f0"));
}

@inline
function writeF64(hart: Hart, n: u32, value: u64): void {
  store<u64>(changetype<usize>(hart) + (<usize>n << 3), value, offsetof<Hart>("f0"));
}

// A narrower operand that is not NaN-boxed, all ones above it, counts as the canonical NaN
// ("D" extension, NaN boxing of narrower values).

@inline
function readF32(hart: Hart, n: u32): u64 {
  const value = readF64(hart, n);
  return value >> 32 == 0xffff_ffff ? value & 0xffff_ffff : canonicalNaN<f32>();
}

@inline
function writeF32(hart: Hart, n: u32, value: u64): void {
  writeF64(hart, n, 0xffff_ffff_0000_0000 | value);
}

@inline
function readF16(hart: Hart, n: u32): u64 {
  const value = readF64(hart, n);
  return value >> 16 == 0xffff_ffff_ffff ? value & 0xffff : canonicalNaN<f16>();
}

@inline
function writeF16(hart: Hart, n: u32, value: u64): void {
  writeF64(hart, n, 0xffff_ffff_ffff_0000 | value);
}
