import { assertEquals, assertThrows } from "@std/assert";
import { extractField, parseEncoding } from "./encoding.ts";

Deno.test("parseEncoding derives mask and match from the fixed bits", () => {
  const { length, mask, match } = parseEncoding("0100000 rs2 rs1 101 rd 0110011");
  assertEquals([length, mask, match], [4, 0xfe00707f, 0x40005033]);
});

Deno.test("parseEncoding leaves don't-care bits out of the mask", () => {
  const { mask, match, fields } = parseEncoding("------------ ----- 001 ----- 0001111");
  assertEquals([mask, match, fields], [0x707f, 0x100f, []]);
});

Deno.test("extractField puts scattered immediate bits together and extends the sign", () => {
  const { fields } = parseEncoding("imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011");
  const imm = fields.find(({ name }) => name === "imm")!;
  assertEquals(extractField(imm, 0xfe000ee3), -4);
  assertEquals(extractField(imm, 0x7e000fe3), 0xffe);
  assertEquals(extractField(imm, 0x80000063), -4096);
});

Deno.test("extractField keeps an upper immediate at its place", () => {
  const imm = parseEncoding("imm[31:12] rd 0110111").fields[0]!;
  assertEquals(extractField(imm, 0x800000b7), -0x8000_0000);
});

Deno.test("extractField maps three-bit registers to x8 to x15", () => {
  const { fields } = parseEncoding("100 0 11 rd'/rs1' 00 rs2' 01");
  assertEquals(fields.map((field) => extractField(field, 0x8f85)), [15, 9]);
});

Deno.test("parseEncoding notes excluded values", () => {
  assertEquals(parseEncoding("011 nzimm[17] rd!=2 nzimm[16:12] 01").exclusions, [
    { mask: 0xf80, match: 0x100 },
    { mask: 0x107c, match: 0 },
  ]);
});

Deno.test("parseEncoding rejects rows that do not parse", () => {
  assertThrows(() => parseEncoding("0000000 rs2 rs1 000 rd"), SyntaxError, "25 bits");
  assertThrows(() => parseEncoding("0000000 rs9 rs1 000 rd 0110011"), SyntaxError, '"rs9"');
  assertThrows(() => parseEncoding("imm rs1 000 rd 0010011"), SyntaxError, '"imm"');
  assertThrows(() => parseEncoding("rs2[4:0] rs1 000 rd 0010011"), SyntaxError, '"rs2[4:0]"');
});
