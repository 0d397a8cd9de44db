/**
 * Going backwards. Nothing is undone: the machine is taken to a checkpoint and does again what it did,
 * once to find the last place that is asked for, and once to get there.
 *
 * Looking at each instruction is slow, so that only the last stretch before the present is looked at,
 * then a longer one, and so on.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import type { Machine } from "../machine.ts";
import type { Breakpoints, Watchpoint } from "./breakpoints.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { goTo, type Passing } from "./execution.ts";
import { Hooks } from "./hooks.ts";
import { isInterruptAhead } from "./interrupt_ahead.ts";
import type { Interruption } from "./interruption.ts";
import { isInterrupt, type Position } from "./position.ts";
import type { Stop } from "./stop.ts";
import { WatchState } from "./watch_state.ts";

const FIRST_STRETCH_NS = 1_000;
const STRETCH_GROWTH = 16;

/** A place to stop at, going backwards. */
interface Find {
  readonly position: Position;
  readonly stop: Stop;
}

/** The past of one machine. */
export class History {
  readonly #machine: Machine;
  readonly #harts: HartArray;
  readonly #breakpoints: Breakpoints;
  readonly #checkpoints: Checkpoints;
  readonly #interruption: Interruption;
  #position: Position = { instructions: -1, isInterrupted: false };

  constructor(
    machine: Machine,
    breakpoints: Breakpoints,
    checkpoints: Checkpoints,
    interruption: Interruption,
  ) {
    this.#interruption = interruption;
    this.#machine = machine;
    this.#harts = machine.harts;
    this.#breakpoints = breakpoints;
    this.#checkpoints = checkpoints;
  }

  /**
   * Goes back by one instruction of a hart.
   *
   * @param present where the machine stands
   * @throws {TypeError} if the machine is closed or runs already
   */
  async step(present: Position, hartId: number): Promise<Stop> {
    return await this.#search(present, { hartId, isWatched: false }, hartId);
  }

  /**
   * Goes back to the last breakpoint or watched access.
   *
   * @param present where the machine stands
   * @param passing what was reported last
   * @throws {TypeError} if the machine is closed or runs already
   */
  async run(present: Position, passing: Pick<Passing, "hartId" | "isWatched">): Promise<Stop> {
    return await this.#search(present, passing, undefined);
  }

  async #search(
    present: Position,
    passing: Pick<Passing, "hartId" | "isWatched">,
    stepped: number | undefined,
  ): Promise<Stop> {
    const { hartId } = passing;
    let end = present;
    let endNs = this.#harts.nowNs;
    let stretchNs = FIRST_STRETCH_NS;
    while (true) {
      const place = this.#checkpoints.before(end.instructions);
      if (place === undefined) return await this.#begin(hartId);
      if (this.#interruption.isRequested) return { type: "interrupted", hartId };
      const fromNs = Math.max(place.nowNs, endNs - stretchNs);
      const passesEnd = passing.isWatched && end === present;
      const find = await this.#lookAt(fromNs, end, stepped, passesEnd);
      if (find !== undefined) {
        await goTo(this.#machine, find.position);
        this.#position = find.position;
        this.#checkpoints.wentBackTo(find.position.instructions);
        return find.stop;
      }
      if (fromNs > place.nowNs) stretchNs *= STRETCH_GROWTH;
      else {
        end = { instructions: place.instructions, isInterrupted: false };
        endNs = place.nowNs;
      }
    }
  }

  /** Where the last search has led to, if it has found something. */
  get position(): Position {
    return this.#position;
  }

  async #begin(hartId: number): Promise<Stop> {
    const { first } = this.#checkpoints;
    if (first !== undefined && first.instructions < this.#machine.instructions) {
      await this.#machine.runTo({ instructions: first.instructions });
      this.#checkpoints.wentBackTo(first.instructions);
    }
    return { type: "history-begins", hartId };
  }

  /**
   * Has the machine repeat what it did up to a position; answers the last place of what it did since a
   * time.
   *
   * @param passesEnd whether a watched access just before the end is not meant
   */
  async #lookAt(
    fromNs: number,
    end: Position,
    stepped: number | undefined,
    passesEnd: boolean,
  ): Promise<Find | undefined> {
    const harts = this.#harts;
    const watch = new WatchState(harts, this.#breakpoints);
    let find: Find | undefined;
    let isLooking = false;
    let interruptedAt = -1;
    let accessed: { readonly hartId: number; readonly watchpoint: Watchpoint } | undefined;
    const here = (): Position => {
      const { instructions } = harts;
      return { instructions, isInterrupted: interruptedAt === instructions };
    };
    // As time goes backwards, this is before the access is undone.
    const afterInstruction = () => {
      if (accessed === undefined) return;
      const { hartId, watchpoint: { kind, address } } = accessed;
      accessed = undefined;
      find = { position: here(), stop: { type: "watchpoint", hartId, kind, address } };
    };
    const beforeInstruction = (hartId: number) => {
      afterInstruction();
      if (stepped !== undefined) {
        if (stepped === hartId) find = { position: here(), stop: { type: "stepped", hartId } };
        return;
      }
      if (watch.isAtBreakpoint(hartId) && !isInterruptAhead(harts, hartId)) {
        find = { position: here(), stop: { type: "breakpoint", hartId } };
      }
      const watchpoint = watch.watchpointAhead(hartId);
      if (watchpoint !== undefined) accessed = { hartId, watchpoint };
    };
    // Traps must be asked for before the run, instructions can be asked for in its midst.
    const trapHooks = new Hooks(harts, undefined, (trap) => {
      if (!isLooking) return;
      watch.trapped();
      // What faults has accessed nothing, nor has what an interrupt comes before.
      if (accessed?.hartId === trap.hartId) accessed = undefined;
      if (!isInterrupt(trap)) return;
      interruptedAt = harts.instructions;
      harts.requestStop(); // so that the handler's first instruction is looked at
    });
    let hooks: Hooks | undefined;
    const event = harts.clock.schedule(BigInt(Math.ceil(fromNs)), () => {
      isLooking = true;
      hooks = new Hooks(harts, beforeInstruction, undefined);
    });
    try {
      await this.#machine.runTo({ instructions: end.instructions - 1 });
      while (harts.instructions < end.instructions) {
        if (harts.run(end.instructions - harts.instructions) === "idle") break;
      }
      // Nothing but the interrupt: it ends the run.
      if (end.isInterrupted) harts.run(1);
      if (!passesEnd) afterInstruction();
    } finally {
      event.cancel();
      hooks?.remove();
      trapHooks.remove();
    }
    return find;
  }
}
