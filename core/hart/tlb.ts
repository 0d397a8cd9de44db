// Translation contexts.
//
// A context is a set of TLBs for one way of translating: privilege, V, SUM, MXR and the whole of satp
// (or vsatp) and hgatp. Switching mode or address space changes a base pointer and flushes nothing. A
// TLB is direct-mapped; an entry is 16 bytes:
//
//   +0  u64  tag: virtual page address, with TLB_MMIO if the page is not RAM, with TLB_GUARDED if it is to
//            be looked at first; all ones if empty
//   +8  u32  addend: linear-memory address = low 32 bits of the virtual address + addend
//   +12 u32  physical page number (MMIO pages)
//
// An entry that another displaces goes to one of a few places behind the TLB, in turn, and comes back
// when it is missed: two pages in use whose entries collide cost no walks.
//
// A guarded entry translates, but what it leads to is absent or not noted as written: nobody's quick path
// takes it, and memory.ts opens it when it is first used. So a snapshot neither loses translations, which
// the guest could notice in A and D bits, nor brings in the pages that they lead to.
//
// Several small pages stand for one superpage; the header remembers which superpages were split, so
// that SFENCE.VMA of any address in one removes all its parts (Privileged, SFENCE.VMA: the leaf PTE).

import { pmpReset } from "./pmp";
import { machine } from "./machine_state";
import { Hart } from "./hart_state";
import {
  CONTEXT_BYTES, CONTEXT_GIGA as GIGA, CONTEXT_HGATP as HGATP, CONTEXT_HUGE as HUGE, CONTEXT_LIVE as LIVE,
  CONTEXT_MEGA as MEGA, CONTEXT_MEGA_BYTES as MEGA_BYTES, CONTEXT_MODE as MODE,
  CONTEXT_NEXT_VICTIM as NEXT_VICTIM, CONTEXT_SATP as SATP, CONTEXT_SATP as HEADER, CONTEXT_STAMP as STAMP,
  CONTEXTS_BASE, HART_CONTEXTS, RAM_OFFSET, TLB_BYTES, TLB_ENTRIES, TLB_ENTRY_BYTES, TLB_GUARDED, TLB_MMIO,
  TLB_VICTIMS,
} from "./layout";
import {
  HSTATUS_SPVP, MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_MPV, MSTATUS_MXR, MSTATUS_SUM,
  PRV_M, PRV_S,
} from "./bits";

const EMPTY: u64 = u64.MAX_VALUE;

const MEGA_LEAF_BITS: u32 = 21;

// Mode word
export const MODE_PRV: u32 = 3;
export const MODE_V: u32 = 4;
export const MODE_SUM: u32 = 8;
export const MODE_MXR: u32 = 16; // of the first stage
export const MODE_MXR_G: u32 = 32; // of the G-stage

// @ts-ignore: decorator
@inline
export function contextSatp(context: usize): u64 {
  return load<u64>(context, SATP);
}
// @ts-ignore: decorator
@inline
export function contextHgatp(context: usize): u64 {
  return load<u64>(context, HGATP);
}
// @ts-ignore: decorator
@inline
export function contextMode(context: usize): u32 {
  return load<u32>(context, MODE);
}

/**
 * Set whenever a context is chosen or entries are dropped: what the interpreter keeps in locals about
 * the present translation no longer holds.
 */
export let changed: bool = true;

export function acknowledgeChange(): void {
  changed = false;
}

function contextAt(h: Hart, n: u32): usize {
  return CONTEXTS_BASE + <usize>(h.hartId * HART_CONTEXTS + n) * CONTEXT_BYTES;
}

/** Entry of `va` in the TLB for `access`. */
// @ts-ignore: decorator
@inline
export function tlbEntry(context: usize, access: u32, va: u64): usize {
  return context + access * TLB_BYTES + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 4);
}

// @ts-ignore: decorator
@inline
function isContext(context: usize, mode: u32, satp: u64, hgatp: u64): bool {
  return load<u32>(context, MODE) == mode && load<u64>(context, SATP) == satp && load<u64>(context, HGATP) == hgatp;
}

/** The context for a privilege and V, made if there is none. */
export function findContext(h: Hart, prv: u32, virt: bool): usize {
  let mode: u32 = prv;
  let satp: u64 = 0;
  let hgatp: u64 = 0;
  if (virt) {
    mode |= MODE_V;
    satp = h.vsatp;
    hgatp = h.hgatp;
    if (prv == PRV_S && (h.vsstatus & MSTATUS_SUM)) mode |= MODE_SUM;
    if (h.mstatus & MSTATUS_MXR) mode |= MODE_MXR | MODE_MXR_G;
    else if (h.vsstatus & MSTATUS_MXR) mode |= MODE_MXR;
  } else if (prv != PRV_M) {
    satp = h.satp;
    if (prv == PRV_S && (h.mstatus & MSTATUS_SUM)) mode |= MODE_SUM;
    if (h.mstatus & MSTATUS_MXR) mode |= MODE_MXR;
  }
  const current = <usize>h.fetchContext;
  if (current && isContext(current, mode, satp, hgatp)) {
    store<u32>(current, ++h.contextClock, STAMP);
    return current;
  }
  let victim: usize = 0;
  let oldest: u32 = u32.MAX_VALUE;
  for (let n: u32 = 0; n < HART_CONTEXTS; n++) {
    const c = contextAt(h, n);
    const live = load<u32>(c, LIVE);
    if (live && isContext(c, mode, satp, hgatp)) {
      store<u32>(c, ++h.contextClock, STAMP);
      return c;
    }
    const stamp = live ? load<u32>(c, STAMP) : 0;
    if (stamp < oldest && c != <usize>h.fetchContext && c != <usize>h.dataContext) {
      oldest = stamp;
      victim = c;
    }
  }
  memory.fill(victim, 0xff, HEADER);
  store<u64>(victim, satp, SATP);
  store<u64>(victim, hgatp, HGATP);
  store<u32>(victim, mode, MODE);
  store<u32>(victim, ++h.contextClock, STAMP);
  store<u32>(victim, 1, LIVE);
  store<u32>(victim, 0, HUGE);
  store<u32>(victim, 0, NEXT_VICTIM);
  store<u64>(victim, 0, GIGA);
  memory.fill(victim + MEGA, 0, MEGA_BYTES);
  return victim;
}

/** Chooses the contexts for fetches and for loads and stores; call after any change of mode. */
export function selectContexts(h: Hart): void {
  const fetch = findContext(h, h.prv, h.virt != 0);
  if (h.fetchContext != <u32>fetch) changed = true;
  h.fetchContext = <u32>fetch;
  let data = fetch;
  if (h.prv == PRV_M && (h.mstatus & MSTATUS_MPRV)) {
    const mpp = <u32>((h.mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
    const virt = mpp != PRV_M && (h.mstatus & MSTATUS_MPV) != 0;
    data = findContext(h, mpp, virt);
  }
  if (h.dataContext != <u32>data) changed = true;
  h.dataContext = <u32>data;
}

/** The context in which HLV, HLVX and HSV act: V=1 with the privilege that hstatus.SPVP names. */
export function hypervisorAccessContext(h: Hart): usize {
  return findContext(h, h.hstatus & HSTATUS_SPVP ? 1 : 0, true);
}

// @ts-ignore: decorator
@inline
function victims(context: usize, access: u32): usize {
  return context + access * TLB_BYTES + TLB_ENTRIES * TLB_ENTRY_BYTES;
}

/** Makes room in an entry that is to be filled. */
function displace(context: usize, access: u32, e: usize): void {
  if (load<u64>(e) == EMPTY) return;
  const counter = context + NEXT_VICTIM + access;
  const next = <u32>load<u8>(counter) & (TLB_VICTIMS - 1);
  store<u8>(counter, <u8>(next + 1));
  copyEntry(victims(context, access) + next * TLB_ENTRY_BYTES, e);
}

// @ts-ignore: decorator
@inline
function copyEntry(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
}

/** Brings back a displaced entry for the page of `va`, in exchange; answers whether there was one. */
export function recallEntry(context: usize, access: u32, va: u64): bool {
  const begin = victims(context, access);
  const end = begin + TLB_VICTIMS * TLB_ENTRY_BYTES;
  for (let victim = begin; victim < end; victim += TLB_ENTRY_BYTES) {
    if ((load<u64>(victim) ^ va) >> 12) continue;
    const e = tlbEntry(context, access, va);
    const tag = load<u64>(e);
    const rest = load<u64>(e, 8);
    copyEntry(e, victim);
    store<u64>(victim, tag);
    store<u64>(victim, rest, 8);
    return true;
  }
  return false;
}

/** Forgets the displaced entries of the leaf of 2^`bits` bytes around an address. */
function dropVictims(context: usize, va: u64, bits: u64): void {
  for (let access: u32 = 0; access < 3; access++) {
    const begin = victims(context, access);
    const end = begin + TLB_VICTIMS * TLB_ENTRY_BYTES;
    for (let e = begin; e < end; e += TLB_ENTRY_BYTES) {
      if ((load<u64>(e) ^ va) >> bits == 0) store<u64>(e, EMPTY);
    }
  }
}

export function fillEntry(context: usize, access: u32, va: u64, pointer: usize, leafBits: u32): void {
  const e = tlbEntry(context, access, va);
  displace(context, access, e);
  store<u64>(e, va & ~0xfff);
  store<u32>(e, <u32>pointer - <u32>va, 8);
  noteSplit(context, va, leafBits);
}

export function fillMmioEntry(context: usize, access: u32, va: u64, pa: u64, leafBits: u32): void {
  if (pa >> 44) return; // the page number has 32 bits; such an access walks every time
  const e = tlbEntry(context, access, va);
  displace(context, access, e);
  store<u64>(e, (va & ~0xfff) | TLB_MMIO);
  store<u32>(e, <u32>(pa >> 12), 12);
  noteSplit(context, va, leafBits);
}

/** Which bit of MEGA stands for the leaf of 2 MiB around an address. */
// @ts-ignore: decorator
@inline
function megaHash(va: u64): u32 {
  return (<u32>(va >> MEGA_LEAF_BITS) * 0x9e3779b1) >> 20;
}

function noteSplit(context: usize, va: u64, leafBits: u32): void {
  if (leafBits <= 12) return;
  if (leafBits <= MEGA_LEAF_BITS) {
    const n = megaHash(va);
    const at = context + MEGA + (n >> 3);
    store<u8>(at, <u8>(<u32>load<u8>(at) | (1 << (n & 7))));
  }
  else if (leafBits <= 30) store<u64>(context, load<u64>(context, GIGA) | (<u64>1 << ((va >> 30) & 63)), GIGA);
  else store<u32>(context, 1, HUGE);
}

/** Forgets all entries. The contexts in use are cleared at once, the others when they are next chosen. */
function drop(h: Hart, context: usize): void {
  if (context == <usize>h.fetchContext || context == <usize>h.dataContext) {
    changed = true;
    memory.fill(context, 0xff, HEADER);
    store<u32>(context, 0, HUGE);
    store<u32>(context, 0, NEXT_VICTIM);
    store<u64>(context, 0, GIGA);
    memory.fill(context + MEGA, 0, MEGA_BYTES);
  } else {
    store<u32>(context, 0, LIVE);
  }
}

/** Forgets the entries of the leaf of 2^`bits` bytes around an address. */
function dropLeaf(context: usize, va: u64, bits: u64): void {
  dropVictims(context, va, bits);
  // A leaf smaller than what a TLB spans has its entries in a row.
  const pages = min<u64>((<u64>1) << (bits - 12), TLB_ENTRIES);
  const first = tlbEntry(context, 0, va & ~((pages << 12) - 1));
  for (let access: u32 = 0; access < 3; access++) {
    const begin = first + access * TLB_BYTES;
    const end = begin + (<usize>pages << 4);
    for (let e = begin; e < end; e += 16) {
      if ((load<u64>(e) ^ va) >> bits == 0) store<u64>(e, EMPTY);
    }
  }
}

function dropPage(h: Hart, context: usize, va: u64): void {
  changed = true;
  if (load<u32>(context, HUGE)) {
    drop(h, context);
    return;
  }
  for (let access: u32 = 0; access < 3; access++) {
    const e = tlbEntry(context, access, va);
    if ((load<u64>(e) ^ va) >> 12 == 0) store<u64>(e, EMPTY);
  }
  dropVictims(context, va, 12);
  const n = megaHash(va);
  if ((<u32>load<u8>(context + MEGA + (n >> 3)) >> (n & 7)) & 1) dropLeaf(context, va, MEGA_LEAF_BITS);
  if ((load<u64>(context, GIGA) >> ((va >> 30) & 63)) & 1) dropLeaf(context, va, 30);
}

/** Forgets the entries of one kind for the page of RAM at a linear-memory address, on every hart. */
export function dropPhysicalPage(access: u32, pointer: usize): void {
  const page = <u32>pointer & ~0xfff;
  const contexts = machine().hartCount * HART_CONTEXTS;
  changed = true;
  for (let n: u32 = 0; n < contexts; n++) {
    const c = CONTEXTS_BASE + <usize>n * CONTEXT_BYTES;
    if (!load<u32>(c, LIVE)) continue;
    const tlb = c + access * TLB_BYTES;
    for (let e = tlb; e < tlb + TLB_BYTES; e += 16) {
      const tag = load<u64>(e);
      // Entries of devices have a page number in place of an addend; they are never this page's.
      if (!(tag & TLB_MMIO) && (<u32>tag & ~0xfff) + load<u32>(e, 8) == page) store<u64>(e, EMPTY);
    }
  }
}

/** Guards the entries of one kind that lead to RAM, on every hart. */
export function guardEntries(access: u32): void {
  const contexts = machine().hartCount * HART_CONTEXTS;
  for (let n: u32 = 0; n < contexts; n++) {
    const c = CONTEXTS_BASE + <usize>n * CONTEXT_BYTES;
    if (!load<u32>(c, LIVE)) continue;
    const tlb = c + access * TLB_BYTES;
    for (let e = tlb; e < tlb + TLB_BYTES; e += TLB_ENTRY_BYTES) {
      const tag = load<u64>(e);
      if (tag & TLB_MMIO) continue; // or empty
      if ((<u32>tag & ~0xfff) + load<u32>(e, 8) >= <u32>RAM_OFFSET) store<u64>(e, tag | TLB_GUARDED);
    }
  }
}

/** After contexts were written from outside. */
export function contextsReplaced(): void {
  pmpReset();
  changed = true;
}

/** Forgets everything: PMP, `menvcfg` and the like changed. */
export function flushAll(h: Hart): void {
  pmpReset();
  for (let n: u32 = 0; n < HART_CONTEXTS; n++) {
    const c = contextAt(h, n);
    if (load<u32>(c, LIVE)) drop(h, c);
  }
}

/** SFENCE.VMA and HFENCE.VVMA. For `virt` only contexts of the present VMID are concerned. */
export function flushVma(h: Hart, virt: bool, hasVa: bool, va: u64, hasAsid: bool, asid: u64): void {
  for (let n: u32 = 0; n < HART_CONTEXTS; n++) {
    const c = contextAt(h, n);
    if (!load<u32>(c, LIVE)) continue;
    const mode = load<u32>(c, MODE);
    if (((mode & MODE_V) != 0) != virt || (mode & MODE_PRV) == PRV_M) continue;
    if (virt && ((load<u64>(c, HGATP) ^ h.hgatp) >> 44) & 0x3fff) continue;
    if (hasAsid && ((load<u64>(c, SATP) >> 44) & 0xffff) != (asid & 0xffff)) continue;
    if (hasVa) dropPage(h, c, va);
    else drop(h, c);
  }
}

/** HFENCE.GVMA: entries hold the combined translation, so all of the VMID's go. */
export function flushGvma(h: Hart, hasVmid: bool, vmid: u64): void {
  for (let n: u32 = 0; n < HART_CONTEXTS; n++) {
    const c = contextAt(h, n);
    if (!load<u32>(c, LIVE) || !(load<u32>(c, MODE) & MODE_V)) continue;
    if (hasVmid && ((load<u64>(c, HGATP) >> 44) & 0x3fff) != (vmid & 0x3fff)) continue;
    drop(h, c);
  }
}
