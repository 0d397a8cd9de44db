/**
 * Virtual addresses through the page tables, as debuggers, traces and error messages look at them: both
 * stages, without effect on the machine. Permissions and A and D bits do not count; a TLB that still has something else does not
 * either.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { PhysicalMemory } from "./physical_memory.ts";

/** `satp.MODE`, `vsatp.MODE`, `hgatp.MODE` to the number of table levels (Privileged 1.12, 4.1.11). */
const LEVELS: Readonly<Record<number, number>> = { 8: 3, 9: 4, 10: 5 };
const PAGE_BITS = 12n;
const PTE_V = 1n;
const PTE_R = 2n;
const PTE_W = 4n;
const PTE_RWX = 0b1110n;
const PTE_N = 1n << 63n;
const PPN_MASK = (1n << 44n) - 1n;
/** An Svnapot entry stands for 16 pages (Privileged 1.12, chapter 5). */
const NAPOT_BITS = 4n;
/** The G-stage's root table resolves two bits more (Privileged 1.12, 9.5.1). */
const G_STAGE_ROOT_BITS = 2n;

/** Which stage: S translates for HS and U, VS for VS and VU, and G what comes out of VS. */
export type StageName = "S" | "VS" | "G";

/** What each stage is set up by. */
const REGISTERS: Readonly<Record<StageName, string>> = { S: "satp", VS: "vsatp", G: "hgatp" };

/** A page-table entry on the way. */
export interface WalkStep {
  readonly stage: StageName;
  /** What this stage translates: a virtual address, or a guest physical one. */
  readonly address: bigint;
  readonly level: number;
  /** Where the entry is, as the stage has it: in guest physical memory for VS. */
  readonly entryAddress: bigint;
  readonly entry: bigint;
}

/** Where an address leads to. */
export interface Translation {
  /** Physical address; undefined if there is no way. */
  readonly physical: bigint | undefined;
  /** For VS and VU: the guest physical address. */
  readonly guestPhysical: bigint | undefined;
  readonly steps: readonly WalkStep[];
  /** Why there is no way. */
  readonly fault: string | undefined;
}

/** Thrown where a walk ends without an answer; never leaves this file. */
class WalkFault extends Error {}

/** What addresses are translated by. */
export interface TranslationRegisters {
  /** `satp`, or a guest's `vsatp`; 0 is none. */
  readonly satp: bigint;
  /** What a guest's physical addresses are translated by; undefined for a host. */
  readonly hgatp?: bigint | undefined;
}

/** What a hart translates fetches and loads by in its present mode (`mstatus.MPRV` apart). */
export function registersOf(harts: HartArray, hartId: number): TranslationRegisters {
  const { privilege, virtual } = harts.mode(hartId);
  if (privilege === 3) return { satp: 0n };
  if (!virtual) return { satp: harts.get(hartId, "satp") };
  return { satp: harts.get(hartId, "vsatp"), hgatp: harts.get(hartId, "hgatp") };
}

/** Translates an address by these registers. */
export function translateBy(
  memory: PhysicalMemory,
  registers: TranslationRegisters,
  address: bigint,
): Translation {
  return new Walk(memory, registers).translate(address);
}

/** Translates as a hart would fetch or load in its present mode. */
export function translate(harts: HartArray, hartId: number, address: bigint): Translation {
  return translateBy(new PhysicalMemory(harts), registersOf(harts, hartId), address);
}

class Walk {
  readonly #memory: PhysicalMemory;
  readonly #satp: bigint;
  readonly #hgatp: bigint | undefined;
  readonly #steps: WalkStep[] = [];

  constructor(memory: PhysicalMemory, { satp, hgatp }: TranslationRegisters) {
    this.#memory = memory;
    this.#satp = satp;
    this.#hgatp = hgatp;
  }

  translate(address: bigint): Translation {
    const hgatp = this.#hgatp;
    let guestPhysical: bigint | undefined;
    let physical: bigint | undefined;
    let fault: string | undefined;
    try {
      if (hgatp === undefined) physical = this.#walk("S", this.#satp, address, (at) => at);
      else {
        const toHost = (guest: bigint) => this.#walk("G", hgatp, guest, (at) => at);
        guestPhysical = this.#walk("VS", this.#satp, address, toHost);
        physical = toHost(guestPhysical);
      }
    } catch (error) {
      if (!(error instanceof WalkFault)) throw error;
      fault = error.message;
    }
    return { physical, guestPhysical, steps: this.#steps, fault };
  }

  /** Privileged 1.12, 4.3.2, without permissions and A and D bits. */
  #walk(
    stage: StageName,
    atp: bigint,
    address: bigint,
    locate: (entryAddress: bigint) => bigint,
  ): bigint {
    const mode = Number(atp >> 60n);
    if (mode === 0) return address;
    const levels = LEVELS[mode];
    if (levels === undefined) throw new WalkFault(`${REGISTERS[stage]}.MODE ${mode} is reserved`);
    checkWidth(stage, address, levels);
    let table = (atp & PPN_MASK) << PAGE_BITS;
    for (let level = levels - 1; level >= 0; level--) {
      const shift = PAGE_BITS + 9n * BigInt(level);
      const indexBits = 9n + (stage === "G" && level === levels - 1 ? G_STAGE_ROOT_BITS : 0n);
      const entryAddress = table + 8n * BigInt.asUintN(Number(indexBits), address >> shift);
      const entry = this.#memory.word(locate(entryAddress));
      if (entry === undefined) throw new WalkFault(`${stage}-stage page table is not in RAM`);
      this.#steps.push({ stage, address, level, entryAddress, entry });
      if ((entry & PTE_V) === 0n || (entry & (PTE_R | PTE_W)) === PTE_W) {
        throw new WalkFault(`${stage}-stage entry of level ${level} is not valid`);
      }
      const ppn = (entry >> 10n) & PPN_MASK;
      if ((entry & PTE_RWX) !== 0n) {
        const offsetBits = shift + ((entry & PTE_N) !== 0n && level === 0 ? NAPOT_BITS : 0n);
        const offset = BigInt.asUintN(Number(offsetBits), address);
        return (((ppn << PAGE_BITS) >> offsetBits) << offsetBits) | offset;
      }
      table = ppn << PAGE_BITS;
    }
    throw new WalkFault(`${stage}-stage entry of level 0 is no leaf`);
  }
}

/** Higher bits repeat the highest one that is translated; in the G-stage they are zero. */
function checkWidth(stage: StageName, address: bigint, levels: number): void {
  const bits = 12 + 9 * levels;
  const narrowed = stage === "G"
    ? BigInt.asUintN(bits + Number(G_STAGE_ROOT_BITS), address)
    : BigInt.asUintN(64, BigInt.asIntN(bits, address));
  if (narrowed !== address) {
    throw new WalkFault(`the address is too wide for the ${stage}-stage's ${levels} levels`);
  }
}
