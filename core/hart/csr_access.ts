// Who may access which CSR: the one place that decides between success, illegal-instruction and
// virtual-instruction exceptions (Privileged, hypervisor: "Virtual-instruction exception").

import { Hart } from "./hart_state";
import {
  CAUSE_ILLEGAL_INSTRUCTION, CAUSE_VIRTUAL_INSTRUCTION, ENVCFG_STCE, HSTATUS_VTVM, MSTATUS_FS,
  MSTATUS_TVM, PRV_M, PRV_S, PRV_U, STATEEN0_ENVCFG, STATEEN_SE,
} from "./bits";
import * as n from "./csr_numbers";
import { EXT_SMSTATEEN, EXT_SSCOFPMF, EXT_SSTC } from "./layout";
import { machine } from "./machine_state";

/** Whether the machine has the CSR at all. */
function exists(csr: u32): bool {
  if (csr >= n.CSR_HPMCOUNTER3 && csr <= n.CSR_HPMCOUNTER31) return true;
  if (csr >= n.CSR_MHPMCOUNTER3 && csr <= n.CSR_MHPMCOUNTER31) return true;
  if (csr >= n.CSR_MHPMEVENT3 && csr <= n.CSR_MHPMEVENT31) return true;
  if (csr >= n.CSR_PMPADDR0 && csr <= n.CSR_PMPADDR15) return true;
  const extensions = machine().extensions;
  if (
    (csr >= n.CSR_MSTATEEN0 && csr <= n.CSR_MSTATEEN3) || (csr >= n.CSR_HSTATEEN0 && csr <= n.CSR_HSTATEEN3) ||
    (csr >= n.CSR_SSTATEEN0 && csr <= n.CSR_SSTATEEN3)
  ) return (extensions & EXT_SMSTATEEN) != 0;
  switch (csr) {
    case n.CSR_SCOUNTOVF:
      return (extensions & EXT_SSCOFPMF) != 0;
    case n.CSR_STIMECMP: case n.CSR_VSTIMECMP:
      return (extensions & EXT_SSTC) != 0;
    case n.CSR_FFLAGS: case n.CSR_FRM: case n.CSR_FCSR:
    case n.CSR_CYCLE: case n.CSR_TIME: case n.CSR_INSTRET:
    case n.CSR_SSTATUS: case n.CSR_SIE: case n.CSR_STVEC: case n.CSR_SCOUNTEREN: case n.CSR_SENVCFG:
    case n.CSR_SSCRATCH: case n.CSR_SEPC: case n.CSR_SCAUSE: case n.CSR_STVAL: case n.CSR_SIP: case n.CSR_SATP:
    case n.CSR_VSSTATUS: case n.CSR_VSIE: case n.CSR_VSTVEC: case n.CSR_VSSCRATCH: case n.CSR_VSEPC:
    case n.CSR_VSCAUSE: case n.CSR_VSTVAL: case n.CSR_VSIP: case n.CSR_VSATP:
    case n.CSR_HSTATUS: case n.CSR_HEDELEG: case n.CSR_HIDELEG: case n.CSR_HIE: case n.CSR_HTIMEDELTA:
    case n.CSR_HCOUNTEREN: case n.CSR_HGEIE: case n.CSR_HENVCFG: case n.CSR_HTVAL: case n.CSR_HIP:
    case n.CSR_HVIP: case n.CSR_HTINST: case n.CSR_HGATP: case n.CSR_HGEIP:
    case n.CSR_MVENDORID: case n.CSR_MARCHID: case n.CSR_MIMPID: case n.CSR_MHARTID: case n.CSR_MCONFIGPTR:
    case n.CSR_MSTATUS: case n.CSR_MISA: case n.CSR_MEDELEG: case n.CSR_MIDELEG: case n.CSR_MIE:
    case n.CSR_MTVEC: case n.CSR_MCOUNTEREN: case n.CSR_MENVCFG: case n.CSR_MCOUNTINHIBIT:
    case n.CSR_MSCRATCH: case n.CSR_MEPC: case n.CSR_MCAUSE: case n.CSR_MTVAL: case n.CSR_MIP:
    case n.CSR_MTINST: case n.CSR_MTVAL2: case n.CSR_PMPCFG0: case n.CSR_PMPCFG2:
    case n.CSR_MCYCLE: case n.CSR_MINSTRET:
      return true;
    default:
      return false;
  }
}

const OK: u32 = 0;
const ILLEGAL: u32 = CAUSE_ILLEGAL_INSTRUCTION;
const VIRTUAL: u32 = CAUSE_VIRTUAL_INSTRUCTION;

/** cycle, time, instret, hpmcountern: mcounteren, then hcounteren, then scounteren. */
function counterAccess(h: Hart, bit: u64): u32 {
  if (h.prv == PRV_M) return OK;
  if (!((h.mcounteren >> bit) & 1)) return ILLEGAL;
  if (h.virt && !((h.hcounteren >> bit) & 1)) return VIRTUAL;
  if (h.prv == PRV_U && !((h.scounteren >> bit) & 1)) return h.virt ? VIRTUAL : ILLEGAL;
  return OK;
}

/** stimecmp and vstimecmp below M (Sstc: mcounteren.TM and menvcfg.STCE, for guests hcounteren and henvcfg). */
function timerAccess(h: Hart): u32 {
  if (h.prv == PRV_M) return OK;
  if (!(h.mcounteren & 2) || !(h.menvcfg & ENVCFG_STCE)) return ILLEGAL;
  if (h.virt && (!(h.hcounteren & 2) || !(h.henvcfg & ENVCFG_STCE))) return VIRTUAL;
  return OK;
}

/** Smstateen: a bit of mstateen0 withholds from all below M, one of hstateen0 from the guest. */
function stateenAccess(h: Hart, register: u32, bit: u64, hypervisorRegister: bool): u32 {
  if (!(machine().extensions & EXT_SMSTATEEN) || h.prv == PRV_M) return OK;
  const field = changetype<usize>(h) + (register << 3);
  if (!(load<u64>(field, offsetof<Hart>("mstateen0")) & bit)) return ILLEGAL;
  if (h.virt && !hypervisorRegister && !(load<u64>(field, offsetof<Hart>("hstateen0")) & bit)) return VIRTUAL;
  return OK;
}

/** 0 if the access is allowed, else the cause to raise. */
export function csrAccess(h: Hart, csr: u32, write: bool): u32 {
  if (!exists(csr)) return ILLEGAL;
  if (write && (csr >> 10) == 3) return ILLEGAL; // read-only in every mode
  const level = (csr >> 8) & 3;
  if (level == 3) {
    if (h.prv != PRV_M) return ILLEGAL;
  } else if (h.virt) {
    // VS may not touch hypervisor and VS CSRs, VU not even supervisor ones; HS could: virtual instruction.
    // What HS could not do either stays illegal, so the finer checks come first.
    if (level == 2 || (level == 1 && h.prv == PRV_U)) return hsCouldAccess(h, csr) ? VIRTUAL : ILLEGAL;
  } else if (h.prv < level && !(level == 2 && h.prv == PRV_S)) return ILLEGAL;

  if (csr >= n.CSR_CYCLE && csr <= n.CSR_HPMCOUNTER31) return counterAccess(h, <u64>(csr - n.CSR_CYCLE));
  switch (csr) {
    case n.CSR_FFLAGS: case n.CSR_FRM: case n.CSR_FCSR:
      if (!(h.mstatus & MSTATUS_FS) || (h.virt && !(h.vsstatus & MSTATUS_FS))) return ILLEGAL;
      return OK;
    case n.CSR_SATP:
      if (h.prv != PRV_S) return OK;
      if (h.virt) return h.hstatus & HSTATUS_VTVM ? VIRTUAL : OK;
      return h.mstatus & MSTATUS_TVM ? ILLEGAL : OK;
    case n.CSR_HGATP:
      return h.prv == PRV_S && (h.mstatus & MSTATUS_TVM) ? ILLEGAL : OK;
    case n.CSR_STIMECMP: case n.CSR_VSTIMECMP:
      return timerAccess(h);
    case n.CSR_SENVCFG:
      return stateenAccess(h, 0, STATEEN0_ENVCFG, false);
    case n.CSR_HENVCFG:
      return stateenAccess(h, 0, STATEEN0_ENVCFG, true);
    default:
      if (csr >= n.CSR_SSTATEEN0 && csr <= n.CSR_SSTATEEN3) {
        return stateenAccess(h, csr - n.CSR_SSTATEEN0, STATEEN_SE, false);
      }
      if (csr >= n.CSR_HSTATEEN0 && csr <= n.CSR_HSTATEEN3) {
        return stateenAccess(h, csr - n.CSR_HSTATEEN0, STATEEN_SE, true);
      }
      return OK;
  }
}

/**
 * Whether the access would succeed in HS-mode "assuming fields TSR and TVM of mstatus are both zero":
 * only then is a guest's attempt a virtual-instruction exception.
 */
function hsCouldAccess(h: Hart, csr: u32): bool {
  switch (csr) {
    case n.CSR_STIMECMP: case n.CSR_VSTIMECMP:
      return (h.mcounteren & 2) != 0 && (h.menvcfg & ENVCFG_STCE) != 0;
    case n.CSR_SENVCFG: case n.CSR_HENVCFG:
      return !(machine().extensions & EXT_SMSTATEEN) || (h.mstateen0 & STATEEN0_ENVCFG) != 0;
    default: {
      let register: u32 = 4;
      if (csr >= n.CSR_SSTATEEN0 && csr <= n.CSR_SSTATEEN3) register = csr - n.CSR_SSTATEEN0;
      if (csr >= n.CSR_HSTATEEN0 && csr <= n.CSR_HSTATEEN3) register = csr - n.CSR_HSTATEEN0;
      if (register == 4) return true;
      return (load<u64>(changetype<usize>(h) + (register << 3), offsetof<Hart>("mstateen0")) & STATEEN_SE) != 0;
    }
  }
}
