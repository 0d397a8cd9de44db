/** RV64I 2.1: the base integer instructions (Unprivileged ISA, "RV32I" and "RV64I"). */

import { define, type Instruction } from "./instruction.ts";

/** The base integer instructions, most frequent groups first. */
export const rv64i: readonly Instruction[] = [
  ...define("I", [], [
    ["addi rd, rs1, imm", "imm[11:0] rs1 000 rd 0010011"],
    ["slti rd, rs1, imm", "imm[11:0] rs1 010 rd 0010011"],
    ["sltiu rd, rs1, imm", "imm[11:0] rs1 011 rd 0010011"],
    ["xori rd, rs1, imm", "imm[11:0] rs1 100 rd 0010011"],
    ["ori rd, rs1, imm", "imm[11:0] rs1 110 rd 0010011"],
    ["andi rd, rs1, imm", "imm[11:0] rs1 111 rd 0010011"],
    ["slli rd, rs1, shamt", "000000 shamt[5:0] rs1 001 rd 0010011"],
    ["srli rd, rs1, shamt", "000000 shamt[5:0] rs1 101 rd 0010011"],
    ["srai rd, rs1, shamt", "010000 shamt[5:0] rs1 101 rd 0010011"],
    ["add rd, rs1, rs2", "0000000 rs2 rs1 000 rd 0110011"],
    ["sub rd, rs1, rs2", "0100000 rs2 rs1 000 rd 0110011"],
    ["sll rd, rs1, rs2", "0000000 rs2 rs1 001 rd 0110011"],
    ["slt rd, rs1, rs2", "0000000 rs2 rs1 010 rd 0110011"],
    ["sltu rd, rs1, rs2", "0000000 rs2 rs1 011 rd 0110011"],
    ["xor rd, rs1, rs2", "0000000 rs2 rs1 100 rd 0110011"],
    ["srl rd, rs1, rs2", "0000000 rs2 rs1 101 rd 0110011"],
    ["sra rd, rs1, rs2", "0100000 rs2 rs1 101 rd 0110011"],
    ["or rd, rs1, rs2", "0000000 rs2 rs1 110 rd 0110011"],
    ["and rd, rs1, rs2", "0000000 rs2 rs1 111 rd 0110011"],
    ["lui rd, imm", "imm[31:12] rd 0110111"],
    ["auipc rd, imm", "imm[31:12] rd 0010111"],
    ["addiw rd, rs1, imm", "imm[11:0] rs1 000 rd 0011011"],
    ["slliw rd, rs1, shamt", "0000000 shamt[4:0] rs1 001 rd 0011011"],
    ["srliw rd, rs1, shamt", "0000000 shamt[4:0] rs1 101 rd 0011011"],
    ["sraiw rd, rs1, shamt", "0100000 shamt[4:0] rs1 101 rd 0011011"],
    ["addw rd, rs1, rs2", "0000000 rs2 rs1 000 rd 0111011"],
    ["subw rd, rs1, rs2", "0100000 rs2 rs1 000 rd 0111011"],
    ["sllw rd, rs1, rs2", "0000000 rs2 rs1 001 rd 0111011"],
    ["srlw rd, rs1, rs2", "0000000 rs2 rs1 101 rd 0111011"],
    ["sraw rd, rs1, rs2", "0100000 rs2 rs1 101 rd 0111011"],
  ]),
  ...define("I", ["load"], [
    ["lb rd, imm(rs1)", "imm[11:0] rs1 000 rd 0000011"],
    ["lh rd, imm(rs1)", "imm[11:0] rs1 001 rd 0000011"],
    ["lw rd, imm(rs1)", "imm[11:0] rs1 010 rd 0000011"],
    ["ld rd, imm(rs1)", "imm[11:0] rs1 011 rd 0000011"],
    ["lbu rd, imm(rs1)", "imm[11:0] rs1 100 rd 0000011"],
    ["lhu rd, imm(rs1)", "imm[11:0] rs1 101 rd 0000011"],
    ["lwu rd, imm(rs1)", "imm[11:0] rs1 110 rd 0000011"],
  ]),
  ...define("I", ["store"], [
    ["sb rs2, imm(rs1)", "imm[11:5] rs2 rs1 000 imm[4:0] 0100011"],
    ["sh rs2, imm(rs1)", "imm[11:5] rs2 rs1 001 imm[4:0] 0100011"],
    ["sw rs2, imm(rs1)", "imm[11:5] rs2 rs1 010 imm[4:0] 0100011"],
    ["sd rs2, imm(rs1)", "imm[11:5] rs2 rs1 011 imm[4:0] 0100011"],
  ]),
  ...define("I", ["branch"], [
    ["beq rs1, rs2, imm", "imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011"],
    ["bne rs1, rs2, imm", "imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011"],
    ["blt rs1, rs2, imm", "imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011"],
    ["bge rs1, rs2, imm", "imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011"],
    ["bltu rs1, rs2, imm", "imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011"],
    ["bgeu rs1, rs2, imm", "imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011"],
  ]),
  ...define("I", ["jump"], [
    ["jal rd, imm", "imm[20|10:1|11|19:12] rd 1101111"],
    ["jalr rd, imm(rs1)", "imm[11:0] rs1 000 rd 1100111"],
  ]),
  ...define("I", ["fence"], [
    // rs1 and rd are reserved for finer-grain fences and must be ignored, as must unknown `fm`
    // values: both execute as a full fence (Unprivileged ISA, "Memory Ordering Instructions").
    ["fence pred, succ", "fm pred succ ----- 000 ----- 0001111"],
    ["fence.tso", "1000 0011 0011 00000 000 00000 0001111", { within: "fence" }],
  ]),
  ...define("I", ["trap"], [
    ["ecall", "000000000000 00000 000 00000 1110011"],
    ["ebreak", "000000000001 00000 000 00000 1110011"],
  ]),
];
