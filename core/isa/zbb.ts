/** Zbb 1.0: basic bit manipulation. */

import { define, type Instruction } from "./instruction.ts";

/** Logic with negate, counts, minimum and maximum, extensions, rotations, byte operations. */
export const zbb: readonly Instruction[] = define("Zbb", [], [
  ["andn rd, rs1, rs2", "0100000 rs2 rs1 111 rd 0110011"],
  ["orn rd, rs1, rs2", "0100000 rs2 rs1 110 rd 0110011"],
  ["xnor rd, rs1, rs2", "0100000 rs2 rs1 100 rd 0110011"],
  ["clz rd, rs1", "011000000000 rs1 001 rd 0010011"],
  ["clzw rd, rs1", "011000000000 rs1 001 rd 0011011"],
  ["ctz rd, rs1", "011000000001 rs1 001 rd 0010011"],
  ["ctzw rd, rs1", "011000000001 rs1 001 rd 0011011"],
  ["cpop rd, rs1", "011000000010 rs1 001 rd 0010011"],
  ["cpopw rd, rs1", "011000000010 rs1 001 rd 0011011"],
  ["max rd, rs1, rs2", "0000101 rs2 rs1 110 rd 0110011"],
  ["maxu rd, rs1, rs2", "0000101 rs2 rs1 111 rd 0110011"],
  ["min rd, rs1, rs2", "0000101 rs2 rs1 100 rd 0110011"],
  ["minu rd, rs1, rs2", "0000101 rs2 rs1 101 rd 0110011"],
  ["sext.b rd, rs1", "011000000100 rs1 001 rd 0010011"],
  ["sext.h rd, rs1", "011000000101 rs1 001 rd 0010011"],
  ["zext.h rd, rs1", "000010000000 rs1 100 rd 0111011"],
  ["rol rd, rs1, rs2", "0110000 rs2 rs1 001 rd 0110011"],
  ["rolw rd, rs1, rs2", "0110000 rs2 rs1 001 rd 0111011"],
  ["ror rd, rs1, rs2", "0110000 rs2 rs1 101 rd 0110011"],
  ["rorw rd, rs1, rs2", "0110000 rs2 rs1 101 rd 0111011"],
  ["rori rd, rs1, shamt", "011000 shamt[5:0] rs1 101 rd 0010011"],
  ["roriw rd, rs1, shamt", "0110000 shamt[4:0] rs1 101 rd 0011011"],
  ["orc.b rd, rs1", "001010000111 rs1 101 rd 0010011"],
  ["rev8 rd, rs1", "011010111000 rs1 101 rd 0010011"],
]);
