/** Zawrs 1.01: wait on reservation set. */

import { define, type Instruction } from "./instruction.ts";

/** Wait for the reservation set to be invalidated, without and with a short timeout. */
export const zawrs: readonly Instruction[] = define("Zawrs", ["privileged"], [
  ["wrs.nto", "000000001101 00000 000 00000 1110011"],
  ["wrs.sto", "000000011101 00000 000 00000 1110011"],
]);
