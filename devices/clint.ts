/**
 * SiFive CLINT: one window with MSWI at offset 0 and MTIMER at offset 0x4000 (ACLINT 1.1), as the
 * `virt` board maps it and its device tree describes it.
 *
 * @module
 */

import type { AccessWidth, Device, InterruptLine, SavedState } from "../core/device.ts";
import { Mswi, Mtimer, type MtimerPort } from "./aclint.ts";
import { StateFields } from "../core/state_fields.ts";

/** Where the CLINT window changes from MSWI to MTIMER, and where MTIMER ends. */
const MTIMER_START = 0x4000;
const MTIMER_END = 0xc000;

/** What a {@link Clint} is wired to. */
export interface ClintOptions {
  /** The machine software interrupt line of each hart. */
  readonly softwareInterrupts: readonly InterruptLine[];
  /** Where mtime and mtimecmp live. */
  readonly mtimer: MtimerPort;
}

/** MSWI and MTIMER of all harts in one window. Offsets behind mtime read 0 and ignore writes. */
export class Clint implements Device {
  readonly kind = "clint";
  readonly sizeBytes = 0x10000;
  readonly accessWidths: readonly AccessWidth[] = [4];
  readonly #mswi: Mswi;
  readonly #mtimer: Mtimer;

  constructor(options: ClintOptions) {
    this.#mswi = new Mswi({ interrupts: options.softwareInterrupts });
    this.#mtimer = new Mtimer({
      harts: options.softwareInterrupts.length,
      port: options.mtimer,
    });
  }

  read(offset: number, width: AccessWidth): number {
    if (offset < MTIMER_START) return this.#mswi.read(offset, width);
    return offset < MTIMER_END ? this.#mtimer.read(offset - MTIMER_START, width) : 0;
  }

  write(offset: number, width: AccessWidth, value: number): void {
    if (offset < MTIMER_START) this.#mswi.write(offset, width, value);
    else if (offset < MTIMER_END) this.#mtimer.write(offset - MTIMER_START, width, value);
  }

  reset(): void {
    this.#mswi.reset();
    this.#mtimer.reset();
  }

  /** MTIMER has no state of its own, so the fields are those of MSWI. */
  save(): SavedState {
    return { kind: this.kind, version: 1, fields: this.#mswi.save().fields };
  }

  restore(state: SavedState): void {
    StateFields.open(state, this.kind, 1);
    this.#mswi.restore({ kind: this.#mswi.kind, version: 1, fields: state.fields });
  }
}
