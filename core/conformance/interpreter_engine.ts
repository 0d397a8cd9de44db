/**
 * The project's own interpreter as an {@link Engine}: harts and bus from `core`, with just the two
 * registers the monitor needs, the hart's `mtimecmp` and the test finisher.
 *
 * @module
 */

import type { AccessWidth, Device, SavedState } from "../device.ts";
import { HartArray, type OptionalExtension } from "../hart_array.ts";
import type { Engine, RunOptions } from "./engine.ts";
import { ramBase, ramSizeBytes } from "./layout.ts";

const finisherAddress = 0x0010_0000;
const mtimecmpAddress = 0x0200_4000;
const slice = 20_000_000;

/** {@link Engine} over `hart.wasm`. */
export class InterpreterEngine implements Engine {
  readonly name = "interpreter";

  /** @param extensions as in {@link HartArray}; the default is the machine's */
  constructor(readonly extensions?: readonly OptionalExtension[]) {}

  run(image: Uint8Array, options: RunOptions = {}): Promise<Uint8Array> {
    const harts = new HartArray({
      harts: 1,
      ramBase,
      ramSizeBytes,
      ...(this.extensions === undefined ? {} : { extensions: this.extensions }),
    });
    let finished = false;
    harts.bus.map(
      "test finisher",
      finisherAddress,
      writeOnly(0x1000, () => {
        finished = true;
        harts.requestStop();
      }),
    );
    harts.bus.map(
      "mtimecmp",
      mtimecmpAddress,
      writeOnly(8, (offset, value) => {
        const shift = BigInt(offset * 8), mask = 0xffff_ffffn << shift;
        harts.writeMtimecmp(0, (harts.readMtimecmp(0) & ~mask) | (BigInt(value) << shift));
      }),
    );
    harts.module.ram.set(image);
    harts.flushTranslations();
    harts.set(0, "pc", BigInt(ramBase));
    const deadline = Date.now() + (options.timeoutMs ?? 60_000);
    while (!finished) {
      const result = harts.run(slice);
      if (finished) break;
      if (result === "idle") return Promise.reject(stopped(harts, "waits for ever"));
      if (Date.now() > deadline) return Promise.reject(stopped(harts, "runs without end"));
    }
    return Promise.resolve(harts.module.ram.slice(0, image.length));
  }
}

function stopped(harts: HartArray, how: string): Error {
  const pc = BigInt.asUintN(64, harts.get(0, "pc")).toString(16);
  return new Error(`interpreter ${how} at 0x${pc} after ${harts.instructions} instructions`);
}

/** A window whose 32-bit writes have an effect; it reads as zero. */
function writeOnly(sizeBytes: number, onWrite: (offset: number, value: number) => void): Device {
  const nothing: SavedState = { kind: "write-only", version: 1, fields: {} };
  return {
    kind: "write-only",
    sizeBytes,
    accessWidths: [4],
    read: () => 0,
    write: (offset: number, _width: AccessWidth, value: number) => onWrite(offset, value),
    reset: () => {},
    save: () => nothing,
    restore: () => {},
  };
}
