/**
 * Helpers for tests of devices: a virtual clock moved by hand, a pin that remembers what it saw,
 * and a seeded random generator. Nothing here is used outside of tests.
 *
 * @module
 */

import type { InterruptLine, ScheduledEvent, VirtualClock } from "../core/device.ts";

/** A {@link VirtualClock} that stands still until a test moves it. */
export class FakeClock implements VirtualClock {
  nowNs = 0n;
  #events: { readonly dueNs: bigint; readonly callback: () => void }[] = [];

  /** How many events are still to come. */
  get pendingEvents(): number {
    return this.#events.length;
  }

  schedule(dueNs: bigint, callback: () => void): ScheduledEvent {
    const event = { dueNs, callback };
    // Behind all events of the same time, so that they fire in the order of scheduling.
    const later = this.#events.findIndex((other) => other.dueNs > dueNs);
    this.#events.splice(later < 0 ? this.#events.length : later, 0, event);
    return {
      cancel: () => {
        this.#events = this.#events.filter((other) => other !== event);
      },
    };
  }

  /** Moves time on by `ns`, firing each event at its own time, those of the past at once. */
  advance(ns: bigint): void {
    const untilNs = this.nowNs + ns;
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.dueNs > untilNs) break;
      this.#events.shift();
      if (next.dueNs > this.nowNs) this.nowNs = next.dueNs;
      next.callback();
    }
    this.nowNs = untilNs;
  }
}

/** An {@link InterruptLine} that remembers its level and how often it rose. */
export class Pin implements InterruptLine {
  level = false;
  risingEdges = 0;

  set(level: boolean): void {
    if (level && !this.level) this.risingEdges++;
    this.level = level;
  }
}

/** A small seeded generator (xorshift32), the same numbers on every run and host. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed >>> 0) || 1;
  }

  /** A random unsigned 32-bit value. */
  uint32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  /** A random whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    return this.uint32() % limit;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new RangeError("Cannot pick from an empty list");
    return choice;
  }
}
