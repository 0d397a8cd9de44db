/**
 * C 2.0 for RV64: compressed instructions (Unprivileged ISA, "RVC Instruction Set Listings").
 *
 * Each row names the 32-bit instruction it stands for; the decoder yields that one, with length 2.
 * Hints (a destination of x0, a shift by 0, ...) are covered by the same rows and so execute as
 * their base instruction, without effect. What the listings call reserved is excluded here.
 */

import { define, type Instruction } from "./instruction.ts";

/** The compressed instructions, by quadrant. */
export const c: readonly Instruction[] = [
  ...define("C", [], [
    ["c.addi4spn rd', x2, nzuimm", "000 nzuimm[5:4|9:6|2|3] rd' 00", {
      expandsTo: "addi rd', x2, nzuimm",
    }],
    // c.nop is c.addi with rd = x0.
    ["c.addi rd/rs1, imm", "000 imm[5] rd/rs1 imm[4:0] 01", {
      expandsTo: "addi rd/rs1, rd/rs1, imm",
    }],
    ["c.addiw rd/rs1, imm", "001 imm[5] rd/rs1!=0 imm[4:0] 01", {
      expandsTo: "addiw rd/rs1, rd/rs1, imm",
    }],
    ["c.li rd, imm", "010 imm[5] rd imm[4:0] 01", { expandsTo: "addi rd, x0, imm" }],
    ["c.addi16sp x2, nzimm", "011 nzimm[9] 00010 nzimm[4|6|8:7|5] 01", {
      expandsTo: "addi x2, x2, nzimm",
    }],
    ["c.lui rd, nzimm", "011 nzimm[17] rd!=2 nzimm[16:12] 01", { expandsTo: "lui rd, nzimm" }],
    ["c.srli rd'/rs1', shamt", "100 shamt[5] 00 rd'/rs1' shamt[4:0] 01", {
      expandsTo: "srli rd'/rs1', rd'/rs1', shamt",
    }],
    ["c.srai rd'/rs1', shamt", "100 shamt[5] 01 rd'/rs1' shamt[4:0] 01", {
      expandsTo: "srai rd'/rs1', rd'/rs1', shamt",
    }],
    ["c.andi rd'/rs1', imm", "100 imm[5] 10 rd'/rs1' imm[4:0] 01", {
      expandsTo: "andi rd'/rs1', rd'/rs1', imm",
    }],
    ["c.sub rd'/rs1', rs2'", "100 0 11 rd'/rs1' 00 rs2' 01", {
      expandsTo: "sub rd'/rs1', rd'/rs1', rs2'",
    }],
    ["c.xor rd'/rs1', rs2'", "100 0 11 rd'/rs1' 01 rs2' 01", {
      expandsTo: "xor rd'/rs1', rd'/rs1', rs2'",
    }],
    ["c.or rd'/rs1', rs2'", "100 0 11 rd'/rs1' 10 rs2' 01", {
      expandsTo: "or rd'/rs1', rd'/rs1', rs2'",
    }],
    ["c.and rd'/rs1', rs2'", "100 0 11 rd'/rs1' 11 rs2' 01", {
      expandsTo: "and rd'/rs1', rd'/rs1', rs2'",
    }],
    ["c.subw rd'/rs1', rs2'", "100 1 11 rd'/rs1' 00 rs2' 01", {
      expandsTo: "subw rd'/rs1', rd'/rs1', rs2'",
    }],
    ["c.addw rd'/rs1', rs2'", "100 1 11 rd'/rs1' 01 rs2' 01", {
      expandsTo: "addw rd'/rs1', rd'/rs1', rs2'",
    }],
    ["c.slli rd/rs1, shamt", "000 shamt[5] rd/rs1 shamt[4:0] 10", {
      expandsTo: "slli rd/rs1, rd/rs1, shamt",
    }],
    ["c.mv rd, rs2", "100 0 rd rs2!=0 10", { expandsTo: "add rd, x0, rs2" }],
    ["c.add rd/rs1, rs2", "100 1 rd/rs1 rs2!=0 10", {
      expandsTo: "add rd/rs1, rd/rs1, rs2",
    }],
  ]),
  // Shifts by 0, which RV128 gives another meaning; on RV64 they are hints, and GNU tools spell
  // them so.
  ...define("C", ["hint"], [
    ["c.slli64 rd/rs1", "000 0 rd/rs1 00000 10", {
      expandsTo: "slli rd/rs1, rd/rs1, 0",
      within: "c.slli",
    }],
    ["c.srli64 rd'/rs1'", "100 0 00 rd'/rs1' 00000 01", {
      expandsTo: "srli rd'/rs1', rd'/rs1', 0",
      within: "c.srli",
    }],
    ["c.srai64 rd'/rs1'", "100 0 01 rd'/rs1' 00000 01", {
      expandsTo: "srai rd'/rs1', rd'/rs1', 0",
      within: "c.srai",
    }],
  ]),
  ...define("C", ["load"], [
    ["c.lw rd', uimm(rs1')", "010 uimm[5:3] rs1' uimm[2|6] rd' 00", {
      expandsTo: "lw rd', uimm(rs1')",
    }],
    ["c.ld rd', uimm(rs1')", "011 uimm[5:3] rs1' uimm[7:6] rd' 00", {
      expandsTo: "ld rd', uimm(rs1')",
    }],
    ["c.lwsp rd, uimm(x2)", "010 uimm[5] rd!=0 uimm[4:2|7:6] 10", { expandsTo: "lw rd, uimm(x2)" }],
    ["c.ldsp rd, uimm(x2)", "011 uimm[5] rd!=0 uimm[4:3|8:6] 10", { expandsTo: "ld rd, uimm(x2)" }],
  ]),
  ...define("C", ["fp", "load"], [
    ["c.fld frd', uimm(rs1')", "001 uimm[5:3] rs1' uimm[7:6] frd' 00", {
      expandsTo: "fld frd', uimm(rs1')",
    }],
    ["c.fldsp frd, uimm(x2)", "001 uimm[5] frd uimm[4:3|8:6] 10", {
      expandsTo: "fld frd, uimm(x2)",
    }],
  ]),
  ...define("C", ["store"], [
    ["c.sw rs2', uimm(rs1')", "110 uimm[5:3] rs1' uimm[2|6] rs2' 00", {
      expandsTo: "sw rs2', uimm(rs1')",
    }],
    ["c.sd rs2', uimm(rs1')", "111 uimm[5:3] rs1' uimm[7:6] rs2' 00", {
      expandsTo: "sd rs2', uimm(rs1')",
    }],
    ["c.swsp rs2, uimm(x2)", "110 uimm[5:2|7:6] rs2 10", { expandsTo: "sw rs2, uimm(x2)" }],
    ["c.sdsp rs2, uimm(x2)", "111 uimm[5:3|8:6] rs2 10", { expandsTo: "sd rs2, uimm(x2)" }],
  ]),
  ...define("C", ["fp", "store"], [
    ["c.fsd frs2', uimm(rs1')", "101 uimm[5:3] rs1' uimm[7:6] frs2' 00", {
      expandsTo: "fsd frs2', uimm(rs1')",
    }],
    ["c.fsdsp frs2, uimm(x2)", "101 uimm[5:3|8:6] frs2 10", { expandsTo: "fsd frs2, uimm(x2)" }],
  ]),
  ...define("C", ["branch"], [
    ["c.beqz rs1', imm", "110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", {
      expandsTo: "beq rs1', x0, imm",
    }],
    ["c.bnez rs1', imm", "111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", {
      expandsTo: "bne rs1', x0, imm",
    }],
  ]),
  ...define("C", ["jump"], [
    ["c.j imm", "101 imm[11|4|9:8|10|6|7|3:1|5] 01", { expandsTo: "jal x0, imm" }],
    ["c.jr rs1", "100 0 rs1!=0 00000 10", { expandsTo: "jalr x0, 0(rs1)" }],
    ["c.jalr rs1", "100 1 rs1!=0 00000 10", { expandsTo: "jalr x1, 0(rs1)" }],
  ]),
  ...define("C", ["trap"], [
    ["c.ebreak", "100 1 00000 00000 10", { expandsTo: "ebreak" }],
  ]),
];
