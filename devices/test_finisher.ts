/**
 * SiFive test finisher: the guest ends or restarts the machine with one store.
 *
 * The guest writes a status word to FINISHER; the chip tells the host port what was asked for and
 * keeps nothing. The host acts on it (stop, exit code, machine reset) after the store has retired.
 *
 * @module
 */

import type { AccessWidth, Device, SavedState } from "../core/device.ts";
import type { RegisterTable } from "./register_table.ts";
import { StateFields } from "../core/state_fields.ts";

/** Registers of the test finisher. */
export const TEST_FINISHER_REGISTERS = {
  FINISHER: { offset: 0x0, width: 4, direction: "write", reset: 0 },
} as const satisfies RegisterTable;

/** Status in bits 15:0 of FINISHER. */
const STATUS_FAIL = 0x3333;
const STATUS_PASS = 0x5555;
const STATUS_RESET = 0x7777;

/** What the guest asked for. */
export interface FinishRequest {
  readonly kind: "pass" | "fail" | "reset";
  /** Bits 31:16 of the store for a failure; 0 otherwise. A 16-bit store can only fail with 0. */
  readonly code: number;
}

/** What a {@link TestFinisher} is wired to. */
export interface TestFinisherOptions {
  /** Told of each pass, fail or reset request. */
  readonly onFinish: (request: FinishRequest) => void;
}

/** The test finisher chip. Reads give 0; unknown status words are ignored. */
export class TestFinisher implements Device {
  readonly kind = "test_finisher";
  readonly sizeBytes = 0x1000;
  readonly accessWidths: readonly AccessWidth[] = [2, 4];
  readonly #onFinish: (request: FinishRequest) => void;

  constructor(options: TestFinisherOptions) {
    this.#onFinish = options.onFinish;
  }

  read(_offset: number, _width: AccessWidth): number {
    return 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    if (offset !== TEST_FINISHER_REGISTERS.FINISHER.offset) return;
    switch (value & 0xffff) {
      case STATUS_PASS:
        return this.#onFinish({ kind: "pass", code: 0 });
      case STATUS_FAIL:
        return this.#onFinish({ kind: "fail", code: value >>> 16 });
      case STATUS_RESET:
        return this.#onFinish({ kind: "reset", code: 0 });
    }
  }

  /** Nothing to do: the chip has no state. */
  reset(): void {}

  save(): SavedState {
    return { kind: this.kind, version: 1, fields: {} };
  }

  restore(state: SavedState): void {
    StateFields.open(state, this.kind, 1).finish();
  }
}
