/** The encoder of the test programs and the project's instruction table were written apart. */

import { assertEquals, assertThrows } from "@std/assert";
import { disassemble } from "../isa/disassemble.ts";
import { Assembler, encode, formatOf, mnemonics } from "./assembler.ts";

/** Operands that fit each format, distinct where they can be. */
const operands: { readonly [format: string]: readonly number[] } = {
  R: [5, 6, 7],
  R1: [5, 6],
  I: [5, 6, -3],
  shift: [5, 6, 11],
  load: [5, -8, 6],
  store: [5, -8, 6],
  branch: [5, 6, 16],
  U: [5, 0x12345],
  J: [1, 2048],
  csr: [5, 0x340, 6],
  amo: [5, 7, 6, 0],
  fpR: [5, 6, 7, 1],
  fp1: [5, 6, 1],
  fp4: [5, 6, 7, 8, 1],
  fixed: [],
  fence: [6, 7],
  cbo: [6],
};

Deno.test("every mnemonic is the one the disassembler reads", () => {
  const wrong = mnemonics.flatMap((name) => {
    const values = name.startsWith("lr.") ? [5, 0, 6, 0] : operands[formatOf(name)]!;
    const text = disassemble(encode(name, ...values));
    return text.split(" ")[0] === name ? [] : [`${name}: ${text}`];
  });
  // FENCE with its sets and PAUSE are one instruction to the table of encodings.
  assertEquals(wrong.filter((line) => !/^(pause|fence)/.test(line)), []);
});

Deno.test("constants of every width", () => {
  for (
    const value of [0n, -1n, 2047n, -2048n, 0x7fff_ffffn, -0x8000_0000n, 0x1234_5678_9abc_def0n]
  ) {
    const code = new Assembler(0).constant(10, value).finish();
    assertEquals(run(code), BigInt.asUintN(64, value), value.toString(16));
  }
});

/** Interprets the four instructions that constants are made of. */
function run(code: Uint8Array): bigint {
  const view = new DataView(code.buffer);
  let a0 = 0n;
  for (let at = 0; at < code.length; at += 4) {
    const word = view.getUint32(at, true);
    const imm = BigInt(word | 0) >> 20n, base = ((word >>> 15) & 31) === 0 ? 0n : a0;
    switch (word & 0x7f) {
      case 0x37:
        a0 = BigInt((word & ~0xfff) | 0);
        break;
      case 0x1b:
        a0 = BigInt.asIntN(32, base + imm);
        break;
      default:
        a0 = ((word >>> 12) & 7) === 1 ? base << (imm & 63n) : base + imm;
    }
    a0 = BigInt.asIntN(64, a0);
  }
  return BigInt.asUintN(64, a0);
}

Deno.test("labels resolve forwards and backwards", () => {
  const code = new Assembler(0x1000).label("back").op("addi", 0, 0, 0)
    .branch("beq", 0, 0, "forth").jump("back").label("forth").op("ecall").finish();
  const view = new DataView(code.buffer);
  assertEquals(disassemble(view.getUint32(4, true), 0x1004n), "beq x0,x0,0x100c");
  assertEquals(disassemble(view.getUint32(8, true), 0x1008n), "jal x0,0x1000");
});

Deno.test("operands that do not fit are refused", () => {
  assertThrows(() => encode("addi", 1, 1, 2048), RangeError);
  assertThrows(() => encode("beq", 1, 1, 3), RangeError);
  assertThrows(() => encode("no-such-instruction"), RangeError);
});
