/** Zbc 1.0: carry-less multiplication. */

import { define, type Instruction } from "./instruction.ts";

/** Carry-less products: low half, high half, reversed. */
export const zbc: readonly Instruction[] = define("Zbc", [], [
  ["clmul rd, rs1, rs2", "0000101 rs2 rs1 001 rd 0110011"],
  ["clmulh rd, rs1, rs2", "0000101 rs2 rs1 011 rd 0110011"],
  ["clmulr rd, rs1, rs2", "0000101 rs2 rs1 010 rd 0110011"],
]);
