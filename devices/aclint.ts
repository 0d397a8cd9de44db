/**
 * RISC-V ACLINT: the timer and the inter-processor interrupts of the harts, as three chips.
 *
 * - {@link Mtimer}: mtime and one mtimecmp per hart. The values live with the harts, where each
 *   instruction compares them; the chip only passes them through its {@link MtimerPort}.
 * - {@link Mswi}: one msip bit per hart, straight to the hart's machine software interrupt line.
 * - {@link Sswi}: a store to setssip sets `mip.SSIP` once; software clears it with a CSR write.
 *
 * RISC-V ACLINT 1.0-rc4, chapters 2 to 4. With Mswi at offset 0 and Mtimer at 0x4000 this is
 * the SiFive CLINT (1.1); see `clint.ts`.
 *
 * @module
 */

import type { AccessWidth, Device, InterruptLine, SavedState } from "../core/device.ts";
import { highHalf, lowHalf, withHighHalf, withLowHalf } from "./halves.ts";
import type { RegisterTable } from "./register_table.ts";
import { StateFields, UINT64_MAX } from "../core/state_fields.ts";

/** Registers of MTIMER; both are 64 bits wide and are accessed in halves, low first. */
export const MTIMER_REGISTERS = {
  /** One per hart. ACLINT 2.3 leaves the reset value open; all ones asks for no interrupt. */
  mtimecmp: {
    offset: 0x0000,
    width: 4,
    direction: "read-write",
    reset: 0xffff_ffff,
    strideBytes: 8,
  },
  /** Cleared by reset (ACLINT 2.2). */
  mtime: { offset: 0x7ff8, width: 4, direction: "read-write", reset: 0 },
} as const satisfies RegisterTable;

/** Registers of MSWI. */
export const MSWI_REGISTERS = {
  /** One per hart, bit 0 only (ACLINT 3.2). */
  msip: { offset: 0x0000, width: 4, direction: "read-write", reset: 0, strideBytes: 4 },
} as const satisfies RegisterTable;

/** Registers of SSWI. */
export const SSWI_REGISTERS = {
  /** One per hart, bit 0 only; always reads 0 (ACLINT 4.2). */
  setssip: { offset: 0x0000, width: 4, direction: "write", reset: 0, strideBytes: 4 },
} as const satisfies RegisterTable;

/** mtime sits behind 4095 mtimecmp registers; MSWI and SSWI have as many (ACLINT 2.1, 3.1, 4.1). */
export const ACLINT_MAX_HARTS = 4095;

/** Where mtime and the mtimecmp values live. Values are unsigned 64-bit. */
export interface MtimerPort {
  readMtime(): bigint;
  writeMtime(value: bigint): void;
  readMtimecmp(hart: number): bigint;
  writeMtimecmp(hart: number, value: bigint): void;
}

/** What an {@link Mtimer} is wired to. */
export interface MtimerOptions {
  readonly harts: number;
  readonly port: MtimerPort;
}

/** MTIMER. It keeps no state of its own: save and restore mtime and mtimecmp with the harts. */
export class Mtimer implements Device {
  readonly kind = "aclint_mtimer";
  readonly sizeBytes = 0x8000;
  readonly accessWidths: readonly AccessWidth[] = [4];
  readonly #harts: number;
  readonly #port: MtimerPort;

  constructor(options: MtimerOptions) {
    this.#harts = checkHarts(this.kind, options.harts);
    this.#port = options.port;
  }

  read(offset: number, _width: AccessWidth): number {
    if ((offset & 3) !== 0) return 0;
    const half = (offset & 4) === 0 ? lowHalf : highHalf;
    if (isMtime(offset)) return half(this.#port.readMtime());
    const hart = offset >>> 3;
    return hart < this.#harts ? half(this.#port.readMtimecmp(hart)) : 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    if ((offset & 3) !== 0) return;
    const withHalf = (offset & 4) === 0 ? withLowHalf : withHighHalf;
    if (isMtime(offset)) {
      return this.#port.writeMtime(withHalf(this.#port.readMtime(), value));
    }
    const hart = offset >>> 3;
    if (hart < this.#harts) {
      this.#port.writeMtimecmp(hart, withHalf(this.#port.readMtimecmp(hart), value));
    }
  }

  reset(): void {
    this.#port.writeMtime(0n);
    for (let hart = 0; hart < this.#harts; hart++) this.#port.writeMtimecmp(hart, UINT64_MAX);
  }

  save(): SavedState {
    return { kind: this.kind, version: 1, fields: {} };
  }

  restore(state: SavedState): void {
    StateFields.open(state, this.kind, 1).finish();
  }
}

/** What an {@link Mswi} is wired to. */
export interface MswiOptions {
  /** The machine software interrupt line of each hart. */
  readonly interrupts: readonly InterruptLine[];
}

/** MSWI: `mip.MSIP` of each hart follows its msip register. */
export class Mswi implements Device {
  readonly kind = "aclint_mswi";
  readonly sizeBytes = 0x4000;
  readonly accessWidths: readonly AccessWidth[] = [4];
  readonly #interrupts: readonly InterruptLine[];
  readonly #msip: Uint8Array;

  constructor(options: MswiOptions) {
    this.#interrupts = options.interrupts;
    this.#msip = new Uint8Array(checkHarts(this.kind, options.interrupts.length));
  }

  read(offset: number, _width: AccessWidth): number {
    return (offset & 3) === 0 ? this.#msip[offset >>> 2] ?? 0 : 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    const hart = offset >>> 2;
    if ((offset & 3) !== 0 || hart >= this.#msip.length) return;
    this.#msip[hart] = value & 1;
    this.#deriveInterrupt(hart);
  }

  reset(): void {
    this.#msip.fill(0);
    this.#deriveInterrupts();
  }

  save(): SavedState {
    return { kind: this.kind, version: 1, fields: { msip: [...this.#msip] } };
  }

  restore(state: SavedState): void {
    const fields = StateFields.open(state, this.kind, 1);
    const msip = fields.integers("msip", this.#msip.length, 1);
    fields.finish();

    this.#msip.set(msip);
    this.#deriveInterrupts();
  }

  #deriveInterrupts(): void {
    for (let hart = 0; hart < this.#msip.length; hart++) this.#deriveInterrupt(hart);
  }

  #deriveInterrupt(hart: number): void {
    this.#interrupts[hart]?.set(this.#msip[hart] === 1);
  }
}

/** Where {@link Sswi} sends its edges. */
export interface SswiPort {
  /** Sets `mip.SSIP` of the hart. */
  setSsip(hart: number): void;
}

/** What an {@link Sswi} is wired to. */
export interface SswiOptions {
  readonly harts: number;
  readonly port: SswiPort;
}

/** SSWI: an edge per store; nothing to keep, nothing to reset (ACLINT 4.2). */
export class Sswi implements Device {
  readonly kind = "aclint_sswi";
  readonly sizeBytes = 0x4000;
  readonly accessWidths: readonly AccessWidth[] = [4];
  readonly #harts: number;
  readonly #port: SswiPort;

  constructor(options: SswiOptions) {
    this.#harts = checkHarts(this.kind, options.harts);
    this.#port = options.port;
  }

  read(_offset: number, _width: AccessWidth): number {
    return 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    const hart = offset >>> 2;
    if ((offset & 3) === 0 && hart < this.#harts && (value & 1) === 1) this.#port.setSsip(hart);
  }

  reset(): void {}

  save(): SavedState {
    return { kind: this.kind, version: 1, fields: {} };
  }

  restore(state: SavedState): void {
    StateFields.open(state, this.kind, 1).finish();
  }
}

function isMtime(offset: number): boolean {
  return (offset & ~7) === MTIMER_REGISTERS.mtime.offset;
}

function checkHarts(kind: string, harts: number): number {
  if (!Number.isInteger(harts) || harts < 1 || harts > ACLINT_MAX_HARTS) {
    throw new RangeError(
      `Cannot make ${kind} for ${harts} harts: must be from 1 to ${ACLINT_MAX_HARTS}`,
    );
  }
  return harts;
}
