/** Zicond 1.0: integer conditional operations. */

import { define, type Instruction } from "./instruction.ts";

/** Conditional zero. */
export const zicond: readonly Instruction[] = define("Zicond", [], [
  ["czero.eqz rd, rs1, rs2", "0000111 rs2 rs1 101 rd 0110011"],
  ["czero.nez rd, rs1, rs2", "0000111 rs2 rs1 111 rd 0110011"],
]);
