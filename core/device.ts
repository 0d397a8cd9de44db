/**
 * The contract between the bus and a device.
 *
 * A device is a pure chip: registers at offsets, an interrupt line, host-side ports. It never knows
 * the address it is mapped at; the board (`vmm/board.ts`) decides that from the one memory map. Data
 * flows: hart -> bus -> `read`/`write` at an offset; chip -> {@link InterruptLine} -> interrupt
 * controller -> hart; chip -> {@link VirtualClock} for anything that happens later.
 *
 * @module
 */

/** Width of one device access in bytes. The bus splits an 8-byte access into two of 4, low first. */
export type AccessWidth = 1 | 2 | 4;

/** A value that a device may put into its saved state. */
export type StateValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly StateValue[]
  | { readonly [field: string]: StateValue };

/** Saved state of one component: kind and version first, then plain named fields. */
export interface SavedState {
  readonly kind: string;
  readonly version: number;
  readonly fields: { readonly [field: string]: StateValue };
}

/** A memory-mapped chip. */
export interface Device {
  /** Name of the chip in errors, traces and saved state, for example `"uart16550"`. */
  readonly kind: string;
  /** Length of the register window in bytes. */
  readonly sizeBytes: number;
  /** Widths the chip accepts; any other is an access fault to the hart. */
  readonly accessWidths: readonly AccessWidth[];
  /** Reads a register: an unsigned value of `width` bytes. Unmapped offsets read as the chip's manual says. */
  read(offset: number, width: AccessWidth): number;
  /** Writes a register; `value` is unsigned and fits `width`. */
  write(offset: number, width: AccessWidth, value: number): void;
  /** Back to the state after power-on. Host-side ports stay connected. */
  reset(): void;
  /** Everything the guest could observe, as plain named fields. */
  save(): SavedState;
  /**
   * Takes over a saved state, and derives the interrupt line anew.
   *
   * @throws {TypeError} if the kind or a field's type does not fit
   * @throws {RangeError} if the version is unknown or a field is out of range; nothing is changed then
   */
  restore(state: SavedState): void;
  /**
   * Why a snapshot would not hold all of the device's state, if it would not: the rest is outside the
   * machine, as an open connection is. Such a machine is not saved.
   */
  whyUnsaveable?(): string | undefined;
}

/** One wire into an interrupt controller or a hart. Level-triggered; setting the same level twice is harmless. */
export interface InterruptLine {
  set(level: boolean): void;
}

/** A handle of something due later on a {@link VirtualClock}. */
export interface ScheduledEvent {
  /** Takes the event back; harmless when it has already fired. */
  cancel(): void;
}

/** Virtual time, a function of retired instructions alone. */
export interface VirtualClock {
  /** Nanoseconds of virtual time since power-on. */
  readonly nowNs: bigint;
  /** Calls `callback` once when virtual time reaches `dueNs` (at once on the next step if it is past). */
  schedule(dueNs: bigint, callback: () => void): ScheduledEvent;
}
