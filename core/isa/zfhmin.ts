/** Zfhmin 1.0: minimal half-precision floating point. */

import { define, type Instruction } from "./instruction.ts";

/** Half-precision loads, stores, moves and conversions. */
export const zfhmin: readonly Instruction[] = [
  ...define("Zfhmin", ["fp", "load"], [
    ["flh frd, imm(rs1)", "imm[11:0] rs1 001 frd 0000111"],
  ]),
  ...define("Zfhmin", ["fp", "store"], [
    ["fsh frs2, imm(rs1)", "imm[11:5] frs2 rs1 001 imm[4:0] 0100111"],
  ]),
  ...define("Zfhmin", ["fp"], [
    ["fmv.x.h rd, frs1", "1110010 00000 frs1 000 rd 1010011"],
    ["fmv.h.x frd, rs1", "1111010 00000 rs1 000 frd 1010011"],
    ["fcvt.s.h frd, frs1, rm", "0100000 00010 frs1 rm frd 1010011"],
    ["fcvt.h.s frd, frs1, rm", "0100010 00000 frs1 rm frd 1010011"],
    ["fcvt.d.h frd, frs1, rm", "0100001 00010 frs1 rm frd 1010011"],
    ["fcvt.h.d frd, frs1, rm", "0100010 00001 frs1 rm frd 1010011"],
  ]),
];
