/**
 * A machine with a debugger: what the commands of the protocol work on.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import type { Machine } from "../machine.ts";
import { Breakpoints } from "./breakpoints.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Execution, type Passing, type Step } from "./execution.ts";
import { Interruption } from "./interruption.ts";
import { History } from "./history.ts";
import type { Position } from "./position.ts";
import type { Register } from "./registers.ts";
import type { Stop } from "./stop.ts";
import { VirtualMemory } from "./virtual_memory.ts";

/** Close enough for a step back to take a blink, far enough to cost a run little. */
const DEFAULT_CHECKPOINT_INSTRUCTIONS = 20_000_000;

/** Options of a session. */
export interface DebugOptions {
  /** Instructions between the checkpoints that going backwards starts from. Default 20,000,000. */
  readonly checkpointInstructions?: number;
}

/** One machine under one debugger. */
export class Debuggee {
  readonly machine: Machine;
  readonly harts: HartArray;
  readonly breakpoints = new Breakpoints();
  /** The last reason to stand. */
  stop: Stop = { type: "stepped", hartId: 0 };
  /** The hart that registers and memory are asked of. */
  hartId = 0;
  readonly #interruption = new Interruption();
  #position: Position = { instructions: -1, isInterrupted: false };
  readonly #memory: VirtualMemory;
  readonly #checkpoints: Checkpoints;
  readonly #execution: Execution;
  readonly #history: History;

  constructor(machine: Machine, options: DebugOptions) {
    const { checkpointInstructions = DEFAULT_CHECKPOINT_INSTRUCTIONS } = options;
    if (!Number.isSafeInteger(checkpointInstructions) || checkpointInstructions < 1) {
      throw new RangeError(
        `checkpointInstructions: ${checkpointInstructions} is no whole number from 1 on`,
      );
    }
    this.machine = machine;
    this.harts = machine.harts;
    this.#memory = new VirtualMemory(this.harts);
    this.#checkpoints = new Checkpoints(machine, checkpointInstructions);
    this.#execution = new Execution(
      machine,
      this.breakpoints,
      this.#checkpoints,
      this.#interruption,
    );
    this.#history = new History(machine, this.breakpoints, this.#checkpoints, this.#interruption);
  }

  /** Why going backwards is impossible, if it is. */
  get whyNoHistory(): string | undefined {
    return this.#checkpoints.whyNone;
  }

  /** Ends what runs soon, or is about to. */
  interrupt(): void {
    this.#interruption.request();
  }

  /** Goes on, or by one step. */
  async forward(step?: Step): Promise<Stop> {
    return await this.#until(this.#execution, () => this.#execution.run(this.#passing, step));
  }

  /** Goes back: by one instruction of a hart, or as far as there is a reason to stop. */
  async backward(stepped?: number): Promise<Stop> {
    return await this.#until(
      this.#history,
      () =>
        stepped === undefined
          ? this.#history.run(this.#present, this.#passing)
          : this.#history.step(this.#present, stepped),
    );
  }

  /** Goes to where so many instructions were executed. */
  async goTo(instructions: number): Promise<void> {
    this.#checkpoints.takeIfDue();
    await this.machine.runTo({ instructions });
    this.#checkpoints.wentBackTo(instructions);
    this.#position = { instructions, isInterrupted: false };
    this.stop = { type: "stepped", hartId: this.hartId };
  }

  /** Memory as the present hart sees it, as much as there is. */
  read(address: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> {
    return this.#memory.read(this.hartId, address, sizeBytes);
  }

  /** Writes memory; answers whether all of it is RAM. */
  write(address: bigint, bytes: Uint8Array): boolean {
    if (!this.#memory.write(this.hartId, address, bytes)) return false;
    if (bytes.length > 0) this.#checkpoints.machineChanged();
    return true;
  }

  /** Value of a register of the present hart. */
  readRegister(register: Register): bigint {
    return register.read(this.harts, this.hartId);
  }

  /** Writes a register of the present hart; answers whether that is possible. */
  writeRegister(register: Register, value: bigint): boolean {
    if (register.write === undefined) return false;
    register.write(this.harts, this.hartId, value);
    this.#checkpoints.machineChanged();
    return true;
  }

  /** Where it stands. If others went on with it, they did so by whole instructions. */
  get #present(): Position {
    const { instructions } = this.machine;
    if (this.#position.instructions === instructions) return this.#position;
    return { instructions, isInterrupted: false };
  }

  /** What was reported last is not to be reported again where it was. */
  get #passing(): Passing {
    const { stop } = this;
    const hartId = stop.type === "exited" ? 0 : stop.hartId;
    return { hartId, pc: this.harts.get(hartId, "pc"), isWatched: stop.type === "watchpoint" };
  }

  async #until(
    runner: { readonly position: Position },
    run: () => Promise<Stop>,
  ): Promise<Stop> {
    try {
      this.stop = await run();
      this.#position = runner.position;
    } catch (error) {
      this.stop = { type: "failed", hartId: this.hartId };
      throw error;
    } finally {
      this.#interruption.clear();
    }
    if (this.stop.type !== "exited") this.hartId = this.stop.hartId;
    return this.stop;
  }
}
