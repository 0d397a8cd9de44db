/**
 * Page tables for tests, written straight into RAM: Sv39, Sv48, Sv57 and their x4 forms.
 *
 * @module
 */

import { atp, entry, levelsOf, pte, type Scheme, scheme } from "../conformance/address_space.ts";
import type { HartArray } from "../hart_array.ts";
import { ramView } from "./bare_program.ts";

export { atp, pte, scheme };

/** Readable, writable, executable, accessed and dirty. */
export const RWX = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D;

/** Hands out zeroed pages of RAM for tables, upwards from an address. */
export class TablePages {
  #next: number;

  constructor(readonly harts: HartArray, first: number) {
    this.#next = first;
  }

  /** `count` pages, aligned to their whole length. */
  take(count = 1): number {
    const bytes = 0x1000 * count;
    const at = Math.ceil(this.#next / bytes) * bytes;
    this.#next = at + bytes;
    const pages = this.harts.ramAt(at, bytes);
    if (pages === undefined) throw new RangeError("No RAM left for page tables");
    pages.fill(0);
    return at;
  }
}

/** One address space, or one guest's physical address space. */
export class AddressSpace {
  /** Physical address of the root table. */
  readonly root: number;
  readonly #pages: TablePages;
  readonly #levels: number;
  readonly #isGStage: boolean;

  constructor(pages: TablePages, readonly mode: Scheme = scheme.sv39, isGStage = false) {
    this.#pages = pages;
    this.#levels = levelsOf(mode);
    this.#isGStage = isGStage;
    this.root = pages.take(isGStage ? 4 : 1);
  }

  /** Value of `satp`, `vsatp` or `hgatp` with an ASID or VMID. */
  atp(id = 0): bigint {
    return atp(this.mode, BigInt(this.root), id);
  }

  /** Maps a page, or at level 1 and up a superpage. */
  map(virtualAddress: bigint, physicalAddress: number | bigint, flags = RWX, level = 0): this {
    this.setEntry(virtualAddress, entry(BigInt(physicalAddress), flags), level);
    return this;
  }

  /** Writes an entry as it is; answers where. */
  setEntry(virtualAddress: bigint, value: bigint, level = 0): number {
    const at = this.entryAddress(virtualAddress, level);
    ramView(this.#pages.harts).set(at, value);
    return at;
  }

  /** Physical address of the entry for an address, tables above it made if need be. */
  entryAddress(virtualAddress: bigint, level = 0): number {
    const ram = ramView(this.#pages.harts);
    let table = this.root;
    for (let at = this.#levels - 1; at > level; at--) {
      const address = table + 8 * this.#index(virtualAddress, at);
      if (ram.get(address) === 0n) ram.set(address, entry(BigInt(this.#pages.take()), pte.V));
      table = Number((ram.get(address) >> 10n) << 12n);
    }
    return table + 8 * this.#index(virtualAddress, level);
  }

  #index(address: bigint, level: number): number {
    const isWide = this.#isGStage && level === this.#levels - 1;
    return Number((address >> BigInt(12 + 9 * level)) & (isWide ? 2047n : 511n));
  }
}
