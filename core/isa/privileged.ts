/**
 * Privileged instructions of machine and supervisor mode (Privileged ISA 1.12, "Machine-Mode
 * Privileged Instructions" and "Supervisor Instructions").
 */

import { define, type Instruction } from "./instruction.ts";

/** Trap returns, wait for interrupt, address-translation fence. */
export const privileged: readonly Instruction[] = define("Privileged", ["privileged"], [
  ["sret", "000100000010 00000 000 00000 1110011"],
  ["mret", "001100000010 00000 000 00000 1110011"],
  ["wfi", "000100000101 00000 000 00000 1110011"],
  ["sfence.vma rs1, rs2", "0001001 rs2 rs1 000 00000 1110011"],
]);
