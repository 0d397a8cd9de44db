/**
 * Things due at a virtual time, earliest first; those due together in the order they were scheduled.
 *
 * @module
 */

import type { ScheduledEvent } from "./device.ts";

interface Entry {
  readonly dueNs: bigint;
  readonly callback: () => void;
  live: boolean;
}

const END_OF_CLOCK_NS = 1n << 53n;

/** A queue of timed callbacks. Devices hold few at a time, so a sorted array does. */
export class EventQueue {
  readonly #entries: Entry[] = [];

  /**
   * When the next event is due, in nanoseconds; infinity if there is none before the end of the clock at
   * 2^53 ns (104 days): a rounded time would come before the event is due.
   */
  get nextDueNs(): number {
    const first = this.#entries[0];
    return first === undefined || first.dueNs >= END_OF_CLOCK_NS ? Infinity : Number(first.dueNs);
  }

  /** Adds an event. */
  schedule(dueNs: bigint, callback: () => void): ScheduledEvent {
    const entry: Entry = { dueNs, callback, live: true };
    let at = this.#entries.length;
    while (at > 0 && this.#entries[at - 1]!.dueNs > dueNs) at--;
    this.#entries.splice(at, 0, entry);
    return {
      cancel: () => {
        if (!entry.live) return;
        entry.live = false;
        this.#entries.splice(this.#entries.indexOf(entry), 1);
      },
    };
  }

  /** Calls everything due at `nowNs`. */
  fireDue(nowNs: bigint): void {
    for (
      let first = this.#entries[0];
      first !== undefined && first.dueNs <= nowNs;
      first = this.#entries[0]
    ) {
      this.#entries.shift();
      first.live = false;
      first.callback();
    }
  }
}
