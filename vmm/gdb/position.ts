/**
 * Moments in the life of a machine.
 *
 * @module
 */

import type { HartArray, TrapRecord } from "../../core/hart_array.ts";
import { Hooks } from "./hooks.ts";

const INTERRUPT = 1n << 63n;

/** A moment between two instructions. */
export interface Position {
  /** Instructions executed by all harts before. */
  readonly instructions: number;
  /** Whether the interrupt that comes here was taken: the next instruction is its handler's. */
  readonly isInterrupted: boolean;
}

/** Whether a trap is an interrupt. */
export function isInterrupt({ cause }: TrapRecord): boolean {
  return (cause & INTERRUPT) !== 0n;
}

/** Takes the interrupt that comes now, and executes nothing. */
export function enterInterrupt(harts: HartArray): void {
  const hooks = new Hooks(harts, undefined, () => harts.requestStop());
  try {
    harts.run(1);
  } finally {
    hooks.remove();
  }
}
