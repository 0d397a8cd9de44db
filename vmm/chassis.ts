/**
 * Harts, memory and chips without a life of their own: what a machine is put into.
 *
 * A machine that is closed leaves its chassis for the next one of the same kind. That one need not ask
 * the host for memory, and where it holds the same code, it finds it decoded and translated.
 *
 * @module
 */

import type { SavedState } from "../core/device.ts";
import { HartArray } from "../core/hart_array.ts";
import type { JitOptions } from "../core/jit/jit_options.ts";
import { RamImage } from "../core/ram_image.ts";
import type { FinishRequest } from "../devices/test_finisher.ts";
import { createBoard } from "./board.ts";
import type { SerialPort } from "./console.ts";
import { optionalExtensionsOf } from "./isa_string.ts";
import { openComponents, saveComponents } from "./machine_state.ts";
import { BOARD, RAM_BASE } from "./memory_map.ts";
import type { MachineShape } from "./snapshot/snapshot.ts";

const MIB = 1 << 20;
/** Kept are the last of each kind, and no more than so many together: each holds the memory it touched. */
const MOST_KEPT = 2;

/** Harts, memory and chips, wired together. */
export class Chassis {
  readonly harts: HartArray;
  readonly uart: SerialPort;
  /** The entropy device. */
  readonly rng: { reseed(seed: bigint): void };
  /** Hears the test finisher. */
  onFinish: (request: FinishRequest) => void = () => {};
  readonly #kind: string | undefined;
  readonly #pristine: Readonly<Record<string, SavedState>>;
  #isPristine = true;
  #isSpoilt = false;
  readonly #chipCount: number;

  private constructor(shape: MachineShape, jit: JitOptions | false | undefined) {
    const { harts, memMiB, isa } = shape;
    this.#kind = kindOf(shape, jit);
    this.harts = new HartArray({
      harts,
      ramBase: RAM_BASE,
      ramSizeBytes: memMiB * MIB,
      rom: { base: BOARD.mrom.base, bytes: new Uint8Array(1) },
      extensions: optionalExtensionsOf(isa),
      jit,
    });
    const board = createBoard(this.harts, (request) => this.onFinish(request));
    this.uart = board.uart;
    this.rng = board.rng;
    this.#chipCount = this.harts.bus.mappings.length;
    const shapeName = JSON.stringify([harts, memMiB, isa]);
    const known = pristineStates.get(shapeName);
    this.#pristine = known ?? saveComponents(this.harts, NO_FACTS);
    if (known === undefined) pristineStates.set(shapeName, this.#pristine);
  }

  /** One for a machine of this shape: one that was left, or a new one. What it holds is void. */
  static take(shape: MachineShape, jit: JitOptions | false | undefined): Chassis {
    const kind = kindOf(shape, jit);
    const at = kept.findIndex((chassis) => chassis.#kind === kind);
    if (at < 0 || kind === undefined) return new Chassis(shape, jit);
    const [chassis] = kept.splice(at, 1);
    return chassis!;
  }

  /** Makes it what it was when it was new. */
  clear(): void {
    if (this.#isPristine) return;
    openComponents(this.harts, this.#pristine, RamImage.zeros(this.harts.pages.count))();
    this.#isPristine = true;
  }

  /** Must be called before anything in it changes. */
  use(): void {
    this.#isPristine = false;
  }

  /** It is in a state that nothing can be restored into: nobody is to have it after this machine. */
  spoil(): void {
    this.#isSpoilt = true;
  }

  /** The machine in it is closed. */
  leave(): void {
    this.onFinish = () => {};
    this.uart.onTransmit = () => {};
    this.uart.onRxRoom = () => {};
    this.harts.onTrap = undefined;
    this.harts.onInstruction = undefined;
    // One that somebody has put another chip into is of no kind any more.
    const isAltered = this.harts.bus.mappings.length !== this.#chipCount;
    if (this.#kind === undefined || this.#isSpoilt || isAltered) return;
    const at = kept.findIndex((chassis) => chassis.#kind === this.#kind);
    if (at >= 0) kept.splice(at, 1);
    kept.push(this);
    if (kept.length > MOST_KEPT) kept.shift();
  }
}

const kept: Chassis[] = [];
/** What chassis of a shape hold when they are new. */
const pristineStates = new Map<string, Readonly<Record<string, SavedState>>>();
const NO_FACTS = {
  dtb: new Uint8Array(),
  tohost: undefined,
  fromhost: undefined,
  finish: undefined,
};

/** Undefined if it is none like others: someone watches the code that is translated in it. */
function kindOf(shape: MachineShape, jit: JitOptions | false | undefined): string | undefined {
  if (jit && jit.onModule !== undefined) return undefined;
  const { harts, memMiB, isa } = shape;
  return JSON.stringify([harts, memMiB, isa, jit ?? "default"]);
}
