/**
 * What a machine is at one moment: the state of its chips and harts, and its RAM.
 *
 * @module
 */

import type { SavedState } from "../../core/device.ts";
import type { RamImage } from "../../core/ram_image.ts";

/** What a machine must be like to take a snapshot over. */
export interface MachineShape {
  readonly harts: number;
  readonly memMiB: number;
  /** The ISA string of its harts. */
  readonly isa: string;
}

/** A machine at one moment, in memory. */
export interface MachineSnapshot {
  /** What a machine must be like to take it over. */
  readonly shape: MachineShape;
  /** State of every component by its name: `"harts"`, `"console"`, `"uart0"`, ... */
  readonly components: { readonly [name: string]: SavedState };
  readonly ram: RamImage;
  /** Instructions retired since power-on, below 2^53. */
  readonly instructions: number;
  /** Virtual time since power-on, below 2^53. */
  readonly virtualNs: number;
}
