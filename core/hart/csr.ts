// What the CSRs hold: read, and legalised write.
//
// Access has been checked (csr_access.ts). In VS-mode the supervisor addresses mean the VS registers;
// `effective` maps them, so that below each register has one meaning.

import { Hart } from "./hart_state";
import {
  ENVCFG_ADUE, ENVCFG_CBCFE, ENVCFG_CBIE, ENVCFG_CBZE, ENVCFG_FIOM, ENVCFG_PBMTE, ENVCFG_STCE,
  HSTATUS_GVA, HSTATUS_HU, HSTATUS_SPV, HSTATUS_SPVP, HSTATUS_VGEIN, HSTATUS_VGEIN_SHIFT,
  HSTATUS_VSXL_64, HSTATUS_VTSR, HSTATUS_VTVM, HSTATUS_VTW, MIP_LCOFIP, MIP_M_BITS, MIP_S_BITS,
  MIP_SEIP, MIP_SGEIP, MIP_SSIP, MIP_STIP, MIP_VS_BITS, MIP_VSSIP, MSTATUS_FS, MSTATUS_GVA,
  MSTATUS_MIE, MSTATUS_MPIE, MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_MPV, MSTATUS_MXR,
  MSTATUS_SD, MSTATUS_SIE, MSTATUS_SPIE, MSTATUS_SPP, MSTATUS_SUM, MSTATUS_SXL_64, MSTATUS_TSR,
  MSTATUS_TVM, MSTATUS_TW, MSTATUS_UXL_64, STATEEN0_ENVCFG, STATEEN_SE,
} from "./bits";
import * as n from "./csr_numbers";
import { EXT_SSCOFPMF, EXT_SSTC, EXT_SVADU, EXT_SVPBMT } from "./layout";
import { machine, mtime, nowNs } from "./machine_state";
import { pmpAddress, writePmpaddr, writePmpcfg } from "./pmp";
import { flushAll, selectContexts } from "./tlb";
import { mip } from "./trap";

const SSTATUS_WRITABLE: u64 = MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR;
const MSTATUS_WRITABLE: u64 = SSTATUS_WRITABLE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPRV | MSTATUS_TVM |
  MSTATUS_TW | MSTATUS_TSR | MSTATUS_GVA | MSTATUS_MPV;
const HSTATUS_WRITABLE: u64 = HSTATUS_GVA | HSTATUS_SPV | HSTATUS_SPVP | HSTATUS_HU | HSTATUS_VTVM |
  HSTATUS_VTW | HSTATUS_VTSR;
// I M A F D C H S U and MXL = 64.
const MISA: u64 = (<u64>2 << 62) | (1 << 0) | (1 << 2) | (1 << 3) | (1 << 5) | (1 << 7) | (1 << 8) | (1 << 12) |
  (1 << 18) | (1 << 20);
// Exceptions that can be delegated to HS: all but ecall from M. To VS: those that a guest can cause in itself.
const MEDELEG_WRITABLE: u64 = 0x00f0b7ff;
const HEDELEG_WRITABLE: u64 = 0x0000b1ff;
const COUNTEREN_WRITABLE: u64 = 0xffff_ffff;
const MIDELEG_FIXED: u64 = MIP_VS_BITS | MIP_SGEIP; // read-only one with the hypervisor extension
const HGATP_MODE: u64 = <u64>0xf << 60;
const MARCHID: u64 = 0x68696d61; // "hima"
const MIMPID: u64 = 1;

function lcofip(): u64 {
  return machine().extensions & EXT_SSCOFPMF ? MIP_LCOFIP : 0;
}

/** The register that an address means: VS registers take the supervisor ones' place in a guest. */
function effective(h: Hart, csr: u32): u32 {
  if (!h.virt) return csr;
  switch (csr) {
    case n.CSR_SSTATUS: case n.CSR_SIE: case n.CSR_STVEC: case n.CSR_SSCRATCH: case n.CSR_SEPC:
    case n.CSR_SCAUSE: case n.CSR_STVAL: case n.CSR_SIP: case n.CSR_STIMECMP: case n.CSR_SATP:
      return csr + 0x100;
    default:
      return csr;
  }
}

function withSd(status: u64): u64 {
  return (status & MSTATUS_FS) == MSTATUS_FS ? status | MSTATUS_SD : status;
}

function envcfgWritable(): u64 {
  const e = machine().extensions;
  return ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE | (e & EXT_SVADU ? ENVCFG_ADUE : 0) |
    (e & EXT_SVPBMT ? ENVCFG_PBMTE : 0) | (e & EXT_SSTC ? ENVCFG_STCE : 0);
}

/** `vsip`/`vsie` show the VS bits that hideleg hands to the guest, one position lower. */
function shiftToGuest(h: Hart, bits: u64): u64 {
  const delegated = bits & h.hideleg;
  return ((delegated & MIP_VS_BITS) >> 1) | (delegated & lcofip());
}

/** Retired instructions, up to the one in progress. */
function instret(h: Hart): u64 {
  const m = machine();
  return h.instret + <u64>(<i64>(m.sliceInstructions - m.remaining));
}

export function csrRead(h: Hart, address: u32): u64 {
  const csr = effective(h, address);
  switch (csr) {
    case n.CSR_FFLAGS: return h.fflags;
    case n.CSR_FRM: return h.frm;
    case n.CSR_FCSR: return (h.frm << 5) | h.fflags;
    case n.CSR_CYCLE: case n.CSR_MCYCLE: return nowNs() + h.mcycleOffset;
    case n.CSR_TIME: return h.virt ? mtime() + h.htimedelta : mtime();
    case n.CSR_INSTRET: case n.CSR_MINSTRET: return instret(h);

    case n.CSR_SSTATUS: return withSd(h.mstatus & SSTATUS_WRITABLE) | MSTATUS_UXL_64;
    case n.CSR_SIE: return h.mie & h.mideleg & (MIP_S_BITS | lcofip());
    case n.CSR_STVEC: return h.stvec;
    case n.CSR_SCOUNTEREN: return h.scounteren;
    case n.CSR_SENVCFG: return h.senvcfg;
    case n.CSR_SSCRATCH: return h.sscratch;
    case n.CSR_SEPC: return h.sepc;
    case n.CSR_SCAUSE: return h.scause;
    case n.CSR_STVAL: return h.stval;
    case n.CSR_SIP: return mip(h) & h.mideleg & (MIP_S_BITS | lcofip());
    case n.CSR_STIMECMP: return h.stimecmp;
    case n.CSR_SATP: return h.satp;

    case n.CSR_VSSTATUS: return withSd(h.vsstatus) | MSTATUS_UXL_64;
    case n.CSR_VSIE: return shiftToGuest(h, h.mie);
    case n.CSR_VSTVEC: return h.vstvec;
    case n.CSR_VSSCRATCH: return h.vsscratch;
    case n.CSR_VSEPC: return h.vsepc;
    case n.CSR_VSCAUSE: return h.vscause;
    case n.CSR_VSTVAL: return h.vstval;
    case n.CSR_VSIP: return shiftToGuest(h, mip(h));
    case n.CSR_VSTIMECMP: return h.vstimecmp;
    case n.CSR_VSATP: return h.vsatp;

    case n.CSR_HSTATUS: return h.hstatus | HSTATUS_VSXL_64;
    case n.CSR_HEDELEG: return h.hedeleg;
    case n.CSR_HIDELEG: return h.hideleg;
    case n.CSR_HIE: return h.mie & MIDELEG_FIXED;
    case n.CSR_HTIMEDELTA: return h.htimedelta;
    case n.CSR_HCOUNTEREN: return h.hcounteren;
    case n.CSR_HGEIE: return h.hgeie;
    case n.CSR_HGEIP: return h.hgeip;
    // What menvcfg withholds reads as zero.
    case n.CSR_HENVCFG: return h.henvcfg & (h.menvcfg | ~(ENVCFG_ADUE | ENVCFG_PBMTE | ENVCFG_STCE));
    case n.CSR_HTVAL: return h.htval;
    case n.CSR_HIP: return mip(h) & MIDELEG_FIXED;
    case n.CSR_HVIP: return h.hvip;
    case n.CSR_HTINST: return h.htinst;
    case n.CSR_HGATP: return h.hgatp;

    case n.CSR_MARCHID: return MARCHID;
    case n.CSR_MIMPID: return MIMPID;
    case n.CSR_MHARTID: return h.hartId;
    case n.CSR_MSTATUS: return withSd(h.mstatus) | MSTATUS_UXL_64 | MSTATUS_SXL_64;
    case n.CSR_MISA: return MISA;
    case n.CSR_MEDELEG: return h.medeleg;
    case n.CSR_MIDELEG: return h.mideleg;
    case n.CSR_MIE: return h.mie;
    case n.CSR_MTVEC: return h.mtvec;
    case n.CSR_MCOUNTEREN: return h.mcounteren;
    case n.CSR_MENVCFG: return h.menvcfg;
    case n.CSR_MSCRATCH: return h.mscratch;
    case n.CSR_MEPC: return h.mepc;
    case n.CSR_MCAUSE: return h.mcause;
    case n.CSR_MTVAL: return h.mtval;
    case n.CSR_MIP: return mip(h);
    case n.CSR_MTINST: return h.mtinst;
    case n.CSR_MTVAL2: return h.mtval2;
    case n.CSR_PMPCFG0: return h.pmpcfg0;
    case n.CSR_PMPCFG2: return h.pmpcfg2;
    default:
      if (csr >= n.CSR_PMPADDR0 && csr <= n.CSR_PMPADDR15) return pmpAddress(h, csr - n.CSR_PMPADDR0);
      if (csr >= n.CSR_MSTATEEN0 && csr <= n.CSR_MSTATEEN3) return stateen(h, offsetof<Hart>("mstateen0"), csr & 3);
      // A bit that mstateen withholds reads as zero below.
      if (csr >= n.CSR_HSTATEEN0 && csr <= n.CSR_HSTATEEN3) {
        return stateen(h, offsetof<Hart>("hstateen0"), csr & 3) & stateen(h, offsetof<Hart>("mstateen0"), csr & 3);
      }
      // mvendorid, mconfigptr, mcountinhibit, scountovf, sstateen, mhpmcounter, mhpmevent, hpmcounter
      return 0;
  }
}

/** What CSRRS and CSRRC modify: as read, but without the external line in mip.SEIP (Privileged, mip). */
export function csrReadForModify(h: Hart, address: u32): u64 {
  const value = csrRead(h, address);
  if (effective(h, address) != n.CSR_MIP) return value;
  return (value & ~MIP_SEIP) | (h.mipSoftware & MIP_SEIP);
}

function stateen(h: Hart, base: usize, register: u32): u64 {
  return load<u64>(changetype<usize>(h) + base + (register << 3));
}

/** xtvec: modes 2 and 3 are reserved; the direct or vectored bit is kept. */
function legalTvec(value: u64): u64 {
  return value & ~2;
}

/** satp, vsatp, hgatp: Bare, Sv39, Sv48, Sv57. */
function isTranslationMode(mode: u64): bool {
  return mode == 0 || (mode >= 8 && mode <= 10);
}

/** CBIE = 2 is reserved: the old setting stays. */
function legalEnvcfg(value: u64, old: u64, writable: u64): u64 {
  const next = value & writable;
  return (next & ENVCFG_CBIE) == (2 << 4) ? (next & ~ENVCFG_CBIE) | (old & ENVCFG_CBIE) : next;
}

/** A timer moved: the slice ends here so that the run loop sets the next deadline. */
function timerMoved(): void {
  const m = machine();
  m.endSlice = 1;
  m.attention = 1;
}

export function csrWrite(h: Hart, address: u32, value: u64): void {
  const csr = effective(h, address);
  const m = machine();
  switch (csr) {
    case n.CSR_FFLAGS: h.fflags = <u32>value & 0x1f; markFpDirty(h); break;
    case n.CSR_FRM: h.frm = <u32>value & 7; markFpDirty(h); break;
    case n.CSR_FCSR:
      h.fflags = <u32>value & 0x1f;
      h.frm = (<u32>value >> 5) & 7;
      markFpDirty(h);
      break;
    case n.CSR_MCYCLE: h.mcycleOffset = value - (nowNs() + 1); break;
    case n.CSR_MINSTRET: h.instret = value - <u64>(<i64>(m.sliceInstructions - m.remaining)) - 1; break;

    case n.CSR_SSTATUS: writeStatus(h, value, SSTATUS_WRITABLE); break;
    case n.CSR_SIE: writeMie(h, value, h.mideleg & (MIP_S_BITS | lcofip())); break;
    case n.CSR_STVEC: h.stvec = legalTvec(value); break;
    case n.CSR_SCOUNTEREN: h.scounteren = value & COUNTEREN_WRITABLE; break;
    case n.CSR_SENVCFG:
      h.senvcfg = legalEnvcfg(value, h.senvcfg, ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE);
      break;
    case n.CSR_SSCRATCH: h.sscratch = value; break;
    case n.CSR_SEPC: h.sepc = value & ~1; break;
    case n.CSR_SCAUSE: h.scause = value; break;
    case n.CSR_STVAL: h.stval = value; break;
    case n.CSR_SIP: writeMip(h, value, h.mideleg & (MIP_SSIP | lcofip())); break;
    case n.CSR_STIMECMP: h.stimecmp = value; timerMoved(); break;
    case n.CSR_SATP:
      if (isTranslationMode(value >> 60)) {
        h.satp = value;
        selectContexts(h);
      }
      break;

    case n.CSR_VSSTATUS:
      h.vsstatus = value & SSTATUS_WRITABLE;
      m.attention = 1;
      selectContexts(h);
      break;
    case n.CSR_VSIE: {
      const mask = h.hideleg & MIP_VS_BITS;
      writeMie(h, ((value << 1) & mask) | (value & lcofip()), mask | (h.hideleg & lcofip()));
      break;
    }
    case n.CSR_VSTVEC: h.vstvec = legalTvec(value); break;
    case n.CSR_VSSCRATCH: h.vsscratch = value; break;
    case n.CSR_VSEPC: h.vsepc = value & ~1; break;
    case n.CSR_VSCAUSE: h.vscause = value; break;
    case n.CSR_VSTVAL: h.vstval = value; break;
    case n.CSR_VSIP:
      writeMip(
        h,
        ((value << 1) & MIP_VSSIP) | (value & lcofip()),
        h.hideleg & (MIP_VSSIP | lcofip()),
      );
      break;
    case n.CSR_VSTIMECMP: h.vstimecmp = value; timerMoved(); break;
    case n.CSR_VSATP:
      if (isTranslationMode(value >> 60)) {
        h.vsatp = value;
        selectContexts(h);
      }
      break;

    case n.CSR_HSTATUS: {
      let next = value & HSTATUS_WRITABLE;
      const vgein = value & HSTATUS_VGEIN;
      next |= (vgein >> HSTATUS_VGEIN_SHIFT) <= m.geilen ? vgein : h.hstatus & HSTATUS_VGEIN;
      h.hstatus = next;
      m.attention = 1;
      break;
    }
    case n.CSR_HEDELEG: h.hedeleg = value & HEDELEG_WRITABLE; break;
    case n.CSR_HIDELEG: h.hideleg = value & (MIP_VS_BITS | lcofip()); m.attention = 1; break;
    case n.CSR_HIE: writeMie(h, value, MIDELEG_FIXED); break;
    case n.CSR_HTIMEDELTA: h.htimedelta = value; timerMoved(); break;
    case n.CSR_HCOUNTEREN: h.hcounteren = value & COUNTEREN_WRITABLE; break;
    case n.CSR_HGEIE: h.hgeie = value & (((<u64>1 << m.geilen) - 1) << 1); m.attention = 1; break;
    case n.CSR_HENVCFG: {
      // What menvcfg withholds is read-only zero: a write now does not show later.
      const withheld = (ENVCFG_ADUE | ENVCFG_PBMTE | ENVCFG_STCE) & ~h.menvcfg;
      const before = h.henvcfg;
      h.henvcfg = legalEnvcfg(value, before, envcfgWritable() & ~withheld);
      // KVM writes it at every world switch: only what translation depends on is worth a flush.
      if ((h.henvcfg ^ before) & (ENVCFG_ADUE | ENVCFG_PBMTE)) flushAll(h);
      timerMoved();
      break;
    }
    case n.CSR_HTVAL: h.htval = value; break;
    case n.CSR_HIP: writeMip(h, value, MIP_VSSIP); break;
    case n.CSR_HVIP: h.hvip = value & MIP_VS_BITS; m.attention = 1; break;
    case n.CSR_HTINST: h.htinst = value; break;
    case n.CSR_HGATP:
      // The root table is 16 KiB: its two low PPN bits are zero. VMIDLEN is 14. An unsupported mode leaves
      // the old one; the other fields are written all the same, unlike in satp.
      h.hgatp = (value & 0x03ff_ffff_ffff_fffc) | ((isTranslationMode(value >> 60) ? value : h.hgatp) & HGATP_MODE);
      selectContexts(h);
      break;

    case n.CSR_MSTATUS: writeStatus(h, value, MSTATUS_WRITABLE); break;
    case n.CSR_MEDELEG: h.medeleg = value & MEDELEG_WRITABLE; break;
    case n.CSR_MIDELEG:
      h.mideleg = (value & (MIP_S_BITS | lcofip())) | MIDELEG_FIXED;
      m.attention = 1;
      break;
    case n.CSR_MIE: writeMie(h, value, MIP_M_BITS | MIP_S_BITS | MIDELEG_FIXED | lcofip()); break;
    case n.CSR_MTVEC: h.mtvec = legalTvec(value); break;
    case n.CSR_MCOUNTEREN: h.mcounteren = value & COUNTEREN_WRITABLE; break;
    case n.CSR_MENVCFG:
      h.menvcfg = legalEnvcfg(value, h.menvcfg, envcfgWritable());
      flushAll(h);
      timerMoved();
      break;
    case n.CSR_MSCRATCH: h.mscratch = value; break;
    case n.CSR_MEPC: h.mepc = value & ~1; break;
    case n.CSR_MCAUSE: h.mcause = value; break;
    case n.CSR_MTVAL: h.mtval = value; break;
    case n.CSR_MIP:
      writeMip(
        h,
        value,
        MIP_SSIP | MIP_SEIP | MIP_VSSIP | lcofip() | (h.menvcfg & ENVCFG_STCE ? 0 : MIP_STIP),
      );
      break;
    case n.CSR_MTINST: h.mtinst = value; break;
    case n.CSR_MTVAL2: h.mtval2 = value; break;
    case n.CSR_PMPCFG0: writePmpcfg(h, 0, value); flushAll(h); break;
    case n.CSR_PMPCFG2: writePmpcfg(h, 8, value); flushAll(h); break;
    default:
      if (csr >= n.CSR_PMPADDR0 && csr <= n.CSR_PMPADDR15) {
        writePmpaddr(h, csr - n.CSR_PMPADDR0, value);
        flushAll(h);
      } else if (csr >= n.CSR_MSTATEEN0 && csr <= n.CSR_MSTATEEN3) {
        writeStateen(h, offsetof<Hart>("mstateen0"), csr & 3, value);
      } else if (csr >= n.CSR_HSTATEEN0 && csr <= n.CSR_HSTATEEN3) {
        writeStateen(h, offsetof<Hart>("hstateen0"), csr & 3, value);
      }
      // misa, mcountinhibit, sstateen, mhpmcounter and mhpmevent ignore writes.
  }
}

function writeStateen(h: Hart, base: usize, register: u32, value: u64): void {
  const writable = register == 0 ? STATEEN_SE | STATEEN0_ENVCFG : STATEEN_SE;
  store<u64>(changetype<usize>(h) + base + (register << 3), value & writable);
}

/** mstatus through a mask. MPP = 2 is reserved: the old one stays. */
function writeStatus(h: Hart, value: u64, writable: u64): void {
  let next = (h.mstatus & ~writable) | (value & writable);
  if (writable & MSTATUS_MPRV) { // the whole of mstatus
    const mpp = (value & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    if (mpp != 2) next = (next & ~MSTATUS_MPP) | (value & MSTATUS_MPP);
  }
  h.mstatus = next;
  machine().attention = 1;
  selectContexts(h);
}

function writeMie(h: Hart, value: u64, writable: u64): void {
  h.mie = (h.mie & ~writable) | (value & writable);
  machine().attention = 1;
}

/** Writes pending bits; VSSIP lives in hvip, of which mip, hip and vsip show an alias. */
function writeMip(h: Hart, value: u64, writable: u64): void {
  h.mipSoftware = (h.mipSoftware & ~(writable & ~MIP_VSSIP)) | (value & writable & ~MIP_VSSIP);
  if (writable & MIP_VSSIP) h.hvip = (h.hvip & ~MIP_VSSIP) | (value & MIP_VSSIP);
  machine().attention = 1;
}

/** Floating-point state was written; in a guest both levels' FS become dirty. */
export function markFpDirty(h: Hart): void {
  h.mstatus |= MSTATUS_FS;
  if (h.virt) h.vsstatus |= MSTATUS_FS;
}

/** The state of a hart after reset (Privileged, Reset). */
export function resetHart(h: Hart, hartId: u32): void {
  memory.fill(changetype<usize>(h), 0, offsetof<Hart>());
  h.hartId = hartId;
  h.prv = 3;
  h.mtimecmp = u64.MAX_VALUE;
  h.stimecmp = u64.MAX_VALUE;
  h.vstimecmp = u64.MAX_VALUE;
  h.mideleg = MIDELEG_FIXED;
  flushAll(h);
  selectContexts(h);
}
