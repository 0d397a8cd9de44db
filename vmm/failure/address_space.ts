/**
 * Memory as a hart sees it at some virtual address, read without a trace: no access flag is set, no TLB is
 * filled. For error messages, so permissions do not count.
 *
 * Page tables: Privileged, "Virtual Address Translation Process" and "Two-Stage Address Translation".
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";

/** What an address is translated by. */
export interface Translation {
  /** `satp`, or a guest's `vsatp`; 0 is none. */
  readonly satp: bigint;
  /** What a guest's physical addresses are translated by. */
  readonly hgatp?: bigint | undefined;
}

const PAGE_BYTES = 4096;
const PAGE_BITS = 12n;
const LEVEL_BITS = 9n;
const PTE_VALID = 1n;
/** Read or execute: a leaf. */
const PTE_LEAF = 0b1010n;
const PTE_NAPOT = 1n << 63n;
/** Svnapot knows one size: 64 KiB (Privileged, "Svnapot"). */
const NAPOT_BITS = 16n;
const PPN_MASK = (1n << 44n) - 1n;
/** Sv39 is mode 8, with three levels; each mode more has one more. */
const MODE_SV39 = 8n;
const LEVELS_SV39 = 3n;

/** Virtual memory. */
export class AddressSpace {
  readonly #harts: HartArray;
  readonly #translation: Translation;

  constructor(harts: HartArray, translation: Translation) {
    this.#harts = harts;
    this.#translation = translation;
  }

  /** Physical address, if there is one. */
  translate(address: bigint): bigint | undefined {
    const { satp, hgatp } = this.#translation;
    const toHost = (guest: bigint) => hgatp === undefined ? guest : this.#walk(hgatp, guest, 2n);
    const guest = this.#walk(satp, address, 0n, toHost);
    return guest === undefined ? undefined : toHost(guest);
  }

  /** Memory at an address; undefined if any of it is not there. */
  read(address: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const bytes = new Uint8Array(sizeBytes);
    for (let at = 0; at < sizeBytes;) {
      const here = BigInt.asUintN(64, address + BigInt(at));
      const length = Math.min(sizeBytes - at, PAGE_BYTES - Number(here % BigInt(PAGE_BYTES)));
      const physical = this.translate(here);
      const part = physical === undefined ? undefined : this.#physical(physical, length);
      if (part === undefined) return undefined;
      bytes.set(part, at);
      at += length;
    }
    return bytes;
  }

  /** Number of 64 bits at an address. */
  readU64(address: bigint): bigint | undefined {
    const bytes = this.read(address, 8);
    return bytes && new DataView(bytes.buffer).getBigUint64(0, true);
  }

  /** @param moreBits bits of the topmost index beyond nine: the G-stage has two */
  #walk(
    atp: bigint,
    address: bigint,
    moreBits: bigint,
    toHost: (guest: bigint) => bigint | undefined = (guest) => guest,
  ): bigint | undefined {
    const mode = atp >> 60n;
    if (mode === 0n) return address;
    if (mode < MODE_SV39) return undefined;
    const levels = mode - MODE_SV39 + LEVELS_SV39;
    const bits = PAGE_BITS + LEVEL_BITS * levels + moreBits;
    const isCanonical = moreBits > 0n
      ? address >> bits === 0n
      : BigInt.asUintN(64, BigInt.asIntN(Number(bits), address)) === address;
    if (!isCanonical) return undefined;
    let table = (atp & PPN_MASK) << PAGE_BITS;
    for (let level = levels - 1n; level >= 0n; level--) {
      const shift = PAGE_BITS + LEVEL_BITS * level;
      const indexBits = LEVEL_BITS + (level === levels - 1n ? moreBits : 0n);
      const index = (address >> shift) & ((1n << indexBits) - 1n);
      const at = toHost(table + 8n * index);
      const bytes = at === undefined ? undefined : this.#physical(at, 8);
      if (bytes === undefined) return undefined;
      const pte = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
      if ((pte & PTE_VALID) === 0n) return undefined;
      const base = (pte >> 10n & PPN_MASK) << PAGE_BITS;
      if ((pte & PTE_LEAF) !== 0n) {
        const mask = (1n << ((pte & PTE_NAPOT) !== 0n ? NAPOT_BITS : shift)) - 1n;
        return base & ~mask | address & mask;
      }
      table = base;
    }
    return undefined;
  }

  #physical(address: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    if (address > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return this.#harts.ramAt(Number(address), sizeBytes);
  }
}
