// Entering and leaving traps, and choosing the interrupt that is due.

import { Hart } from "./hart_state";
import {
  ENVCFG_STCE, HSTATUS_GVA, HSTATUS_SPV, HSTATUS_SPVP, HSTATUS_VGEIN, HSTATUS_VGEIN_SHIFT, IRQ_LCOF,
  IRQ_ME, IRQ_MS, IRQ_MT, IRQ_SE, IRQ_SGE, IRQ_SS, IRQ_ST, IRQ_VSE, IRQ_VSS, IRQ_VST, MIP_MTIP,
  MIP_SGEIP, MIP_STIP, MIP_VS_BITS, MIP_VSEIP, MIP_VSTIP, MSTATUS_GVA, MSTATUS_MIE, MSTATUS_MPIE,
  MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_MPV, MSTATUS_SIE, MSTATUS_SPIE, MSTATUS_SPP,
  PRV_M, PRV_S, PRV_U,
} from "./bits";
import * as fault from "./fault";
import { machine, mtime } from "./machine_state";
import { selectContexts } from "./tlb";
import { transformedInstruction } from "./transformed_instruction";

const CAUSE_INTERRUPT: u64 = (<u64>1) << 63;

// Tells the run loop of a trap, when Machine.traceTraps asks for it.
// @ts-ignore: decorator
@external("trace", "trap")
declare function traceTrap(hartId: u32): void;

// ---- Interrupts ----

/** `mip`: what software wrote, what devices drive, and what the timers say now. */
export function mip(h: Hart): u64 {
  const time = mtime();
  let bits = h.mipSoftware | h.mipLines | (h.hvip & MIP_VS_BITS);
  if (time >= h.mtimecmp) bits |= MIP_MTIP;
  if (h.menvcfg & ENVCFG_STCE) {
    // With Sstc, STIP is the comparison and nothing else.
    bits &= ~MIP_STIP;
    if (time >= h.stimecmp) bits |= MIP_STIP;
    if ((h.henvcfg & ENVCFG_STCE) && time + h.htimedelta >= h.vstimecmp) bits |= MIP_VSTIP;
  }
  const vgein = (h.hstatus & HSTATUS_VGEIN) >> HSTATUS_VGEIN_SHIFT;
  if ((h.hgeip >> vgein) & 1) bits |= MIP_VSEIP; // bit 0 of hgeip is always zero
  if (h.hgeip & h.hgeie) bits |= MIP_SGEIP;
  return bits;
}

/** Whether an interrupt is pending and enabled in `mie`, whatever delegation and global enables say. */
export function hasPendingInterrupt(h: Hart): bool {
  return (mip(h) & h.mie) != 0;
}

/**
 * Whether a waiting hart goes on at once. Interrupts that only a guest can take do not count while none
 * runs: KVM leaves `vstimecmp` behind when a guest ends, and the host would never sleep again. WFI may
 * stall for a bounded time (Privileged, Wait for Interrupt); the run loop ends the wait when nothing else
 * is left to happen.
 */
export function hasWakeup(h: Hart): bool {
  const bits = mip(h) & h.mie;
  return (h.virt ? bits : bits & ~(h.mideleg & h.hideleg)) != 0;
}

/** The one to take of several, in the order of the Privileged spec (Machine Interrupt Registers). */
function highestPriority(bits: u64): u64 {
  if ((bits >> IRQ_ME) & 1) return IRQ_ME;
  if ((bits >> IRQ_MS) & 1) return IRQ_MS;
  if ((bits >> IRQ_MT) & 1) return IRQ_MT;
  if ((bits >> IRQ_SE) & 1) return IRQ_SE;
  if ((bits >> IRQ_SS) & 1) return IRQ_SS;
  if ((bits >> IRQ_ST) & 1) return IRQ_ST;
  if ((bits >> IRQ_SGE) & 1) return IRQ_SGE;
  if ((bits >> IRQ_VSE) & 1) return IRQ_VSE;
  if ((bits >> IRQ_VSS) & 1) return IRQ_VSS;
  if ((bits >> IRQ_VST) & 1) return IRQ_VST;
  return IRQ_LCOF;
}

/** Takes the interrupt that is due, if any; `h.pc` is the instruction that would come next. */
export function takeInterrupt(h: Hart): bool {
  const bits = mip(h) & h.mie;
  if (!bits) return false;
  const atM = bits & ~h.mideleg;
  if (atM && (h.prv != PRV_M || (h.mstatus & MSTATUS_MIE))) {
    enter(h, PRV_M, false, highestPriority(atM), true, 0, 0, 0, false);
    return true;
  }
  if (h.prv == PRV_M) return false;
  const atHs = bits & h.mideleg & ~h.hideleg;
  if (atHs && (h.virt || h.prv == PRV_U || (h.mstatus & MSTATUS_SIE))) {
    enter(h, PRV_S, false, highestPriority(atHs), true, 0, 0, 0, false);
    return true;
  }
  const atVs = bits & h.mideleg & h.hideleg;
  if (atVs && h.virt && (h.prv == PRV_U || (h.vsstatus & MSTATUS_SIE))) {
    const n = highestPriority(atVs);
    // The guest sees the supervisor numbers: VSSIP is its SSIP and so on.
    enter(h, PRV_S, true, n == IRQ_LCOF ? n : n - 1, true, 0, 0, 0, false);
    return true;
  }
  return false;
}

// ---- Exceptions ----

/** Enters the trap for the pending exception of the instruction at `h.pc`, decoded in `slot` (0: fetch). */
export function takeException(h: Hart, slot: usize): void {
  const cause = <u64>fault.cause;
  const bit: u64 = (<u64>1) << cause;
  let tinst: u64 = 0;
  if (fault.tinst == fault.TINST_TRANSFORMED) {
    if (slot) tinst = <u64>transformedInstruction(slot, <u32>(fault.tval - fault.accessStart));
  } else tinst = <u64>fault.tinst;
  fault.clear();
  h.instret--; // an instruction that raises does not retire
  if (h.prv == PRV_M || !(h.medeleg & bit)) {
    enter(h, PRV_M, false, cause, false, fault.tval, fault.tval2, tinst, fault.gva);
  } else if (!h.virt || !(h.hedeleg & bit)) {
    enter(h, PRV_S, false, cause, false, fault.tval, fault.tval2, tinst, fault.gva);
  } else {
    enter(h, PRV_S, true, cause, false, fault.tval, 0, 0, false);
  }
}

function vector(tvec: u64, cause: u64, interrupt: bool): u64 {
  const base = tvec & ~3;
  return interrupt && (tvec & 1) ? base + (cause << 2) : base;
}

/** Sets the registers of the target mode and goes to its handler. */
function enter(
  h: Hart, toPrv: u32, toVirt: bool, cause: u64, interrupt: bool, tval: u64, tval2: u64, tinst: u64, gva: bool,
): void {
  const epc = h.pc;
  const code = interrupt ? cause | CAUSE_INTERRUPT : cause;
  if (toPrv == PRV_M) {
    let s = h.mstatus & ~(MSTATUS_MPP | MSTATUS_MPIE | MSTATUS_MIE | MSTATUS_MPV | MSTATUS_GVA);
    s |= (<u64>h.prv) << MSTATUS_MPP_SHIFT;
    if (h.mstatus & MSTATUS_MIE) s |= MSTATUS_MPIE;
    if (h.virt) s |= MSTATUS_MPV;
    if (gva) s |= MSTATUS_GVA;
    h.mstatus = s;
    h.mepc = epc;
    h.mcause = code;
    h.mtval = tval;
    h.mtval2 = tval2;
    h.mtinst = tinst;
    h.pc = vector(h.mtvec, cause, interrupt);
  } else if (!toVirt) {
    let hs = h.hstatus & ~(HSTATUS_SPV | HSTATUS_GVA);
    if (h.virt) {
      hs |= HSTATUS_SPV;
      hs = h.prv == PRV_S ? hs | HSTATUS_SPVP : hs & ~HSTATUS_SPVP; // unchanged when V was 0
    }
    if (gva) hs |= HSTATUS_GVA;
    h.hstatus = hs;
    let s = h.mstatus & ~(MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE);
    if (h.prv == PRV_S) s |= MSTATUS_SPP;
    if (h.mstatus & MSTATUS_SIE) s |= MSTATUS_SPIE;
    h.mstatus = s;
    h.sepc = epc;
    h.scause = code;
    h.stval = tval;
    h.htval = tval2;
    h.htinst = tinst;
    h.pc = vector(h.stvec, cause, interrupt);
  } else {
    let s = h.vsstatus & ~(MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE);
    if (h.prv == PRV_S) s |= MSTATUS_SPP;
    if (h.vsstatus & MSTATUS_SIE) s |= MSTATUS_SPIE;
    h.vsstatus = s;
    h.vsepc = epc;
    h.vscause = code;
    h.vstval = tval;
    h.pc = vector(h.vstvec, cause, interrupt);
  }
  if (h.virt && !toVirt) h.exitsToHypervisor++;
  h.trapsTaken++;
  h.prv = toPrv;
  h.virt = toVirt ? 1 : 0;
  h.waiting = 0;
  selectContexts(h);
  const m = machine();
  if (m.traceTraps) {
    m.trapHart = h.hartId;
    m.trapToPrv = toPrv | (toVirt ? 4 : 0);
    m.trapCause = code;
    m.trapTval = tval;
    m.trapEpc = epc;
    traceTrap(h.hartId);
  }
}

// ---- Returns ----

/** MRET (Privileged, Trap-Return Instructions; hypervisor: MPV). */
export function mret(h: Hart): void {
  const s = h.mstatus;
  const prv = <u32>((s & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
  let next = s & ~(MSTATUS_MIE | MSTATUS_MPP | MSTATUS_MPV);
  next |= MSTATUS_MPIE;
  if (s & MSTATUS_MPIE) next |= MSTATUS_MIE;
  if (prv != PRV_M) next &= ~MSTATUS_MPRV;
  h.mstatus = next;
  h.virt = prv != PRV_M && (s & MSTATUS_MPV) ? 1 : 0;
  h.prv = prv;
  h.pc = h.mepc;
  machine().attention = 1;
  selectContexts(h);
}

/** SRET in HS-mode (or M), and in VS-mode where it acts on vsstatus. */
export function sret(h: Hart): void {
  if (h.virt) {
    const s = h.vsstatus;
    let next = (s & ~(MSTATUS_SIE | MSTATUS_SPP)) | MSTATUS_SPIE;
    if (s & MSTATUS_SPIE) next |= MSTATUS_SIE;
    h.vsstatus = next;
    h.prv = s & MSTATUS_SPP ? PRV_S : PRV_U;
    h.pc = h.vsepc;
  } else {
    const s = h.mstatus;
    let next = (s & ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV)) | MSTATUS_SPIE;
    if (s & MSTATUS_SPIE) next |= MSTATUS_SIE;
    h.mstatus = next;
    h.prv = s & MSTATUS_SPP ? PRV_S : PRV_U;
    h.virt = h.hstatus & HSTATUS_SPV ? 1 : 0;
    h.hstatus &= ~HSTATUS_SPV;
    h.pc = h.sepc;
  }
  machine().attention = 1;
  selectContexts(h);
}
