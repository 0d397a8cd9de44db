import { assertEquals, assertMatch } from "@std/assert";
import { instructions } from "../core/isa/mod.ts";
import { executable } from "../core/isa/ops.ts";
import { coverageOf } from "../core/jit/emitters.ts";
import { coverageReport, instructionCoverage } from "./jit_coverage.ts";

const KINDS = ["inline", "inline+slow", "call", "leave"];

function coverageOfName(name: string): string {
  return instructionCoverage(instructions.find((row) => row.name === name)!);
}

Deno.test("every operation is handled in one of four ways, and what is illegal leaves", () => {
  for (const op of executable.keys()) {
    assertEquals(KINDS.includes(coverageOf(op)), true, `operation ${op}`);
  }
  assertEquals(coverageOf(0), "leave");
});

Deno.test("instructions that translation could not do without are inline", () => {
  for (const name of ["add", "addi", "c.addi", "c.mv", "beq", "jal", "c.jr", "lui", "mul"]) {
    assertEquals(coverageOfName(name), "inline", name);
  }
  for (const name of ["ld", "c.ldsp", "lbu", "sw", "c.sw"]) {
    assertEquals(coverageOfName(name), "inline+slow", name);
  }
});

Deno.test("what changes mode or ends the turn is never written out", () => {
  for (const name of ["mret", "sret", "wfi", "ecall", "ebreak", "c.ebreak", "pause"]) {
    assertEquals(["call", "leave"].includes(coverageOfName(name)), true, name);
  }
  assertEquals(coverageOfName("fence") === "leave", false);
});

Deno.test("a hint is handled as what contains it", () => {
  assertEquals(coverageOfName("prefetch.r"), coverageOfName("ori"));
  assertEquals(coverageOfName("fence.tso"), coverageOfName("fence"));
});

Deno.test("the report names every instruction once, and its counts add up", () => {
  const [list, summary] = coverageReport().split(/\n\n(?=\d+ instructions:)/);
  const words = list!.split(/\s+/);
  for (const { name } of instructions) {
    assertEquals(words.filter((word) => word === name).length, 1, name);
  }
  assertMatch(summary!, new RegExp(`^${instructions.length} instructions:`));
  const counts = [...summary!.matchAll(/^ {2}\S+ +(\d+) +\d+%/gm)].map(([, count]) =>
    Number(count)
  );
  assertEquals(counts.length, KINDS.length);
  assertEquals(counts.reduce((sum, count) => sum + count), instructions.length);
});
