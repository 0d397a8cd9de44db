/** Zba 1.0: address generation. */

import { define, type Instruction } from "./instruction.ts";

/** Shift-and-add and zero-extending address arithmetic. */
export const zba: readonly Instruction[] = define("Zba", [], [
  ["sh1add rd, rs1, rs2", "0010000 rs2 rs1 010 rd 0110011"],
  ["sh2add rd, rs1, rs2", "0010000 rs2 rs1 100 rd 0110011"],
  ["sh3add rd, rs1, rs2", "0010000 rs2 rs1 110 rd 0110011"],
  ["add.uw rd, rs1, rs2", "0000100 rs2 rs1 000 rd 0111011"],
  ["sh1add.uw rd, rs1, rs2", "0010000 rs2 rs1 010 rd 0111011"],
  ["sh2add.uw rd, rs1, rs2", "0010000 rs2 rs1 100 rd 0111011"],
  ["sh3add.uw rd, rs1, rs2", "0010000 rs2 rs1 110 rd 0111011"],
  ["slli.uw rd, rs1, shamt", "000010 shamt[5:0] rs1 001 rd 0011011"],
]);
