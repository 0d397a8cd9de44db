/**
 * Random page tables in a slot, for one stage of translation, and a walker that tells where an access
 * lands.
 *
 * One table a level, shared by all pointers of the level above, so that few pages hold many paths. In
 * each table there is an identity path (the addresses of the slot map to themselves: code,
 * trampolines and VS-stage tables must be reachable) and, beside it, random entries: leaves of every
 * size, sound or broken, pointers, sound or broken.
 *
 * @module
 */

import { entry, entryBytes, levelsOf, pte, type Scheme, scheme } from "./address_space.ts";
import type { Patch } from "./case.ts";
import { slot } from "./layout.ts";
import type { Random } from "./random.ts";

/** Where the tables of a stage lie in the slot, root first; G-stage roots are four pages long. */
export interface StageShape {
  readonly mode: Scheme;
  /** G-stage: two more address bits, no sign extension. */
  readonly isGStage: boolean;
  readonly root: number;
  /** Offset of the next table; each further one is a page behind. */
  readonly next: number;
}

/** Results of {@link Stage.locate} that are no address. */
export type Landing = bigint | "fault" | "unsafe";

/** RAM ends below; nothing of the board lies between here and 4 GiB. */
export const nowhere = 0xf000_0000n;
const isNowhere = (address: bigint) => address >= nowhere && address < 0x1_0000_0000n;

const pageMask = 0xfffn;
const frameCount = slot.dataSizeBytes / 0x1000;
/** 64 KiB region of the slot that contains the data frames, for Svnapot. */
const napotRegion = 0x1_0000;

/** One stage of translation under construction. */
export class Stage {
  readonly levels: number;
  readonly #entries = new Map<number, bigint>();
  readonly #used: number[][];

  constructor(readonly shape: StageShape, readonly slotBase: bigint) {
    this.levels = levelsOf(shape.mode);
    this.#used = Array.from({ length: this.levels }, () => []);
  }

  /** Offset in the slot of the table of a level (root: `levels - 1`). */
  tableOffset(level: number): number {
    const fromRoot = this.levels - 1 - level;
    return fromRoot === 0 ? this.shape.root : this.shape.next + (fromRoot - 1) * 0x1000;
  }

  /** The index by which a table of this level is entered for an address. */
  indexOf(address: bigint, level: number): number {
    const isRoot = level === this.levels - 1;
    const mask = isRoot && this.shape.isGStage ? 2047n : 511n;
    return Number((address >> BigInt(12 + 9 * level)) & mask);
  }

  set(level: number, index: number, value: bigint): void {
    this.#entries.set(this.tableOffset(level) + 8 * index, value);
    const used = this.#used[level];
    if (used && !used.includes(index)) used.push(index);
  }

  /** Pointers from the root down to level 0 for the slot's own addresses. */
  setIdentityPath(): void {
    for (let level = this.levels - 1; level > 0; level--) {
      this.set(level, this.indexOf(this.slotBase, level), this.pointer(level));
    }
  }

  /** A level 0 entry that maps a page of the slot to itself. */
  setIdentityPage(offset: number, flags: bigint): void {
    const address = this.slotBase + BigInt(offset);
    if (this.levels > 0) this.set(0, this.indexOf(address, 0), entry(address, flags));
  }

  /** A sound pointer for an entry of `level`. */
  pointer(level: number): bigint {
    return entry(this.slotBase + BigInt(this.tableOffset(level - 1)), pte.V);
  }

  /** Table contents for the slot. */
  patches(): Patch[] {
    return [...this.#entries].map(([offset, value]) => ({ offset, bytes: entryBytes(value) }));
  }

  /** A page address that goes through entries this stage has, now and then out of bounds. */
  randomPage(random: Random): bigint {
    if (this.levels === 0) return dataFrame(random, this.slotBase);
    let address = 0n;
    for (let level = this.levels - 1; level >= 0; level--) {
      const index = level === 0
        ? this.indexOf(dataFrame(random, this.slotBase), 0)
        : random.chance(0.4)
        ? this.indexOf(this.slotBase, level)
        : random.pick(this.#used[level]!);
      address |= BigInt(index) << BigInt(12 + 9 * level);
    }
    if (!this.shape.isGStage) {
      address = BigInt.asUintN(64, BigInt.asIntN(12 + 9 * this.levels, address));
    }
    if (random.chance(0.04)) address ^= 1n << BigInt(random.between(12 + 9 * this.levels, 55));
    return address;
  }

  /**
   * Where the page of an address lands, permissions aside. "unsafe": a table or superpage leads
   * somewhere that the case must not touch.
   */
  locate(address: bigint): Landing {
    if (this.levels === 0) return address & ~pageMask;
    const width = BigInt(12 + 9 * this.levels);
    if (this.shape.isGStage) {
      if (address >> (width + 2n) !== 0n) return "fault";
    } else if (BigInt.asIntN(Number(width), address) !== BigInt.asIntN(64, address)) {
      return "fault";
    }
    let level = this.levels - 1;
    let table = this.slotBase + BigInt(this.shape.root);
    while (true) {
      const offset = table - this.slotBase;
      if (isNowhere(table)) return "fault";
      if (offset < 0n || offset >= BigInt(slot.trampolines)) return "unsafe";
      const value = this.#entries.get(Number(offset) + 8 * this.indexOf(address, level)) ?? 0n;
      if ((value & pte.V) === 0n) return "fault";
      const target = ((value >> 10n) & 0xfff_ffff_ffffn) << 12n;
      if ((value & (pte.R | pte.W | pte.X)) !== 0n) {
        return leafTarget(value, target, address, level);
      }
      if (level === 0) return "fault";
      level--;
      table = target;
    }
  }
}

function leafTarget(value: bigint, target: bigint, address: bigint, level: number): bigint {
  const napot = (value & pte.N) !== 0n && level === 0;
  const spanBits = napot ? 16n : BigInt(12 + 9 * level);
  const within = (1n << spanBits) - 1n;
  return ((target & ~within) | (address & within)) & ~pageMask;
}

/** A random data frame's address. */
export function dataFrame(random: Random, slotBase: bigint): bigint {
  return slotBase + BigInt(slot.data + random.below(frameCount) * 0x1000);
}

/** Whether a page is one of the slot's data frames. */
export function isDataFrame(page: bigint, slotBase: bigint): boolean {
  const offset = page - slotBase;
  return offset >= BigInt(slot.data) && offset < BigInt(slot.data + slot.dataSizeBytes);
}

/** Whether an access that lands here can do no harm. */
export function isHarmless(landing: Landing, slotBase: bigint): boolean {
  if (landing === "fault") return true;
  return landing !== "unsafe" && (isDataFrame(landing, slotBase) || isNowhere(landing));
}

/** Flags of a random leaf: mostly usable, each rule broken now and then. */
export function leafFlags(random: Random, userBias: number): bigint {
  const flag = (bit: bigint, probability: number) => random.chance(probability) ? bit : 0n;
  const permissions = random.weighted([
    [6, pte.R | pte.W],
    [6, pte.R | pte.W | pte.X],
    [3, pte.R],
    [3, pte.R | pte.X],
    [3, pte.X],
    [1, pte.W], // reserved
    [1, pte.W | pte.X], // reserved
  ]);
  const memoryType = random.chance(0.1) ? BigInt(random.between(1, 3)) << pte.pbmtShift : 0n;
  return permissions | memoryType | flag(pte.V, 0.96) | flag(pte.U, userBias) | flag(pte.G, 0.2) |
    flag(pte.A, 0.85) | flag(pte.D, 0.8) | flag(1n << 8n, 0.3) | flag(1n << 9n, 0.3) |
    (random.chance(0.03) ? 1n << BigInt(random.between(54, 60)) : 0n);
}

/**
 * Fills a stage beside its identity path.
 *
 * @param target address that a level 0 leaf maps to
 */
export function scatterEntries(
  stage: Stage,
  random: Random,
  userBias: number,
  target: () => bigint,
): void {
  const { slotBase } = stage;
  for (let level = stage.levels - 1; level > 0; level--) {
    const isRoot = level === stage.levels - 1;
    const limit = isRoot && stage.shape.isGStage ? 2048 : 512;
    const identity = stage.indexOf(slotBase, level);
    const count = random.between(2, 5);
    for (let i = 0; i < count; i++) {
      const index = random.below(limit);
      if (index !== identity) {
        stage.set(level, index, randomUpperEntry(stage, random, level, userBias));
      }
    }
  }
  if (stage.levels === 0) return;
  for (let frame = 0; frame < frameCount; frame++) {
    const page = slotBase + BigInt(slot.data + frame * 0x1000);
    stage.set(0, stage.indexOf(page, 0), randomLeaf(random, userBias, slotBase, target));
  }
}

function randomLeaf(
  random: Random,
  userBias: number,
  slotBase: bigint,
  target: () => bigint,
): bigint {
  const flags = leafFlags(random, userBias);
  if (random.chance(0.08)) { // Svnapot, 64 KiB; other patterns of the low bits are reserved
    const pattern = random.chance(0.8) ? 8n : BigInt(random.below(16));
    return entry(slotBase + BigInt(napotRegion), flags | pte.N) | (pattern << 10n);
  }
  return entry(target(), flags);
}

function randomUpperEntry(stage: Stage, random: Random, level: number, userBias: number): bigint {
  const superpage = level === 1 ? stage.slotBase & ~0x1f_ffffn : level === 2 ? 0x8000_0000n : 0n;
  return random.weighted<() => bigint>([
    [8, () => stage.pointer(level)],
    [1, () => stage.pointer(level) & ~pte.V],
    // A, D and U are reserved in pointers, and so are the bits of Svpbmt and Svnapot
    [2, () => stage.pointer(level) | random.pick([pte.A, pte.D, pte.U, pte.G, pte.N, 1n << 61n])],
    [1, () => stage.pointer(level) | (1n << BigInt(random.between(54, 60)))],
    [6, () => entry(superpage, leafFlags(random, userBias))],
    [
      1,
      () => entry(superpage + 0x1000n * BigInt(random.between(1, 7)), leafFlags(random, userBias)),
    ],
    [1, () => entry(superpage, leafFlags(random, userBias) | pte.N)],
    [1, () => entry(nowhere + BigInt(random.below(256) * 0x1000), pte.V)],
  ])();
}

/** The scheme of a stage, all as likely. */
export function randomScheme(random: Random, bareProbability: number): Scheme {
  if (random.chance(bareProbability)) return scheme.bare;
  return random.pick([scheme.sv39, scheme.sv48, scheme.sv57]);
}
