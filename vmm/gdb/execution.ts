/**
 * Runs a machine under the debugger, forwards. The machine does exactly what it does without: the same
 * instructions in the same order at the same times.
 *
 * While nothing is to be stopped at, it runs as ever, at full speed. With breakpoints or watchpoints, and
 * for steps, harts go one instruction at a time and each is looked at before it is executed
 * (`HartArray.onInstruction`).
 *
 * All harts run or stand together, whatever the client asks of a single one: their order is the machine's.
 *
 * @module
 */

import type { HartArray, TrapRecord } from "../../core/hart_array.ts";
import type { Machine } from "../machine.ts";
import type { Breakpoints } from "./breakpoints.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { Hooks } from "./hooks.ts";
import { isInterruptAhead } from "./interrupt_ahead.ts";
import type { Interruption } from "./interruption.ts";
import { enterInterrupt, isInterrupt, type Position } from "./position.ts";
import type { Stop } from "./stop.ts";
import { WatchState } from "./watch_state.ts";

/** The client is listened to after so many instructions. */
const FAST_CHUNK = 5_000_000;
const SLOW_CHUNK = 200_000;
/** As often a machine looks at a program's `tohost`, if it has one; it does so only in its own run. */
const HTIF_INSTRUCTIONS = 2_000;

/** A step of one hart. */
export interface Step {
  readonly hartId: number;
  /** Goes on as long as `pc` is in here, the end excluded. */
  readonly range?: { readonly start: bigint; readonly end: bigint };
}

/** What was reported and is not to be reported again at once. */
export interface Passing {
  readonly hartId: number;
  /** Where the hart stood: an interrupt may take it elsewhere at once. */
  readonly pc: bigint;
  /** Whether that was a watched access; breakpoints are passed in any case. */
  readonly isWatched: boolean;
}

/** Thrown out of `HartArray.run` before an instruction that is not to be executed. */
const HALT: unique symbol = Symbol("halt");

/** What a run is to stop at, and what it found. */
interface Quest {
  readonly step: Step | undefined;
  readonly watch: WatchState;
  /** What the reported hart is to get beyond, for as long as it has not moved. */
  passing: Passing | undefined;
  hasStepped: boolean;
  stop: Stop | undefined;
  /** Where the stop came up. */
  position: Position;
}

/** Runs one machine. */
export class Execution {
  readonly #machine: Machine;
  readonly #harts: HartArray;
  readonly #breakpoints: Breakpoints;
  readonly #checkpoints: Checkpoints;
  readonly #interruption: Interruption;
  /** Instructions executed when the last interrupt was taken. */
  #interruptedAt = -1;

  constructor(
    machine: Machine,
    breakpoints: Breakpoints,
    checkpoints: Checkpoints,
    interruption: Interruption,
  ) {
    this.#interruption = interruption;
    this.#machine = machine;
    this.#harts = machine.harts;
    this.#breakpoints = breakpoints;
    this.#checkpoints = checkpoints;
  }

  /**
   * Runs until there is a reason to stop.
   *
   * @param passing what was reported last
   * @throws {TypeError} if the machine is closed or runs already
   */
  async run(passing: Passing, step?: Step): Promise<Stop> {
    this.#interruptedAt = -1;
    const { hartId } = passing;
    const quest: Quest = {
      step,
      watch: new WatchState(this.#harts, this.#breakpoints),
      passing,
      hasStepped: false,
      stop: undefined,
      position: { instructions: 0, isInterrupted: false },
    };
    while (true) {
      const exit = await this.#exit();
      if (exit !== undefined) return exit;
      if (this.#interruption.isRequested) return { type: "interrupted", hartId };
      this.#checkpoints.takeIfDue();
      const isSlow = step !== undefined || !this.#breakpoints.isEmpty;
      const stop = isSlow ? await this.#runSlowly(quest) : await this.#runFast(hartId);
      if (stop !== undefined) return stop;
      await eventLoopTurn();
    }
  }

  /** Where the last run has come to. */
  get position(): Position {
    const { instructions } = this.#machine;
    return { instructions, isInterrupted: this.#interruptedAt === instructions };
  }

  /** Whether the guest ended the machine; a reset starts it anew. */
  async #exit(): Promise<Stop | undefined> {
    const { instructions } = this.#machine;
    const { finish } = await this.#machine.run({ until: { instructions } });
    if (finish === undefined) return undefined;
    return { type: "exited", code: finish.kind === "pass" ? 0 : finish.code || 1 };
  }

  async #runFast(hartId: number): Promise<Stop | undefined> {
    const { reason } = await this.#runMachine(
      Math.min(FAST_CHUNK, this.#checkpoints.instructionsLeft),
    );
    return reason === "idle" ? { type: "idle", hartId } : undefined;
  }

  #runMachine(count: number): ReturnType<Machine["run"]> {
    const instructions = this.#machine.instructions + count;
    return this.#machine.run({ until: { instructions } });
  }

  async #runSlowly(quest: Quest): Promise<Stop | undefined> {
    const toPoll = this.#checkpoints.hasTohost
      ? HTIF_INSTRUCTIONS - this.#harts.instructions % HTIF_INSTRUCTIONS
      : Infinity;
    if (toPoll === 1) return await this.#runPolled(quest);
    const count = Math.min(SLOW_CHUNK, toPoll - 1);
    const result = this.#runHooked(quest, true, () => this.#harts.run(count));
    this.#afterInstruction(quest);
    if (quest.stop !== undefined || result !== "idle") return quest.stop;
    // A program may have said that it is done, and then wait.
    const { reason } = await this.#runMachine(1);
    return reason === "idle" ? { type: "idle", hartId: quest.step?.hartId ?? 0 } : undefined;
  }

  /** The last instruction before the machine looks at `tohost`. */
  async #runPolled(quest: Quest): Promise<Stop | undefined> {
    const { passing } = quest;
    this.#runHooked(quest, true, () => this.#peek());
    if (quest.stop !== undefined) return quest.stop;
    // The hook is called for it once more.
    quest.hasStepped = false;
    quest.passing = passing;
    const { instructions } = this.#machine;
    const run = await this.#runHooked(quest, false, () => this.#runMachine(1));
    if (quest.stop !== undefined) {
      // It came up in the middle of what could not be stopped.
      await goTo(this.#machine, quest.position);
      return quest.stop;
    }
    this.#afterInstruction(quest);
    const isIdle = run?.reason === "idle" && this.#machine.instructions === instructions;
    return quest.stop ?? (isIdle ? { type: "idle", hartId: quest.step?.hartId ?? 0 } : undefined);
  }

  /** Has the hook called for the next instruction, and executes nothing. */
  #peek(): void {
    const harts = this.#harts;
    const hook = harts.onInstruction!;
    harts.onInstruction = (hartId) => {
      hook(hartId);
      throw HALT;
    };
    harts.run(1);
  }

  /** @param canHalt whether a stop may be thrown out of `run` */
  #runHooked<Result>(quest: Quest, canHalt: boolean, run: () => Result): Result | undefined {
    const hooks = new Hooks(
      this.#harts,
      (hartId) => this.#beforeInstruction(quest, hartId, canHalt),
      (trap) => this.#trapped(quest, trap),
    );
    try {
      const result = run();
      if (!(result instanceof Promise)) return result;
      return result.finally(() => hooks.remove()) as Result;
    } catch (error) {
      if (error === HALT) return undefined;
      throw error;
    } finally {
      if (canHalt) hooks.remove();
    }
  }

  #beforeInstruction(quest: Quest, hartId: number, canHalt: boolean): void {
    if (quest.stop === undefined) {
      this.#afterInstruction(quest);
      quest.stop ??= this.#stopAhead(quest, hartId);
      if (quest.stop !== undefined) {
        quest.position = this.position;
      }
    }
    if (quest.stop === undefined) {
      if (quest.step?.hartId === hartId) quest.hasStepped = true;
    } else if (canHalt) throw HALT;
  }

  /** What the next instruction would run into. */
  #stopAhead(quest: Quest, hartId: number): Stop | undefined {
    const { watch, passing } = quest;
    const isPassing = passing?.hartId === hartId &&
      passing.pc === this.#harts.get(hartId, "pc");
    const isAtBreakpoint = !isPassing && watch.isAtBreakpoint(hartId);
    const watchpoint = isAtBreakpoint || (isPassing && passing.isWatched)
      ? undefined
      : watch.watchpointAhead(hartId);
    if (!isPassing && !isAtBreakpoint && watchpoint === undefined) return undefined;
    if (isInterruptAhead(this.#harts, hartId)) return undefined;
    if (isPassing) quest.passing = undefined;
    if (isAtBreakpoint) return { type: "breakpoint", hartId };
    if (watchpoint === undefined) return undefined;
    return { type: "watchpoint", hartId, kind: watchpoint.kind, address: watchpoint.address };
  }

  /** What the instruction that was executed last has led to. */
  #afterInstruction(quest: Quest): void {
    if (quest.stop === undefined && quest.hasStepped && !this.#isInRange(quest.step!)) {
      quest.stop = { type: "stepped", hartId: quest.step!.hartId };
    }
    quest.hasStepped = false;
  }

  #isInRange({ hartId, range }: Step): boolean {
    if (range === undefined) return false;
    const pc = this.#harts.get(hartId, "pc");
    return pc >= range.start && pc < range.end;
  }

  #trapped(quest: Quest, trap: TrapRecord): void {
    quest.watch.trapped();
    if (!isInterrupt(trap)) return;
    // The handler's first instruction is to be looked at as well.
    this.#interruptedAt = this.#harts.instructions;
    this.#harts.requestStop();
  }
}

/** Takes a machine back to a position. */
export async function goTo(machine: Machine, position: Position): Promise<void> {
  const { instructions, isInterrupted } = position;
  // It may have taken the interrupt that comes there.
  if (instructions > 0 && machine.instructions === instructions) {
    await machine.runTo({ instructions: instructions - 1 });
  }
  await machine.runTo({ instructions });
  if (isInterrupted) enterInterrupt(machine.harts);
}

/** Others get to run: the client may say something. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
