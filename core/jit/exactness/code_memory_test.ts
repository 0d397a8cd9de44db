// Code memory that is used up: everything is dropped, and what is still hot comes again. The guest sees
// nothing of it.

import { assertEquals, assertGreater } from "@std/assert";
import { encode, reg } from "../../conformance/assembler.ts";
import { bareProgram, RAM, runToEnd, x } from "../../testing/bare_program.ts";
import type { JitOptions } from "../jit_options.ts";

const PAGE_BYTES = 0x1000;
const FIRST = RAM + 0x10_0000;

/** Calls a function on each of `pages` pages, `rounds` times over; s3 is the sum of their answers. */
function callPages(pages: number, rounds: number, jit: JitOptions | false) {
  const program = bareProgram((a) => {
    a.constant(reg.s2, BigInt(rounds)).constant(reg.s4, BigInt(PAGE_BYTES));
    a.label("round").constant(reg.s0, BigInt(FIRST)).constant(reg.s1, BigInt(pages));
    a.label("page").op("jalr", reg.ra, 0, reg.s0).op("add", reg.s3, reg.s3, reg.a0);
    a.op("add", reg.s0, reg.s0, reg.s4).op("addi", reg.s1, reg.s1, -1);
    a.branch("bne", reg.s1, 0, "page");
    a.op("addi", reg.s2, reg.s2, -1).branch("bne", reg.s2, 0, "round");
  }, { jit, ramSizeBytes: FIRST - RAM + Math.ceil(pages / 16) * 16 * PAGE_BYTES });
  for (let page = 0; page < pages; page++) {
    const code = new Uint32Array([
      encode("addi", reg.a0, 0, page % 1000),
      encode("jalr", 0, 0, reg.ra),
    ]);
    program.harts.ramAt(FIRST + page * PAGE_BYTES, 8)!.set(new Uint8Array(code.buffer));
  }
  runToEnd(program);
  let sum = 0;
  for (let page = 0; page < pages; page++) sum += rounds * (page % 1000);
  return { harts: program.harts, sum: BigInt(sum) };
}

Deno.test("a budget that hardly anything fits in", () => {
  const { harts, sum } = callPages(100, 40, { threshold: 1, batch: 1, budgetBytes: 20_000 });
  const interpreted = callPages(100, 40, false).harts;
  assertEquals(x(harts, reg.s3), sum);
  assertEquals(harts.instret(0), interpreted.instret(0));
  const { flushes, liveWasmBytes, wasmBytes } = harts.jitStatistics!;
  assertGreater(flushes, 5);
  assertGreater(wasmBytes, 10 * liveWasmBytes);
});

Deno.test("more pages of code than there are tables for", () => {
  const options = { threshold: 50, batch: 1 };
  const pages = 4200;
  const { harts, sum } = callPages(pages, 3, options);
  assertGreater(pages, harts.module.layout("CODE_TABLES"));
  assertEquals(x(harts, reg.s3), sum);
  assertEquals(harts.instret(0), callPages(pages, 3, false).harts.instret(0));
  assertGreater(harts.jitStatistics!.regions, 1);
});
