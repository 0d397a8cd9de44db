/**
 * The debugger's place among those who watch the harts (`HartArray.onInstruction` and `onTrap`): whoever
 * was there before is called as well.
 *
 * @module
 */

import type { HartArray, TrapRecord } from "../../core/hart_array.ts";

/** Hooks that were installed. */
export class Hooks {
  readonly #harts: HartArray;
  readonly #before: Pick<HartArray, "onInstruction" | "onTrap">;

  constructor(
    harts: HartArray,
    onInstruction: ((hartId: number) => void) | undefined,
    onTrap: ((trap: TrapRecord) => void) | undefined,
  ) {
    const before = { onInstruction: harts.onInstruction, onTrap: harts.onTrap };
    this.#harts = harts;
    this.#before = before;
    // Ours first: it may keep the instruction from being executed.
    harts.onInstruction = both(onInstruction, before.onInstruction);
    harts.onTrap = both(onTrap, before.onTrap);
  }

  /** Leaves the harts as they were. */
  remove(): void {
    this.#harts.onInstruction = this.#before.onInstruction;
    this.#harts.onTrap = this.#before.onTrap;
  }
}

function both<Argument>(
  first: ((argument: Argument) => void) | undefined,
  second: ((argument: Argument) => void) | undefined,
): ((argument: Argument) => void) | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (argument) => {
    first(argument);
    second(argument);
  };
}
