/**
 * The compiled modules that can still be entered, and the slots of the function table that they take.
 *
 * A region dies when no word of the tables of entries (core/hart/code_entries.ts) names it any more: its
 * pages were written, or another region took its places. A module whose regions are all dead gives its
 * slots back and lets go of its code.
 *
 * @module
 */

import type { HartModule } from "../hart_module.ts";

/** A word of a table of entries, and what it holds as long as the region can be entered there. */
export interface EntryWord {
  readonly address: number;
  readonly value: number;
}

interface SlotRange {
  readonly first: number;
  readonly count: number;
}

interface LiveModule extends SlotRange {
  readonly sizeBytes: number;
  readonly words: readonly EntryWord[];
}

/** Fewer are not worth a look. */
const LEAST_BETWEEN_SWEEPS = 32;
/** Slot 0 stays empty: it is no function. */
const FIRST_SLOT = 1;

/** Keeps account of modules and slots. */
export class LiveModules {
  readonly #module: HartModule;
  #modules: LiveModule[] = [];
  #free: SlotRange[] = [];
  #end = FIRST_SLOT;
  #sizeBytes = 0;
  #added = 0;
  #keptAtSweep = 0;

  constructor(module: HartModule) {
    this.#module = module;
  }

  /** Bytes of WebAssembly of the modules that are kept. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get count(): number {
    return this.#modules.length;
  }

  /** Takes consecutive slots, and answers the first. */
  takeSlots(count: number): number {
    const found = this.#free.findIndex((range) => range.count >= count);
    if (found >= 0) {
      const range = this.#free[found]!;
      if (range.count === count) this.#free.splice(found, 1);
      else this.#free[found] = { first: range.first + count, count: range.count - count };
      return range.first;
    }
    const first = this.#end;
    this.#end += count;
    const { table } = this.#module;
    if (this.#end > table.length) table.grow(Math.max(table.length, this.#end - table.length));
    return first;
  }

  /** Gives slots back that are empty. */
  giveBack(first: number, count: number): void {
    if (count > 0) this.#free.push({ first, count });
  }

  /** Notes a module that was instantiated. */
  add(first: number, count: number, sizeBytes: number, words: readonly EntryWord[]): void {
    this.#modules.push({ first, count, sizeBytes, words });
    this.#sizeBytes += sizeBytes;
    this.#added++;
  }

  /** Lets go of dead modules, if enough were added since the last time. */
  sweep(): void {
    if (this.#added < Math.max(LEAST_BETWEEN_SWEEPS, this.#keptAtSweep / 2)) return;
    const kept: LiveModule[] = [];
    for (const each of this.#modules) {
      const isAlive = each.words.some(({ address, value }) =>
        this.#module.getU32(address) === value
      );
      if (isAlive) kept.push(each);
      else this.#release(each);
    }
    this.#modules = kept;
    this.#added = 0;
    this.#keptAtSweep = kept.length;
  }

  /** Lets go of all. The tables of entries have been cleared. */
  clear(): void {
    for (const each of this.#modules) this.#release(each);
    this.#modules = [];
    this.#free = [];
    this.#end = FIRST_SLOT;
    this.#added = 0;
    this.#keptAtSweep = 0;
  }

  #release({ first, count, sizeBytes }: LiveModule): void {
    const { table } = this.#module;
    for (let slot = first; slot < first + count; slot++) table.set(slot, null);
    this.giveBack(first, count);
    this.#sizeBytes -= sizeBytes;
  }
}
