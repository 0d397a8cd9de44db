/** H 1.0: hypervisor instructions (Privileged ISA, "Hypervisor Instructions"). */

import { define, type Instruction } from "./instruction.ts";

/** Guest loads and stores, guest translation fences, and their Svinval forms. */
export const h: readonly Instruction[] = [
  ...define("H", ["load", "privileged"], [
    ["hlv.b rd, (rs1)", "0110000 00000 rs1 100 rd 1110011"],
    ["hlv.bu rd, (rs1)", "0110000 00001 rs1 100 rd 1110011"],
    ["hlv.h rd, (rs1)", "0110010 00000 rs1 100 rd 1110011"],
    ["hlv.hu rd, (rs1)", "0110010 00001 rs1 100 rd 1110011"],
    ["hlvx.hu rd, (rs1)", "0110010 00011 rs1 100 rd 1110011"],
    ["hlv.w rd, (rs1)", "0110100 00000 rs1 100 rd 1110011"],
    ["hlv.wu rd, (rs1)", "0110100 00001 rs1 100 rd 1110011"],
    ["hlvx.wu rd, (rs1)", "0110100 00011 rs1 100 rd 1110011"],
    ["hlv.d rd, (rs1)", "0110110 00000 rs1 100 rd 1110011"],
  ]),
  ...define("H", ["store", "privileged"], [
    ["hsv.b rs2, (rs1)", "0110001 rs2 rs1 100 00000 1110011"],
    ["hsv.h rs2, (rs1)", "0110011 rs2 rs1 100 00000 1110011"],
    ["hsv.w rs2, (rs1)", "0110101 rs2 rs1 100 00000 1110011"],
    ["hsv.d rs2, (rs1)", "0110111 rs2 rs1 100 00000 1110011"],
  ]),
  ...define("H", ["fence", "privileged"], [
    ["hfence.vvma rs1, rs2", "0010001 rs2 rs1 000 00000 1110011"],
    ["hfence.gvma rs1, rs2", "0110001 rs2 rs1 000 00000 1110011"],
  ]),
  ...define("Svinval", ["fence", "privileged"], [
    ["hinval.vvma rs1, rs2", "0010011 rs2 rs1 000 00000 1110011"],
    ["hinval.gvma rs1, rs2", "0110011 rs2 rs1 000 00000 1110011"],
  ]),
];
