/**
 * Reads the instruction at a hart's `pc` as a debugger would: through the page tables, without effect
 * on the machine. No permission is checked: what faults is told by the trap that follows.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";

/** `satp.MODE`, `vsatp.MODE`, `hgatp.MODE` to the number of table levels (Privileged 1.12, 4.1.11). */
const LEVELS: Readonly<Record<number, number>> = { 8: 3, 9: 4, 10: 5 };
const PAGE_BITS = 12n;
const PTE_V = 1n;
const PTE_RWX = 0b1110n;
const PTE_N = 1n << 63n;
const PPN_MASK = (1n << 44n) - 1n;
/** An Svnapot entry stands for 16 pages (Privileged 1.12, chapter 5). */
const NAPOT_BITS = 4n;

/** Where a stage's tables are, and how to reach them. */
interface Stage {
  readonly atp: bigint;
  /** Bits that the root table resolves beyond 9: 2 in G-stage (Privileged 1.12, 9.5.1). */
  readonly extraRootBits: bigint;
  /** Physical address of a table's entry. */
  readonly locate: (address: bigint) => bigint | undefined;
}

/** Reads instructions of one machine. */
export class CodeReader {
  readonly #harts: HartArray;
  readonly #rom: { readonly base: bigint; readonly bytes: Uint8Array };

  constructor(harts: HartArray) {
    this.#harts = harts;
    const { module } = harts;
    const romBytes = module.getNumber(module.machineField("romSizeBytes"));
    const romAt = module.layout("ROM_OFFSET");
    this.#rom = {
      base: module.getU64(module.machineField("romBase")),
      bytes: module.bytes.subarray(romAt, romAt + romBytes),
    };
  }

  /** The instruction, 16 or 32 bits of it; undefined if it is not in memory. */
  read(hartId: number, pc: bigint): number | undefined {
    const low = this.#readHalf(hartId, pc);
    if (low === undefined || (low & 3) !== 3) return low;
    const high = this.#readHalf(hartId, BigInt.asUintN(64, pc + 2n));
    return high === undefined ? undefined : (low | (high << 16)) >>> 0;
  }

  #readHalf(hartId: number, virtualAddress: bigint): number | undefined {
    const address = this.#translate(hartId, virtualAddress);
    const bytes = address === undefined ? undefined : this.#physical(address, 2);
    return bytes && (bytes[0]! | (bytes[1]! << 8));
  }

  #translate(hartId: number, address: bigint): bigint | undefined {
    const harts = this.#harts;
    const { privilege, virtual } = harts.mode(hartId);
    if (privilege === 3) return address;
    const direct = (physical: bigint) => physical;
    if (!virtual) {
      const stage = { atp: harts.get(hartId, "satp"), extraRootBits: 0n, locate: direct };
      return this.#walk(stage, address);
    }
    const gStage = { atp: harts.get(hartId, "hgatp"), extraRootBits: 2n, locate: direct };
    const toPhysical = (guestPhysical: bigint) => this.#walk(gStage, guestPhysical);
    const vsStage = { atp: harts.get(hartId, "vsatp"), extraRootBits: 0n, locate: toPhysical };
    const guestPhysical = this.#walk(vsStage, address);
    return guestPhysical === undefined ? undefined : toPhysical(guestPhysical);
  }

  /** Privileged 1.12, 4.3.2, without permissions and A/D bits. */
  #walk({ atp, extraRootBits, locate }: Stage, address: bigint): bigint | undefined {
    const mode = Number(atp >> 60n);
    if (mode === 0) return address;
    const levels = LEVELS[mode];
    if (levels === undefined) return undefined;
    let table = (atp & PPN_MASK) << PAGE_BITS;
    for (let level = levels - 1; level >= 0; level--) {
      const shift = PAGE_BITS + 9n * BigInt(level);
      const indexBits = 9n + (level === levels - 1 ? extraRootBits : 0n);
      const index = BigInt.asUintN(Number(indexBits), address >> shift);
      const entryAt = locate(table + 8n * index);
      const pte = entryAt === undefined ? undefined : this.#readEntry(entryAt);
      if (pte === undefined || (pte & PTE_V) === 0n) return undefined;
      const ppn = (pte >> 10n) & PPN_MASK;
      if ((pte & PTE_RWX) !== 0n) {
        const offsetBits = shift + ((pte & PTE_N) !== 0n && level === 0 ? NAPOT_BITS : 0n);
        const offset = BigInt.asUintN(Number(offsetBits), address);
        return (((ppn << PAGE_BITS) >> offsetBits) << offsetBits) | offset;
      }
      table = ppn << PAGE_BITS;
    }
    return undefined;
  }

  #readEntry(address: bigint): bigint | undefined {
    const bytes = this.#physical(address, 8);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  #physical(address: bigint, sizeBytes: number): Uint8Array | undefined {
    const { base, bytes } = this.#rom;
    const offset = Number(address - base);
    if (offset >= 0 && offset + sizeBytes <= bytes.length) {
      return bytes.subarray(offset, offset + sizeBytes);
    }
    return this.#harts.ramAt(Number(address), sizeBytes);
  }
}
