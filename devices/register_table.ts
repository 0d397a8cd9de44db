/**
 * The shape of a device's register table: offset to name, with direction, width and reset value
 * beside each. A device decodes by the offsets of its table; the conformance suite reads the reset
 * values from the same rows.
 *
 * @module
 */

import type { AccessWidth } from "../core/device.ts";

/** Which way a guest may use a register. */
export type RegisterDirection = "read" | "write" | "read-write";

/** One register, or a row of `count` alike registers `strideBytes` apart. */
export interface RegisterRow {
  /** Distance from the start of the device's window, in bytes. */
  readonly offset: number;
  /** The width at which the manual defines the register. */
  readonly width: AccessWidth;
  /** Reading a write-only register gives what the device says for unmapped offsets. */
  readonly direction: RegisterDirection;
  /** Value read after reset; left out where it depends on the board or the reset changes nothing. */
  readonly reset?: number;
  /** Distance between two registers of the row; 0 or absent for a single register. */
  readonly strideBytes?: number;
  /** What must be set before the register answers at its offset, for example `"LCR.DLAB"`. */
  readonly behind?: string;
}

/** All registers of a chip, by the name its manual uses. */
export type RegisterTable = { readonly [name: string]: RegisterRow };
