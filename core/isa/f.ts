/** F 2.2: single-precision floating point. */

import { define, type Instruction } from "./instruction.ts";

/** Single-precision instructions, with the RV64 conversions. */
export const f: readonly Instruction[] = [
  ...define("F", ["fp", "load"], [
    ["flw frd, imm(rs1)", "imm[11:0] rs1 010 frd 0000111"],
  ]),
  ...define("F", ["fp", "store"], [
    ["fsw frs2, imm(rs1)", "imm[11:5] frs2 rs1 010 imm[4:0] 0100111"],
  ]),
  ...define("F", ["fp"], [
    ["fmadd.s frd, frs1, frs2, frs3, rm", "frs3 00 frs2 frs1 rm frd 1000011"],
    ["fmsub.s frd, frs1, frs2, frs3, rm", "frs3 00 frs2 frs1 rm frd 1000111"],
    ["fnmsub.s frd, frs1, frs2, frs3, rm", "frs3 00 frs2 frs1 rm frd 1001011"],
    ["fnmadd.s frd, frs1, frs2, frs3, rm", "frs3 00 frs2 frs1 rm frd 1001111"],
    ["fadd.s frd, frs1, frs2, rm", "0000000 frs2 frs1 rm frd 1010011"],
    ["fsub.s frd, frs1, frs2, rm", "0000100 frs2 frs1 rm frd 1010011"],
    ["fmul.s frd, frs1, frs2, rm", "0001000 frs2 frs1 rm frd 1010011"],
    ["fdiv.s frd, frs1, frs2, rm", "0001100 frs2 frs1 rm frd 1010011"],
    ["fsqrt.s frd, frs1, rm", "0101100 00000 frs1 rm frd 1010011"],
    ["fsgnj.s frd, frs1, frs2", "0010000 frs2 frs1 000 frd 1010011"],
    ["fsgnjn.s frd, frs1, frs2", "0010000 frs2 frs1 001 frd 1010011"],
    ["fsgnjx.s frd, frs1, frs2", "0010000 frs2 frs1 010 frd 1010011"],
    ["fmin.s frd, frs1, frs2", "0010100 frs2 frs1 000 frd 1010011"],
    ["fmax.s frd, frs1, frs2", "0010100 frs2 frs1 001 frd 1010011"],
    ["feq.s rd, frs1, frs2", "1010000 frs2 frs1 010 rd 1010011"],
    ["flt.s rd, frs1, frs2", "1010000 frs2 frs1 001 rd 1010011"],
    ["fle.s rd, frs1, frs2", "1010000 frs2 frs1 000 rd 1010011"],
    ["fclass.s rd, frs1", "1110000 00000 frs1 001 rd 1010011"],
    ["fcvt.w.s rd, frs1, rm", "1100000 00000 frs1 rm rd 1010011"],
    ["fcvt.wu.s rd, frs1, rm", "1100000 00001 frs1 rm rd 1010011"],
    ["fcvt.l.s rd, frs1, rm", "1100000 00010 frs1 rm rd 1010011"],
    ["fcvt.lu.s rd, frs1, rm", "1100000 00011 frs1 rm rd 1010011"],
    ["fcvt.s.w frd, rs1, rm", "1101000 00000 rs1 rm frd 1010011"],
    ["fcvt.s.wu frd, rs1, rm", "1101000 00001 rs1 rm frd 1010011"],
    ["fcvt.s.l frd, rs1, rm", "1101000 00010 rs1 rm frd 1010011"],
    ["fcvt.s.lu frd, rs1, rm", "1101000 00011 rs1 rm frd 1010011"],
    ["fmv.x.w rd, frs1", "1110000 00000 frs1 000 rd 1010011"],
    ["fmv.w.x frd, rs1", "1111000 00000 rs1 000 frd 1010011"],
  ]),
];
