/**
 * Page table entries, `satp`-like registers, and the simplest address space: everything mapped one to
 * one by gigapages (Privileged, Sv39, Sv48, Sv57; hypervisor chapter, Sv39x4 and its wider forms).
 *
 * @module
 */

import type { Patch } from "./case.ts";

/** Bits of a page table entry. */
export const pte = {
  V: 1n << 0n,
  R: 1n << 1n,
  W: 1n << 2n,
  X: 1n << 3n,
  U: 1n << 4n,
  G: 1n << 5n,
  A: 1n << 6n,
  D: 1n << 7n,
  /** Bits 60:54, reserved. */
  reserved: 0x7fn << 54n,
  /** Svpbmt, bits 62:61. */
  pbmtShift: 61n,
  /** Svnapot. */
  N: 1n << 63n,
} as const;

/** Translation schemes by the MODE field. */
export const scheme = { bare: 0, sv39: 8, sv48: 9, sv57: 10 } as const;
export type Scheme = typeof scheme[keyof typeof scheme];

/** Number of levels of a scheme: 0, 3, 4, 5. */
export function levelsOf(mode: Scheme): number {
  return mode === scheme.bare ? 0 : mode - 5;
}

/** An entry for a physical address with the given flags. */
export function entry(physicalAddress: bigint, flags: bigint): bigint {
  return ((physicalAddress >> 12n) << 10n) | flags;
}

/** `satp`, `vsatp` (id is the ASID) or `hgatp` (id is the VMID). */
export function atp(mode: Scheme, root: bigint, id = 0): bigint {
  if (mode === scheme.bare) return 0n;
  return (BigInt(mode) << 60n) | (BigInt(id) << 44n) | (root >> 12n);
}

/** The bytes of page table entries, one doubleword each. */
export function entryBytes(...entries: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(entries).buffer);
}

/**
 * A one-to-one map of the gigabyte at 0x8000_0000: a leaf at level 2 behind pointers that start from
 * the root.
 *
 * @param tableOffset offset in the slot of the root; the other tables follow at `nextOffset`
 */
export function identityTables(
  mode: Scheme,
  slotBase: bigint,
  tableOffset: number,
  nextOffset: number,
  leafFlags: bigint,
): Patch[] {
  const patches: Patch[] = [];
  let at = tableOffset, next = nextOffset;
  for (let level = levelsOf(mode) - 1; level > 2; level--) {
    // VPN of the wider levels is 0 for 0x8000_0000
    patches.push({ offset: at, bytes: entryBytes(entry(slotBase + BigInt(next), pte.V)) });
    at = next;
    next += 0x1000;
  }
  if (mode !== scheme.bare) {
    const index = 2; // 0x8000_0000 >> 30
    patches.push({ offset: at + 8 * index, bytes: entryBytes(entry(0x8000_0000n, leafFlags)) });
  }
  return patches;
}
