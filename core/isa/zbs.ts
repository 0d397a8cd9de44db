/** Zbs 1.0: single-bit instructions. */

import { define, type Instruction } from "./instruction.ts";

/** Clear, extract, invert and set one bit. */
export const zbs: readonly Instruction[] = define("Zbs", [], [
  ["bclr rd, rs1, rs2", "0100100 rs2 rs1 001 rd 0110011"],
  ["bclri rd, rs1, shamt", "010010 shamt[5:0] rs1 001 rd 0010011"],
  ["bext rd, rs1, rs2", "0100100 rs2 rs1 101 rd 0110011"],
  ["bexti rd, rs1, shamt", "010010 shamt[5:0] rs1 101 rd 0010011"],
  ["binv rd, rs1, rs2", "0110100 rs2 rs1 001 rd 0110011"],
  ["binvi rd, rs1, shamt", "011010 shamt[5:0] rs1 001 rd 0010011"],
  ["bset rd, rs1, rs2", "0010100 rs2 rs1 001 rd 0110011"],
  ["bseti rd, rs1, shamt", "001010 shamt[5:0] rs1 001 rd 0010011"],
]);
