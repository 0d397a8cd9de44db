/**
 * The project's own harts as {@link Engine}s: the interpreter, and the same with translation of hot
 * code. Harts and bus come from `core`, with just the two registers the monitor needs, the hart's
 * `mtimecmp` and the test finisher.
 *
 * @module
 */

import type { AccessWidth, Device, SavedState } from "../device.ts";
import { HartArray, type HartArrayOptions } from "../hart_array.ts";
import type { Engine, RunOptions } from "./engine.ts";
import { ramBase, ramSizeBytes } from "./layout.ts";

const finisherAddress = 0x0010_0000;
const mtimecmpAddress = 0x0200_4000;

/** {@link Engine} over a {@link HartArray} of one hart. */
abstract class HartEngine implements Engine {
  abstract readonly name: string;
  protected abstract readonly options: Pick<HartArrayOptions, "jit">;
  /** Instructions between two looks at the clock; hot code is translated there. */
  protected abstract readonly sliceInstructions: number;

  run(image: Uint8Array, options: RunOptions = {}): Promise<Uint8Array> {
    const harts = new HartArray({
      harts: 1,
      ramBase,
      ramSizeBytes,
      ...this.options,
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
      const result = harts.run(this.sliceInstructions);
      if (finished) break;
      if (result === "idle") return Promise.reject(stopped(this.name, harts, "waits for ever"));
      if (Date.now() > deadline) {
        return Promise.reject(stopped(this.name, harts, "runs without end"));
      }
    }
    return Promise.resolve(harts.module.ram.slice(0, image.length));
  }
}

/** The reference semantics. */
export class InterpreterEngine extends HartEngine {
  override readonly name = "interpreter";
  protected override readonly options = { jit: false } as const;
  protected override readonly sliceInstructions = 20_000_000;
}

/** With hot code translated to WebAssembly, as early as it goes. */
export class JitEngine extends HartEngine {
  override readonly name = "jit";
  protected override readonly options = { jit: { threshold: 1, batch: 1 } };
  protected override readonly sliceInstructions = 20_000;
}

function stopped(name: string, harts: HartArray, how: string): Error {
  const pc = BigInt.asUintN(64, harts.get(0, "pc")).toString(16);
  return new Error(`${name} ${how} at 0x${pc} after ${harts.instructions} instructions`);
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
