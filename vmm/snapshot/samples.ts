/**
 * Made-up snapshots, the same for the same seed, for tests, fuzzing and the loop of kills.
 *
 * @module
 */

import { PAGE_BYTES, type PageContent, RamImage } from "../../core/ram_image.ts";
import type { SnapshotRecord } from "./record.ts";
import type { MachineSnapshot } from "./snapshot.ts";

/** Numbers that look random (xorshift32), the same for the same seed. */
export class SampleNumbers {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

/** A page that no compression shortens. */
export function noisePage(seed: number): PageContent {
  const numbers = new SampleNumbers(seed);
  const words = new Uint32Array(PAGE_BYTES / 4);
  for (let n = 0; n < words.length; n++) words[n] = numbers.below(2 ** 32);
  const bytes = new Uint8Array(words.buffer);
  return { bytes: () => bytes };
}

/** A page full of one byte. */
export function plainPage(byte: number): PageContent {
  const bytes = new Uint8Array(PAGE_BYTES).fill(byte);
  return { bytes: () => bytes };
}

/** A record without key. */
export function sampleRecord(layer: string, parent?: string): Omit<SnapshotRecord, "key"> {
  return {
    parent,
    layer,
    material: { emulator: "abc", seed: "1" },
    actions: [{ send: "ls\n" }, { wait: "$ " }],
    build: "build 1",
  };
}

/** A machine with this RAM; an empty one of 64 pages if none is given. */
export function sampleSnapshot(ram = RamImage.zeros(64)): MachineSnapshot {
  return {
    shape: { harts: 2, memMiB: 1, isa: "rv64gch" },
    components: {
      harts: {
        kind: "harts",
        version: 3,
        fields: {
          pc: [0x8000_0000n, 0xffff_ffff_ffff_ffffn],
          waiting: [true, false],
          turn: 1,
          csrs: [{ satp: 0n, sie: 5n }],
        },
      },
      console: {
        kind: "console",
        version: 1,
        fields: { transcript: "boot\r\n日本$ ", cursor: 7, pending: Uint8Array.of(1, 2, 255) },
      },
    },
    ram,
    instructions: 2 ** 53 - 1,
    virtualNs: 2 ** 40 + 1,
  };
}
