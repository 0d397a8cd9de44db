/**
 * What a client wants to be stopped at. It is kept here and nowhere in the guest: no instruction is
 * replaced and no register of the trigger module is used, so the guest cannot find out.
 *
 * Addresses are virtual, of whatever mode and address space.
 *
 * @module
 */

/** Accesses that a watchpoint is for, as packets Z2, Z3 and Z4 have them. */
export type WatchKind = "write" | "read" | "access";

/** A stretch of memory that is watched. */
export interface Watchpoint {
  readonly kind: WatchKind;
  readonly address: bigint;
  readonly sizeBytes: number;
}

/** An access to memory. */
export interface Access {
  readonly address: bigint;
  readonly sizeBytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** More than anybody sets, and few enough to be looked through for each load and store. */
const MOST = 1024;

/** Breakpoints and watchpoints of one client. */
export class Breakpoints {
  readonly #addresses = new Set<bigint>();
  /** Low halves of the addresses, to rule out all others without making a bigint of each `pc`. */
  readonly #lowHalves = new Set<number>();
  #watchpoints: readonly Watchpoint[] = [];
  #watchedLows: readonly { readonly low: number; readonly sizeBytes: number }[] = [];

  /** Whether there is anything to be stopped at. */
  get isEmpty(): boolean {
    return this.#addresses.size === 0 && this.#watchpoints.length === 0;
  }

  /** Whether memory is watched. */
  get watches(): boolean {
    return this.#watchpoints.length > 0;
  }

  /** Adds a breakpoint, once however often it is added; answers whether there was room. */
  add(address: bigint): boolean {
    if (this.#addresses.size >= MOST && !this.#addresses.has(address)) return false;
    this.#addresses.add(address);
    this.#lowHalves.add(lowHalf(address));
    return true;
  }

  /** Removes a breakpoint, if there is one. */
  remove(address: bigint): void {
    this.#addresses.delete(address);
    this.#lowHalves.clear();
    for (const each of this.#addresses) this.#lowHalves.add(lowHalf(each));
  }

  /** As {@link add}. */
  watch(watchpoint: Watchpoint): boolean {
    if (this.#watchpoints.some((each) => isSame(each, watchpoint))) return true;
    if (this.#watchpoints.length >= MOST) return false;
    this.#setWatchpoints([...this.#watchpoints, watchpoint]);
    return true;
  }

  /** As {@link remove}. */
  unwatch(watchpoint: Watchpoint): void {
    this.#setWatchpoints(this.#watchpoints.filter((each) => !isSame(each, watchpoint)));
  }

  /** Removes all. */
  clear(): void {
    this.#addresses.clear();
    this.#lowHalves.clear();
    this.#setWatchpoints([]);
  }

  /** Whether the low half of an address is a breakpoint's; if not, the address is none. */
  mayHave(low: number): boolean {
    return this.#lowHalves.has(low);
  }

  /** Whether an address is a breakpoint's. */
  has(address: bigint): boolean {
    return this.#addresses.has(address);
  }

  /** Whether an access may be watched, by the low half of its address. */
  mayWatch(low: number, sizeBytes: number): boolean {
    for (const { low: from, sizeBytes: watchedBytes } of this.#watchedLows) {
      if ((low - from) >>> 0 < watchedBytes || (from - low) >>> 0 < sizeBytes) return true;
    }
    return false;
  }

  /** The watchpoint that an access is for, if any. */
  watching({ address, sizeBytes, reads, writes }: Access): Watchpoint | undefined {
    return this.#watchpoints.find((each) =>
      (each.kind === "access" || (each.kind === "read" ? reads : writes)) &&
      address < each.address + BigInt(each.sizeBytes) &&
      each.address < address + BigInt(sizeBytes)
    );
  }

  #setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.#watchpoints = watchpoints;
    this.#watchedLows = watchpoints.map(({ address, sizeBytes }) => ({
      low: lowHalf(address),
      sizeBytes,
    }));
  }
}

function lowHalf(address: bigint): number {
  return Number(address & 0xffff_ffffn);
}

function isSame(a: Watchpoint, b: Watchpoint): boolean {
  return a.kind === b.kind && a.address === b.address && a.sizeBytes === b.sizeBytes;
}
