/**
 * What a machine was given since its first checkpoint, and the checkpoints: enough to have any moment in
 * between happen again.
 *
 * @module
 */

import type { MachineSnapshot } from "./snapshot/snapshot.ts";

/** Console input that was handed in at a time, or a seed for the entropy device. */
export type Input =
  & {
    /** Virtual time since power-on. */
    readonly nowNs: number;
  }
  & ({ readonly bytes: Uint8Array } | { readonly seed: bigint });

interface Checkpoint {
  readonly snapshot: MachineSnapshot;
  /** How much input had been given. */
  readonly inputs: number;
}

/** The past of one machine. */
export class Timeline {
  readonly #inputs: Input[] = [];
  readonly #checkpoints: Checkpoint[] = [];

  /** Notes input. Before the first checkpoint it is of no use. */
  input(input: Input): void {
    if (this.#checkpoints.length > 0) this.#inputs.push(input);
  }

  /** Notes a checkpoint, taken or restored now. */
  mark(snapshot: MachineSnapshot): void {
    this.#checkpoints.push({ snapshot, inputs: this.#inputs.length });
  }

  /** The last checkpoint that is suitable, and what was given since. */
  before(
    isSuitable: (snapshot: MachineSnapshot) => boolean,
  ): { snapshot: MachineSnapshot; inputs: readonly Input[] } | undefined {
    const found = this.#checkpoints.findLast(({ snapshot }) => isSuitable(snapshot));
    return found && { snapshot: found.snapshot, inputs: this.#inputs.slice(found.inputs) };
  }

  /** The past of a machine that was taken back to a checkpoint, of this past or of another. */
  until(snapshot: MachineSnapshot): Timeline {
    const past = new Timeline();
    const at = this.#checkpoints.findLastIndex((each) => each.snapshot === snapshot);
    if (at < 0) past.mark(snapshot);
    else {
      past.#checkpoints.push(...this.#checkpoints.slice(0, at + 1));
      past.#inputs.push(...this.#inputs.slice(0, this.#checkpoints[at]!.inputs));
    }
    return past;
  }
}
