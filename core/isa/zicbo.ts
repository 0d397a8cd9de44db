/** Zicbom, Zicboz and Zicbop 1.0: cache-block management, zero and prefetch. */

import { define, type Instruction } from "./instruction.ts";

/** Cache-block operations. Prefetches are `ori` hints with rd = x0. */
export const zicbo: readonly Instruction[] = [
  ...define("Zicbom", ["cache", "privileged"], [
    ["cbo.inval (rs1)", "000000000000 rs1 010 00000 0001111"],
    ["cbo.clean (rs1)", "000000000001 rs1 010 00000 0001111"],
    ["cbo.flush (rs1)", "000000000010 rs1 010 00000 0001111"],
  ]),
  ...define("Zicboz", ["cache", "privileged", "store"], [
    ["cbo.zero (rs1)", "000000000100 rs1 010 00000 0001111"],
  ]),
  ...define("Zicbop", ["hint"], [
    ["prefetch.i imm(rs1)", "imm[11:5] 00000 rs1 110 00000 0010011", { within: "ori" }],
    ["prefetch.r imm(rs1)", "imm[11:5] 00001 rs1 110 00000 0010011", { within: "ori" }],
    ["prefetch.w imm(rs1)", "imm[11:5] 00011 rs1 110 00000 0010011", { within: "ori" }],
  ]),
];
