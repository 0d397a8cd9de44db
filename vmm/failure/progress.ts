/**
 * Tells a machine that is busy from one that is stuck, so that nobody waits for the end of a timeout.
 *
 * Stuck means that it cannot go on, not that it takes long: see vmm/failure/spin.ts for loops. Trap loops:
 * for three looks not one instruction was executed by any hart, and traps were taken all the time. The
 * first instruction of a trap handler traps itself, into the same handler (Privileged, `mtvec`, `stvec`).
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { type Execute, findSpin, MOST_INSTRUCTIONS } from "./spin.ts";

/** What a machine is stuck in. */
export interface Stuck {
  readonly verdict: "spin" | "trap-loop";
  readonly why: string;
}

/** Looks without output before loops are looked for, and then at each doubling of it. */
const QUIET_LOOKS = 2;
const TRAP_LOOP_LOOKS = 3;

/** Watches one wait; to be asked each few million instructions. */
export class ProgressWatch {
  readonly #harts: HartArray;
  readonly #printedBytes: () => number;
  #printed: number;
  #quietLooks = 0;
  #nextSpinLook = QUIET_LOOKS;
  #spinning = false;
  #trapLooks = 0;
  #retired: bigint;
  #traps: readonly bigint[];

  constructor(harts: HartArray, printedBytes: () => number) {
    this.#harts = harts;
    this.#printedBytes = printedBytes;
    this.#printed = printedBytes();
    this.#retired = retired(harts);
    this.#traps = traps(harts);
  }

  /**
   * What the machine is stuck in, if it is.
   *
   * @param left instructions that it may execute to find out; with few it is not found out
   */
  look(execute: Execute, left: number): Stuck | undefined {
    const trapLoop = this.#lookForTrapLoop();
    return trapLoop ?? (left < MOST_INSTRUCTIONS ? undefined : this.#lookForSpin(execute));
  }

  #lookForTrapLoop(): Stuck | undefined {
    const [retiredBefore, trapsBefore] = [this.#retired, this.#traps];
    this.#retired = retired(this.#harts);
    this.#traps = traps(this.#harts);
    const trapping = this.#traps.findIndex((count, hart) => count > trapsBefore[hart]!);
    if (this.#retired !== retiredBefore || trapping < 0) {
      this.#trapLooks = 0;
      return undefined;
    }
    if (++this.#trapLooks < TRAP_LOOP_LOOKS) return undefined;
    const { privilege, virtual } = this.#harts.mode(trapping);
    const whose = privilege === 3 ? "firmware's" : virtual ? "the guest kernel's" : "the kernel's";
    const pc = this.#harts.get(trapping, "pc");
    return {
      verdict: "trap-loop",
      why: `hart ${trapping} cannot execute ${whose} trap handler at 0x${pc.toString(16)}, traps ` +
        "there again and again",
    };
  }

  #lookForSpin(execute: Execute): Stuck | undefined {
    const printed = this.#printedBytes();
    if (printed !== this.#printed) {
      this.#printed = printed;
      this.#quietLooks = 0;
      this.#nextSpinLook = QUIET_LOOKS;
      this.#spinning = false;
      return undefined;
    }
    if (++this.#quietLooks < this.#nextSpinLook) return undefined;
    const loops = findSpin(this.#harts, execute);
    this.#nextSpinLook = this.#quietLooks * (loops === undefined ? 2 : 1) + 1;
    const isConfirmed = this.#spinning && loops !== undefined;
    this.#spinning = loops !== undefined;
    if (!isConfirmed) return undefined;
    return { verdict: "spin", why: loops!.join(", ") };
  }
}

function retired(harts: HartArray): bigint {
  let sum = 0n;
  for (let hart = 0; hart < harts.hartCount; hart++) sum += harts.instret(hart);
  return sum;
}

function traps(harts: HartArray): bigint[] {
  return Array.from({ length: harts.hartCount }, (_, hart) => harts.get(hart, "trapsTaken"));
}
