/**
 * Looks at harts instruction by instruction, and says what their next one would run into.
 *
 * A watched access is reported before it is made: this is what gdb expects of RISC-V, as the trigger
 * module does so too (Debug 1.0, 5.5). gdb then steps over it and compares.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { translate } from "../page_tables/translate.ts";
import type { Breakpoints, Watchpoint } from "./breakpoints.ts";
import { CodeWindow } from "./code_window.ts";
import { accessLow, accessOf, memoryOperand } from "./memory_operand.ts";

/** Looks at each instruction of a run. */
export class WatchState {
  readonly #harts: HartArray;
  readonly #breakpoints: Breakpoints;
  readonly #code: CodeWindow;
  /** Where each hart has its `pc`, and its integer registers. */
  readonly #pcs: readonly number[];
  readonly #registers: readonly (readonly number[])[];

  constructor(harts: HartArray, breakpoints: Breakpoints) {
    this.#harts = harts;
    this.#breakpoints = breakpoints;
    this.#code = new CodeWindow(harts);
    const ids = Array.from({ length: harts.hartCount }, (_, hartId) => hartId);
    const { module } = harts;
    this.#pcs = ids.map((hartId) => module.hartField(hartId, "pc"));
    this.#registers = ids.map((hartId) =>
      Array.from({ length: 32 }, (_, n) => module.hartField(hartId, `x${n}`))
    );
  }

  /** Whether the hart's next instruction has a breakpoint. */
  isAtBreakpoint(hartId: number): boolean {
    if (!this.#breakpoints.mayHave(this.#harts.module.getU32(this.#pcs[hartId]!))) return false;
    return this.#breakpoints.has(this.#harts.get(hartId, "pc"));
  }

  /** The watchpoint whose memory the hart's next instruction accesses, if it does. */
  watchpointAhead(hartId: number): Watchpoint | undefined {
    if (!this.#breakpoints.watches) return undefined;
    const word = this.#code.next(hartId);
    const operand = word === undefined ? undefined : memoryOperand(word);
    if (operand === undefined) return undefined;
    const baseLow = this.#harts.module.getU32(this.#registers[hartId]![operand.base]!);
    const low = accessLow(operand, baseLow);
    if (!this.#breakpoints.mayWatch(low, operand.sizeBytes)) return undefined;
    const access = accessOf(this.#harts, hartId, operand);
    const watchpoint = this.#breakpoints.watching(access);
    if (watchpoint === undefined || operand.translatesApart) return watchpoint;
    // What is not mapped is not accessed yet: the instruction faults and comes again.
    const { physical } = translate(this.#harts, hartId, access.address);
    return physical === undefined ? undefined : watchpoint;
  }

  /** To be called for each trap. */
  trapped(): void {
    this.#code.forget();
  }
}
