import { assertEquals } from "@std/assert";
import { disassemble } from "./disassemble.ts";

const EXAMPLES: readonly [word: number, text: string][] = [
  [0x00c58533, "add x10,x11,x12"],
  [0xfe113c23, "sd x1,-8(x2)"],
  [0x123450b7, "lui x1,0x12345"],
  [0x02811093, "slli x1,x2,0x28"],
  [0x004100e7, "jalr x1,4(x2)"],
  [0x300110f3, "csrrw x1,mstatus,x2"],
  [0x7c0110f3, "csrrw x1,0x7c0,x2"],
  [0x0310000f, "fence rw,w"],
  [0x063120af, "amoadd.w.aqrl x1,x3,(x2)"],
  [0x003170d3, "fadd.s f1,f2,f3"],
  [0x003110d3, "fadd.s f1,f2,f3,rtz"],
  [0xd20100d3, "fcvt.d.w f1,x2"],
  [0x683140f3, "hlvx.wu x1,(x2)"],
  [0x0e3150b3, "czero.eqz x1,x2,x3"],
  [0x0e3170b3, "czero.nez x1,x2,x3"],
  [0x0210e013, "prefetch.r 32(x1)"],
  [0x7285, "c.lui x5,0xfffe1"],
  [0x42a2, "c.lwsp x5,8(x2)"],
  [0x0, ".2byte 0x0"],
  [0xffffffff, ".4byte 0xffffffff"],
];

Deno.test("disassemble spells instructions as objdump does", () => {
  for (const [word, text] of EXAMPLES) assertEquals(disassemble(word), text);
});

Deno.test("disassemble prints branch targets as 64-bit addresses", () => {
  assertEquals(disassemble(0xfe208ee3, 0xffff_ffff_8000_0000n), "beq x1,x2,0xffffffff7ffffffc");
  assertEquals(disassemble(0xa001, 0x24n), "c.j 0x24");
  assertEquals(disassemble(0xffdff06f, 0n), "jal x0,0xfffffffffffffffc");
});
