/**
 * A device for tests: remembers each access, answers reads from a table, and calls back on writes.
 *
 * @module
 */

import type { AccessWidth, Device, SavedState } from "../device.ts";

/** One access that a {@link ProbeDevice} saw. */
export interface ProbeAccess {
  readonly kind: "read" | "write";
  readonly offset: number;
  readonly width: AccessWidth;
  readonly value: number;
}

/** Options of {@link ProbeDevice}. */
export interface ProbeDeviceOptions {
  readonly sizeBytes?: number;
  readonly accessWidths?: readonly AccessWidth[];
  /** Answer to a read; zero if left out. */
  readonly onRead?: (offset: number, width: AccessWidth) => number;
  readonly onWrite?: (offset: number, value: number, width: AccessWidth) => void;
}

/** A chip that only watches. */
export class ProbeDevice implements Device {
  readonly kind = "probe";
  readonly sizeBytes: number;
  readonly accessWidths: readonly AccessWidth[];
  /** Every access so far. */
  readonly accesses: ProbeAccess[] = [];
  readonly #options: ProbeDeviceOptions;

  constructor(options: ProbeDeviceOptions = {}) {
    this.sizeBytes = options.sizeBytes ?? 0x1000;
    this.accessWidths = options.accessWidths ?? [1, 2, 4];
    this.#options = options;
  }

  read(offset: number, width: AccessWidth): number {
    const value = this.#options.onRead?.(offset, width) ?? 0;
    this.accesses.push({ kind: "read", offset, width, value });
    return value;
  }

  write(offset: number, width: AccessWidth, value: number): void {
    this.accesses.push({ kind: "write", offset, width, value });
    this.#options.onWrite?.(offset, value, width);
  }

  reset(): void {
    this.accesses.length = 0;
  }

  save(): SavedState {
    return { kind: this.kind, version: 1, fields: {} };
  }

  restore(): void {}
}
