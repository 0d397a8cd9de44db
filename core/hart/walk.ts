// Page-table walks: Sv39, Sv48, Sv57, their x4 forms for the G-stage, and the two combined
// (Privileged, "Virtual Address Translation Process" and "Two-Stage Address Translation").
//
// `walk` translates one virtual address for one kind of access, in the mode that a context names. It
// leaves the result in `physicalAddress` and `leafBits`, or raises.

import { keepCodeApart } from "./code_pages";
import { Hart } from "./hart_state";
import {
  ENVCFG_ADUE, ENVCFG_PBMTE, PRV_M, PRV_S, PRV_U,
} from "./bits";
import {
  ACCESS_EXECUTE, ACCESS_READ, ACCESS_WRITE, raiseAccess, raiseGuestPage, raisePage,
  TINST_PSEUDO_READ, TINST_PSEUDO_WRITE, TINST_ZERO,
} from "./fault";
import { EXT_SVNAPOT } from "./layout";
import { machine } from "./machine_state";
import { ensurePresent, isRam, notePage, ramPointer } from "./physical";
import { pmpAllows } from "./pmp";
import {
  contextHgatp, contextMode, contextSatp, MODE_MXR, MODE_MXR_G, MODE_PRV, MODE_SUM, MODE_V,
} from "./tlb";

const PTE_V: u64 = 1;
const PTE_R: u64 = 2;
const PTE_W: u64 = 4;
const PTE_X: u64 = 8;
const PTE_U: u64 = 16;
const PTE_A: u64 = 64;
const PTE_D: u64 = 128;
const PTE_RESERVED: u64 = 0x7f << 54;
const PTE_PBMT: u64 = 3 << 61;
const PTE_N: u64 = 1 << 63;
const PPN_MASK: u64 = ((<u64>1) << 44) - 1;

/** Physical address found by the last successful walk. */
export let physicalAddress: u64 = 0;
/**
 * Size of the first stage's leaf, as a power of two: what SFENCE.VMA names. The G-stage's does not
 * count, its entries are flushed by VMID as a whole.
 */
export let leafBits: u32 = 0;

/** Levels of a satp/hgatp mode (8 Sv39, 9 Sv48, 10 Sv57). */
// @ts-ignore: decorator
@inline
function levelsOf(mode: u64): i32 {
  return <i32>mode - 5;
}


/**
 * Whether a PTE's form is allowed whatever the access is: V, reserved bits, PBMT, N, alignment.
 * Common to both stages.
 */
function isMalformed(pte: u64, level: i32, pbmte: bool): bool {
  if (!(pte & PTE_V)) return true;
  if ((pte & (PTE_R | PTE_W)) == PTE_W) return true;
  if (pte & PTE_RESERVED) return true;
  const pbmt = pte & PTE_PBMT;
  if (pbmt && (!pbmte || pbmt == PTE_PBMT)) return true;
  const ppn = (pte >> 10) & PPN_MASK;
  if (!(pte & (PTE_R | PTE_X))) {
    // A pointer to the next level: D, A, U, N and PBMT are reserved.
    return level == 0 || (pte & (PTE_D | PTE_A | PTE_U | PTE_N | PTE_PBMT)) != 0;
  }
  if (pte & PTE_N) { // Svnapot: only 64 KiB, only in the last level
    if (!(machine().extensions & EXT_SVNAPOT) || level != 0 || (ppn & 15) != 8) return true;
  }
  return (ppn & ((<u64>1 << <u64>(9 * level)) - 1)) != 0 && level > 0;
}

/** Updates A and D; a page table that shares its page with code is code that is written. */
function setPteBits(at: u64, pointer: usize, pte: u64): void {
  keepCodeApart(at, ACCESS_WRITE);
  store<u64>(pointer, pte);
  notePage(at, ACCESS_WRITE);
}

/** Translates a guest physical address; `va`, `access` and `implicit` say what to report on a fault. */
function walkGStage(
  h: Hart, context: usize, gpa: u64, va: u64, original: u32, access: u32, implicit: u32, hlvx: bool,
): bool {
  const hgatp = contextHgatp(context);
  const mode = hgatp >> 60;
  if (mode == 0) {
    physicalAddress = gpa;
    return true;
  }
  const levels = levelsOf(mode);
  const topShift = 12 + 9 * (levels - 1);
  if (gpa >> <u64>(topShift + 11)) {
    raiseGuestPage(original, va, gpa, implicit);
    return false;
  }
  const pbmte = (h.menvcfg & ENVCFG_PBMTE) != 0;
  let table = (hgatp & PPN_MASK) << 12;
  for (let level = levels - 1; level >= 0; level--) {
    const shift = <u64>(12 + 9 * level);
    const index = (gpa >> shift) & (level == levels - 1 ? 0x7ff : 0x1ff);
    const at = table + (index << 3);
    if (!isRam(at, 8) || !pmpAllows(h, at, 8, ACCESS_READ, PRV_S)) {
      raiseAccess(original, va, true);
      return false;
    }
    ensurePresent(at);
    const p = ramPointer(at);
    const pte = load<u64>(p);
    if (isMalformed(pte, level, pbmte)) break;
    const ppn = (pte >> 10) & PPN_MASK;
    if (!(pte & (PTE_R | PTE_X))) {
      table = ppn << 12;
      continue;
    }
    if (!(pte & PTE_U)) break; // every G-stage access is as if in U-mode
    if (access == ACCESS_EXECUTE || hlvx) {
      if (!(pte & PTE_X)) break;
    } else if (access == ACCESS_READ) {
      // MXR does not make implicit accesses of page tables readable.
      const mxr = implicit == TINST_ZERO && (contextMode(context) & MODE_MXR_G) != 0;
      if (!(pte & PTE_R) && !(mxr && (pte & PTE_X))) break;
    } else if (!(pte & PTE_W)) break;
    const need = access == ACCESS_WRITE ? PTE_A | PTE_D : PTE_A;
    if ((pte & need) != need) {
      if (!(h.menvcfg & ENVCFG_ADUE)) break;
      if (!pmpAllows(h, at, 8, ACCESS_WRITE, PRV_S)) {
        raiseAccess(original, va, true);
        return false;
      }
      setPteBits(at, p, pte | need);
    }
    const bits: u64 = pte & PTE_N ? 16 : shift;
    const mask = (<u64>1 << bits) - 1;
    physicalAddress = ((ppn << 12) & ~mask) | (gpa & mask);
    return true;
  }
  raiseGuestPage(original, va, gpa, implicit);
  return false;
}

/**
 * Translates `va` for `access` in `context`. `hlvx` asks for execute permission in place of read
 * (HLVX). Raises a page fault, guest-page fault or access fault and returns false on failure.
 */
export function walk(h: Hart, context: usize, va: u64, access: u32, hlvx: bool): bool {
  const contextBits = contextMode(context);
  const prv = contextBits & MODE_PRV;
  const virt = (contextBits & MODE_V) != 0;
  const satp = contextSatp(context);
  const mode = satp >> 60;
  if (mode == 0) {
    physicalAddress = va;
    // A guest without its own paging: the address is a guest physical address.
    const ok = !virt || walkGStage(h, context, va, va, access, access, TINST_ZERO, hlvx);
    leafBits = 12; // no leaf that SFENCE.VMA could name
    return ok;
  }
  const levels = levelsOf(mode);
  const vaBits = <u64>(12 + 9 * levels);
  const extended = <u64>((<i64>(va << (64 - vaBits))) >> <i64>(64 - vaBits));
  if (extended != va) {
    raisePage(access, va, virt);
    return false;
  }
  const envcfg = virt ? h.henvcfg & h.menvcfg : h.menvcfg;
  const pbmte = (envcfg & ENVCFG_PBMTE) != 0;
  let table = (satp & PPN_MASK) << 12;
  for (let level = levels - 1; level >= 0; level--) {
    const shift = <u64>(12 + 9 * level);
    const guestAt = table + (((va >> shift) & 0x1ff) << 3);
    let at = guestAt;
    if (virt) {
      if (!walkGStage(h, context, guestAt, va, access, ACCESS_READ, TINST_PSEUDO_READ, false)) return false;
      at = physicalAddress;
    }
    if (!isRam(at, 8) || !pmpAllows(h, at, 8, ACCESS_READ, PRV_S)) {
      raiseAccess(access, va, virt);
      return false;
    }
    ensurePresent(at);
    const p = ramPointer(at);
    const pte = load<u64>(p);
    if (isMalformed(pte, level, pbmte)) break;
    const ppn = (pte >> 10) & PPN_MASK;
    if (!(pte & (PTE_R | PTE_X))) {
      table = ppn << 12;
      continue;
    }
    if (pte & PTE_U) {
      if (prv == PRV_S && (access == ACCESS_EXECUTE || !(contextBits & MODE_SUM))) break;
    } else if (prv == PRV_U) break;
    if (access == ACCESS_EXECUTE || hlvx) {
      if (!(pte & PTE_X)) break;
    } else if (access == ACCESS_READ) {
      if (!(pte & PTE_R) && !((contextBits & MODE_MXR) && (pte & PTE_X))) break;
    } else if (!(pte & PTE_W)) break;
    const need = access == ACCESS_WRITE ? PTE_A | PTE_D : PTE_A;
    if ((pte & need) != need) {
      if (!(envcfg & ENVCFG_ADUE)) break;
      if (virt && !walkGStage(h, context, guestAt, va, access, ACCESS_WRITE, TINST_PSEUDO_WRITE, false)) {
        return false;
      }
      if (!pmpAllows(h, at, 8, ACCESS_WRITE, PRV_S)) {
        raiseAccess(access, va, virt);
        return false;
      }
      setPteBits(at, p, pte | need);
    }
    const bits: u64 = pte & PTE_N ? 16 : shift;
    const mask = (<u64>1 << bits) - 1;
    const result = ((ppn << 12) & ~mask) | (va & mask);
    physicalAddress = result;
    if (virt && !walkGStage(h, context, result, va, access, access, TINST_ZERO, hlvx)) return false;
    leafBits = <u32>bits;
    return true;
  }
  raisePage(access, va, virt);
  return false;
}
