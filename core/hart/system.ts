// The SYSTEM instructions: CSR access, environment calls, trap returns, WFI and fences.

import { Hart } from "./hart_state";
import {
  CAUSE_BREAKPOINT, CAUSE_ECALL_M, CAUSE_ECALL_S, CAUSE_ECALL_U, CAUSE_ECALL_VS,
  CAUSE_VIRTUAL_INSTRUCTION, HSTATUS_VTSR, HSTATUS_VTVM, HSTATUS_VTW, MSTATUS_TSR, MSTATUS_TVM,
  MSTATUS_TW, PRV_M, PRV_S, PRV_U,
} from "./bits";
import { csrRead, csrReadForModify, csrWrite } from "./csr";
import { csrAccess } from "./csr_access";
import { raiseBreakpoint, raiseIllegal, raisePlain, raiseVirtual } from "./fault";
import {
  OP_CSRRC, OP_CSRRCI, OP_CSRRS, OP_CSRRSI, OP_CSRRW, OP_CSRRWI, OP_EBREAK, OP_ECALL,
  OP_HFENCE_GVMA, OP_HFENCE_VVMA, OP_HINVAL_GVMA, OP_HINVAL_VVMA, OP_MRET, OP_SFENCE_INVAL_IR,
  OP_SFENCE_VMA, OP_SFENCE_W_INVAL, OP_SINVAL_VMA, OP_SRET, OP_WFI, OP_WRS_NTO, OP_WRS_STO,
} from "./generated/ops";
import { machine } from "./machine_state";
import { rs1, rs2, writeRd } from "./registers";
import { flushGvma, flushVma } from "./tlb";
import { hasWakeup, mret, sret } from "./trap";

/** Machine.endSlice: go on with the same hart after the run loop looked at the timers. */
export const END_SLICE: u32 = 1;
/** Machine.endSlice: let the other harts run first. */
export const END_TURN: u32 = 2;

export function executeCsr(h: Hart, op: u32, slot: usize): void {
  const csr = <u32>load<i32>(slot, 8) & 0xfff;
  const immediate = op >= OP_CSRRWI;
  const source = load<u8>(slot, 7);
  const isWrite = op == OP_CSRRW || op == OP_CSRRWI;
  const writes = isWrite || source != 0; // csrrs and csrrc with x0 (or 0) only read
  const cause = csrAccess(h, csr, writes);
  if (cause) {
    raise(cause, load<u32>(slot));
    return;
  }
  const operand: u64 = immediate ? <u64>source : rs1(h, slot);
  const old = csrRead(h, csr);
  if (writes) {
    if (isWrite) csrWrite(h, csr, operand);
    else {
      const base = csrReadForModify(h, csr);
      csrWrite(h, csr, op == OP_CSRRS || op == OP_CSRRSI ? base | operand : base & ~operand);
    }
  }
  writeRd(h, slot, old);
}

function raise(cause: u32, insn: u32): void {
  if (cause == CAUSE_VIRTUAL_INSTRUCTION) raiseVirtual(insn);
  else raiseIllegal(insn);
}

/** 0 if the fence may execute, else the cause. `tvm`: whether mstatus.TVM and hstatus.VTVM bear on it. */
function supervisorFenceAccess(h: Hart, tvm: bool): u32 {
  if (h.prv == PRV_U) return h.virt ? CAUSE_VIRTUAL_INSTRUCTION : 2;
  if (h.prv == PRV_M || !tvm) return 0;
  if (h.virt) return h.hstatus & HSTATUS_VTVM ? CAUSE_VIRTUAL_INSTRUCTION : 0;
  return h.mstatus & MSTATUS_TVM ? 2 : 0;
}

function hypervisorFenceAccess(h: Hart, tvm: bool): u32 {
  if (h.virt) return CAUSE_VIRTUAL_INSTRUCTION;
  if (h.prv == PRV_U) return 2;
  return h.prv == PRV_S && tvm && (h.mstatus & MSTATUS_TVM) ? 2 : 0;
}

/**
 * Executes one SYSTEM instruction that is not a CSR access or HLV/HSV. MRET and SRET set `h.pc`: the
 * caller has put the address of the next instruction there, `pc` is this one's.
 */
export function executeSystem(h: Hart, op: u32, slot: usize, pc: u64): void {
  const insn = load<u32>(slot);
  const hasRs1 = load<u8>(slot, 7) != 0;
  const hasRs2 = load<u8>(slot, 12) != 0;
  let cause: u32 = 0;
  switch (op) {
    case OP_ECALL:
      raisePlain(
        h.prv == PRV_U ? CAUSE_ECALL_U
          : h.prv == PRV_M ? CAUSE_ECALL_M
          : h.virt ? CAUSE_ECALL_VS : CAUSE_ECALL_S,
      );
      return;
    case OP_EBREAK:
      raiseBreakpoint(CAUSE_BREAKPOINT, pc, h.virt != 0);
      return;
    case OP_MRET:
      if (h.prv != PRV_M) raiseIllegal(insn);
      else mret(h);
      return;
    case OP_SRET:
      if (h.prv == PRV_U) cause = h.virt ? CAUSE_VIRTUAL_INSTRUCTION : 2;
      else if (h.virt) cause = h.hstatus & HSTATUS_VTSR ? CAUSE_VIRTUAL_INSTRUCTION : 0;
      else if (h.prv == PRV_S && (h.mstatus & MSTATUS_TSR)) cause = 2;
      if (cause) raise(cause, insn);
      else sret(h);
      return;
    case OP_WFI:
      // TW withholds it from all below M; U-mode never has it, as it might not end in bounded time.
      if (h.prv != PRV_M && (h.mstatus & MSTATUS_TW)) cause = 2;
      else if (h.virt && (h.prv == PRV_U || (h.hstatus & HSTATUS_VTW))) cause = CAUSE_VIRTUAL_INSTRUCTION;
      else if (h.prv == PRV_U) cause = 2;
      if (cause) {
        raise(cause, insn);
        return;
      }
      if (!hasWakeup(h)) {
        h.waiting = 1;
        machine().endSlice = END_TURN;
      }
      return;
    case OP_WRS_NTO: case OP_WRS_STO:
      machine().endSlice = END_TURN; // a wait that may end at any time: let the others store
      return;
    case OP_SFENCE_VMA: case OP_SINVAL_VMA:
      cause = supervisorFenceAccess(h, true);
      if (cause) raise(cause, insn);
      else flushVma(h, h.virt != 0, hasRs1, rs1(h, slot), hasRs2, rs2(h, slot));
      return;
    case OP_SFENCE_W_INVAL: case OP_SFENCE_INVAL_IR:
      cause = supervisorFenceAccess(h, false);
      if (cause) raise(cause, insn);
      return;
    case OP_HFENCE_VVMA: case OP_HINVAL_VVMA:
      cause = hypervisorFenceAccess(h, false);
      if (cause) raise(cause, insn);
      else flushVma(h, true, hasRs1, rs1(h, slot), hasRs2, rs2(h, slot));
      return;
    case OP_HFENCE_GVMA: case OP_HINVAL_GVMA:
      cause = hypervisorFenceAccess(h, true);
      if (cause) raise(cause, insn);
      else flushGvma(h, hasRs2, rs2(h, slot));
      return;
    default:
      raiseIllegal(insn);
  }
}
