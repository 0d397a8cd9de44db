/**
 * The checkpoints that going backwards starts from: taken as the machine runs under the debugger, further
 * and further apart, so that a long session does not fill the host's memory.
 *
 * @module
 */

import type { Machine } from "../machine.ts";

/** Where a checkpoint is. */
export interface CheckpointPlace {
  readonly instructions: number;
  readonly nowNs: number;
}

/** After so many checkpoints they are taken half as often. */
const CHECKPOINTS_A_SPACING = 32;

/** Checkpoints of one session. The machine keeps them; this knows where they are. */
export class Checkpoints {
  readonly #machine: Machine;
  readonly #firstSpacing: number;
  #places: CheckpointPlace[] = [];
  #isDue = true;
  #hasTohost = false;
  #whyNone: string | undefined;

  /** @param spacingInstructions how far apart they begin to be taken */
  constructor(machine: Machine, spacingInstructions: number) {
    this.#machine = machine;
    this.#firstSpacing = spacingInstructions;
  }

  /** The debugger changed the machine: what happens next does not follow from an earlier checkpoint. */
  machineChanged(): void {
    this.#isDue = true;
  }

  /** Whether the program talks to the host through memory (vmm/htif.ts), as the last checkpoint has it. */
  get hasTohost(): boolean {
    return this.#hasTohost;
  }

  /** Instructions that may be executed before the next one is due. */
  get instructionsLeft(): number {
    if (this.#whyNone !== undefined) return Infinity;
    const last = this.#places.at(-1);
    if (this.#isDue || last === undefined) return 0;
    return Math.max(0, last.instructions + this.#spacing - this.#machine.instructions);
  }

  /** Why there are none, if the machine cannot be saved. */
  get whyNone(): string | undefined {
    return this.#whyNone;
  }

  /** Takes one if it is due, and if the machine can be saved. */
  takeIfDue(): void {
    if (this.instructionsLeft > 0) return;
    let snapshot;
    try {
      snapshot = this.#machine.checkpoint();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#whyNone = error.message;
      return;
    }
    const { instructions, virtualNs, components } = snapshot;
    this.#places.push({ instructions, nowNs: virtualNs });
    this.#isDue = false;
    this.#hasTohost = components["machine"]?.fields["hasTohost"] === true;
  }

  /** The last one before an instruction. */
  before(instructions: number): CheckpointPlace | undefined {
    return this.#places.findLast((place) => place.instructions < instructions);
  }

  /** The first one. */
  get first(): CheckpointPlace | undefined {
    return this.#places[0];
  }

  /** The machine was taken back to an instruction: what is behind the checkpoint before is forgotten. */
  wentBackTo(instructions: number): void {
    this.#places = this.#places.filter((place) => place.instructions <= instructions);
    this.#isDue = false;
  }

  get #spacing(): number {
    return this.#firstSpacing * 2 ** Math.floor(this.#places.length / CHECKPOINTS_A_SPACING);
  }
}
