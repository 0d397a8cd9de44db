// One instruction through the complete, slow path: all that may raise, touch a device, or change mode.

import { Hart } from "./hart_state";
import { MSTATUS_FS } from "./bits";
import { executeAtomic } from "./atomic";
import { executeCacheBlock } from "./cache_block";
import { markFpDirty } from "./csr";
import { pending, raiseIllegal } from "./fault";
import { executeFp } from "./fp";
import {
  OP_AMO_FIRST, OP_AMO_LAST, OP_CBO_INVAL, OP_CBO_ZERO, OP_CSRRCI, OP_CSRRW, OP_FCLASS_D, OP_FCLASS_S,
  OP_FENCE, OP_FENCE_I, OP_FLD, OP_FLH, OP_FLW, OP_FMV_X_D, OP_FMV_X_H, OP_FMV_X_W, OP_FP_FIRST,
  OP_FP_LAST, OP_FSD, OP_FSH, OP_FSW, OP_HLV_B, OP_HSV_D, OP_ILLEGAL, OP_LB, OP_LBU, OP_LD, OP_LH,
  OP_LHU, OP_LW, OP_LWU, OP_SB, OP_SD, OP_SH, OP_SW,
} from "./generated/ops";
import { executeHypervisorAccess } from "./hypervisor_access";
import { machine } from "./machine_state";
import { loadFrom, storeTo } from "./memory";
import { imm, rs1, rs2, writeRd } from "./registers";
import { END_TURN, executeCsr, executeSystem } from "./system";
import { takeException } from "./trap";

const BOXED_16: u64 = 0xffff_ffff_ffff_0000;
const BOXED_32: u64 = 0xffff_ffff_0000_0000;

// @ts-ignore: decorator
@inline
function fRegister(h: Hart, n: u32): usize {
  return changetype<usize>(h) + offsetof<Hart>("f0") + (<usize>n << 3);
}

function loadInteger(h: Hart, slot: usize, sizeBytes: u32, signed: bool): void {
  const value = loadFrom(h, <usize>h.dataContext, rs1(h, slot) + imm(slot), sizeBytes, false);
  if (pending) return;
  const unused = <u64>(64 - (sizeBytes << 3));
  writeRd(h, slot, signed ? <u64>(<i64>(value << unused) >> <i64>unused) : value);
}

function loadFloat(h: Hart, slot: usize, sizeBytes: u32, box: u64): void {
  const value = loadFrom(h, <usize>h.dataContext, rs1(h, slot) + imm(slot), sizeBytes, false);
  if (pending) return;
  store<u64>(fRegister(h, load<u8>(slot, 6)), value | box);
  markFpDirty(h);
}

function storeInteger(h: Hart, slot: usize, sizeBytes: u32): void {
  storeTo(h, <usize>h.dataContext, rs1(h, slot) + imm(slot), sizeBytes, rs2(h, slot));
}

function storeFloat(h: Hart, slot: usize, sizeBytes: u32): void {
  const value = load<u64>(fRegister(h, load<u8>(slot, 12)));
  storeTo(h, <usize>h.dataContext, rs1(h, slot) + imm(slot), sizeBytes, value);
}

/** Instructions that read f registers and write none: they leave FS alone. */
function onlyReadsFp(op: u32): bool {
  return op == OP_FMV_X_D || op == OP_FMV_X_W || op == OP_FMV_X_H || op == OP_FCLASS_S || op == OP_FCLASS_D;
}

function executeFloat(h: Hart, op: u32, slot: usize): void {
  if (!(h.mstatus & MSTATUS_FS) || (h.virt && !(h.vsstatus & MSTATUS_FS))) {
    raiseIllegal(load<u32>(slot));
    return;
  }
  switch (op) {
    case OP_FLW: loadFloat(h, slot, 4, BOXED_32); return;
    case OP_FLD: loadFloat(h, slot, 8, 0); return;
    case OP_FLH: loadFloat(h, slot, 2, BOXED_16); return;
    case OP_FSW: storeFloat(h, slot, 4); return;
    case OP_FSD: storeFloat(h, slot, 8); return;
    case OP_FSH: storeFloat(h, slot, 2); return;
    default:
      if (!executeFp(h, op, slot)) raiseIllegal(load<u32>(slot));
      else if (!onlyReadsFp(op)) markFpDirty(h);
  }
}

/**
 * Executes the decoded instruction at `h.pc`: afterwards `h.pc` is the next one's address, or the trap
 * handler's if it raised.
 */
export function executeSlow(h: Hart, op: u32, slot: usize): void {
  const pc = h.pc;
  h.pc = pc + <u64>load<u8>(slot, 15);
  switch (op) {
    case OP_LB: loadInteger(h, slot, 1, true); break;
    case OP_LH: loadInteger(h, slot, 2, true); break;
    case OP_LW: loadInteger(h, slot, 4, true); break;
    case OP_LD: loadInteger(h, slot, 8, false); break;
    case OP_LBU: loadInteger(h, slot, 1, false); break;
    case OP_LHU: loadInteger(h, slot, 2, false); break;
    case OP_LWU: loadInteger(h, slot, 4, false); break;
    case OP_SB: storeInteger(h, slot, 1); break;
    case OP_SH: storeInteger(h, slot, 2); break;
    case OP_SW: storeInteger(h, slot, 4); break;
    case OP_SD: storeInteger(h, slot, 8); break;
    case OP_FENCE: machine().endSlice = END_TURN; break; // only PAUSE comes here
    case OP_FENCE_I: break; // nothing is cached under an address
    case OP_ILLEGAL: raiseIllegal(load<u32>(slot)); break;
    default:
      if (op >= OP_FP_FIRST && op <= OP_FP_LAST) executeFloat(h, op, slot);
      else if (op >= OP_AMO_FIRST && op <= OP_AMO_LAST) executeAtomic(h, op, slot);
      else if (op >= OP_CSRRW && op <= OP_CSRRCI) executeCsr(h, op, slot);
      else if (op >= OP_HLV_B && op <= OP_HSV_D) executeHypervisorAccess(h, op, slot);
      else if (op >= OP_CBO_INVAL && op <= OP_CBO_ZERO) executeCacheBlock(h, op, slot);
      else executeSystem(h, op, slot, pc);
  }
  if (pending) {
    h.pc = pc;
    takeException(h, slot);
  }
}
