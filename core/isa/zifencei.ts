/** Zifencei 2.0: instruction-fetch fence. */

import { define, type Instruction } from "./instruction.ts";

/** `fence.i`; its immediate, rs1 and rd are reserved and ignored. */
export const zifencei: readonly Instruction[] = define("Zifencei", ["fence"], [
  ["fence.i", "------------ ----- 001 ----- 0001111"],
]);
