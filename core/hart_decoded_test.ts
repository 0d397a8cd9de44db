// Pages of decoded code: more code than there is room for, and code that was replaced from outside.

import { assertEquals } from "@std/assert";
import { encode, reg } from "./conformance/assembler.ts";
import type { JitOptions } from "./jit/jit_options.ts";
import { bareProgram, RAM, runToEnd, x } from "./testing/bare_program.ts";

const PAGE = 0x1000;
const FIRST = RAM + 0x10_0000;
const RET = encode("jalr", 0, 0, reg.ra);

/** Calls a function on each of `pages` (a multiple of 16) pages, `rounds` times over; a0 is the sum of their answers. */
function caller(pages: number, rounds: number, jit: JitOptions | false = false) {
  return bareProgram((a) => {
    a.constant(reg.s2, BigInt(rounds)).constant(reg.s3, BigInt(PAGE));
    a.label("round").constant(reg.s0, BigInt(FIRST)).constant(reg.s1, BigInt(pages));
    a.label("page").op("jalr", reg.ra, 0, reg.s0).op("add", reg.s0, reg.s0, reg.s3);
    a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "page");
    a.op("addi", reg.s2, reg.s2, -1).branch("bne", reg.s2, 0, "round");
  }, { ramSizeBytes: FIRST - RAM + pages * PAGE, jit });
}

/** Puts `addi a0, a0, value; ret` onto a page. */
function putFunction({ harts }: ReturnType<typeof caller>, page: number, value: number): void {
  const code = new Uint32Array([encode("addi", reg.a0, reg.a0, value), RET]);
  harts.ramAt(FIRST + page * PAGE, code.byteLength)!.set(new Uint8Array(code.buffer));
}

Deno.test("more pages of code than are kept decoded, in turn", () => {
  const pages = 1504;
  const program = caller(pages, 3);
  const kept = program.harts.module.layout("DECODED_PAGES");
  assertEquals(kept < pages, true, `${kept} pages are kept`);
  let sum = 0;
  for (let page = 0; page < pages; page++) {
    putFunction(program, page, page % 1000);
    sum += page % 1000;
  }
  runToEnd(program);
  assertEquals(x(program.harts, reg.a0), BigInt(3 * sum));
});

Deno.test("code that is replaced from outside runs after flushTranslations", () => {
  const program = caller(16, 2);
  for (let page = 0; page < 16; page++) putFunction(program, page, 1);
  const { harts } = program;
  while (x(harts, reg.a0) < 16n) harts.run(1);
  putFunction(program, 0, 100);
  harts.flushTranslations();
  runToEnd(program);
  assertEquals(x(harts, reg.a0), 16n + 115n);
});

for (const jit of [false, { threshold: 1, batch: 1 }] as const) {
  const how = jit ? "translated" : "interpreted";
  Deno.test(`code that is replaced from outside runs after ramWritten, ${how}`, () => {
    const rounds = 300;
    const program = caller(16, rounds, jit);
    for (let page = 0; page < 16; page++) putFunction(program, page, 1);
    const { harts } = program;
    harts.run(10_000);
    const roundsBefore = Number(x(harts, reg.a0)) / 16;
    assertEquals(roundsBefore > 10 && roundsBefore < rounds - 10, true);
    putFunction(program, 0, 100);
    harts.ramWritten(FIRST, 8);
    runToEnd(program);
    // Each later round, and perhaps the one that was under way, adds 99 more.
    const added = (Number(x(harts, reg.a0)) - 16 * rounds) / 99;
    assertEquals(
      [Math.floor(rounds - roundsBefore), Math.ceil(rounds - roundsBefore)].includes(added),
      true,
    );
  });
}
