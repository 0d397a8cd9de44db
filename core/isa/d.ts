/** D 2.2: double-precision floating point. */

import { define, type Instruction } from "./instruction.ts";

/** Double-precision instructions, with the RV64 conversions and moves. */
export const d: readonly Instruction[] = [
  ...define("D", ["fp", "load"], [
    ["fld frd, imm(rs1)", "imm[11:0] rs1 011 frd 0000111"],
  ]),
  ...define("D", ["fp", "store"], [
    ["fsd frs2, imm(rs1)", "imm[11:5] frs2 rs1 011 imm[4:0] 0100111"],
  ]),
  ...define("D", ["fp"], [
    ["fmadd.d frd, frs1, frs2, frs3, rm", "frs3 01 frs2 frs1 rm frd 1000011"],
    ["fmsub.d frd, frs1, frs2, frs3, rm", "frs3 01 frs2 frs1 rm frd 1000111"],
    ["fnmsub.d frd, frs1, frs2, frs3, rm", "frs3 01 frs2 frs1 rm frd 1001011"],
    ["fnmadd.d frd, frs1, frs2, frs3, rm", "frs3 01 frs2 frs1 rm frd 1001111"],
    ["fadd.d frd, frs1, frs2, rm", "0000001 frs2 frs1 rm frd 1010011"],
    ["fsub.d frd, frs1, frs2, rm", "0000101 frs2 frs1 rm frd 1010011"],
    ["fmul.d frd, frs1, frs2, rm", "0001001 frs2 frs1 rm frd 1010011"],
    ["fdiv.d frd, frs1, frs2, rm", "0001101 frs2 frs1 rm frd 1010011"],
    ["fsqrt.d frd, frs1, rm", "0101101 00000 frs1 rm frd 1010011"],
    ["fsgnj.d frd, frs1, frs2", "0010001 frs2 frs1 000 frd 1010011"],
    ["fsgnjn.d frd, frs1, frs2", "0010001 frs2 frs1 001 frd 1010011"],
    ["fsgnjx.d frd, frs1, frs2", "0010001 frs2 frs1 010 frd 1010011"],
    ["fmin.d frd, frs1, frs2", "0010101 frs2 frs1 000 frd 1010011"],
    ["fmax.d frd, frs1, frs2", "0010101 frs2 frs1 001 frd 1010011"],
    ["feq.d rd, frs1, frs2", "1010001 frs2 frs1 010 rd 1010011"],
    ["flt.d rd, frs1, frs2", "1010001 frs2 frs1 001 rd 1010011"],
    ["fle.d rd, frs1, frs2", "1010001 frs2 frs1 000 rd 1010011"],
    ["fclass.d rd, frs1", "1110001 00000 frs1 001 rd 1010011"],
    ["fcvt.w.d rd, frs1, rm", "1100001 00000 frs1 rm rd 1010011"],
    ["fcvt.wu.d rd, frs1, rm", "1100001 00001 frs1 rm rd 1010011"],
    ["fcvt.l.d rd, frs1, rm", "1100001 00010 frs1 rm rd 1010011"],
    ["fcvt.lu.d rd, frs1, rm", "1100001 00011 frs1 rm rd 1010011"],
    ["fcvt.d.w frd, rs1, rm", "1101001 00000 rs1 rm frd 1010011"],
    ["fcvt.d.wu frd, rs1, rm", "1101001 00001 rs1 rm frd 1010011"],
    ["fcvt.d.l frd, rs1, rm", "1101001 00010 rs1 rm frd 1010011"],
    ["fcvt.d.lu frd, rs1, rm", "1101001 00011 rs1 rm frd 1010011"],
    ["fmv.x.d rd, frs1", "1110001 00000 frs1 000 rd 1010011"],
    ["fmv.d.x frd, rs1", "1111001 00000 rs1 000 frd 1010011"],
    ["fcvt.s.d frd, frs1, rm", "0100000 00001 frs1 rm frd 1010011"],
    ["fcvt.d.s frd, frs1, rm", "0100001 00000 frs1 rm frd 1010011"],
  ]),
];
