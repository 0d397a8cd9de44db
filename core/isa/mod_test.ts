import { assertEquals, assertThrows } from "@std/assert";
import { wordMask } from "./encoding.ts";
import { formOf } from "./form.ts";
import { type Instruction, instructions } from "./mod.ts";
import { numbered, opConstant, opRanges } from "./numbering.ts";
import { executable, ILLEGAL, opNumber } from "./ops.ts";

/** Whether some word is both instructions. */
function overlap(one: Instruction, other: Instruction): boolean {
  return one.length === other.length &&
    ((one.match ^ other.match) & one.mask & other.mask) === 0 &&
    !isExcludedBy(one, other) && !isExcludedBy(other, one);
}

/** Whether `other` fixes a field to a value that `one` excludes. */
function isExcludedBy(one: Instruction, other: Instruction): boolean {
  return one.exclusions.some(({ mask, match }) =>
    (mask & ~other.mask) === 0 && (other.match & mask) >>> 0 === match
  );
}

Deno.test("no two encodings overlap, but for rows declared to be within another", () => {
  const clashes: string[] = [];
  for (const [index, one] of instructions.entries()) {
    for (const other of instructions.slice(index + 1)) {
      const declared = one.within === other.name || other.within === one.name;
      if (!declared && overlap(one, other)) clashes.push(`${one.name} and ${other.name}`);
    }
  }
  assertEquals(clashes, []);
});

Deno.test("a row declared to be within another is contained in it", () => {
  for (const row of instructions) {
    if (row.within === undefined) continue;
    const outer = instructions.find(({ name }) => name === row.within);
    if (outer === undefined) throw new Error(`${row.name} is within unknown ${row.within}`);
    assertEquals(
      outer.mask & ~row.mask,
      0,
      `${row.name} leaves bits open that ${outer.name} fixes`,
    );
    assertEquals((row.match & outer.mask) >>> 0, outer.match, `${row.name} is not ${outer.name}`);
    assertEquals(formOf(row).base, formOf(outer).base, `${row.name} executes as its container`);
  }
});

Deno.test("each match lies within its mask, and fields share no bit with it or each other", () => {
  for (const { name, length, mask, match, fields } of instructions) {
    assertEquals((match & ~mask) >>> 0, 0, name);
    assertEquals((match & 3) === 3, length === 4, `${name}: low bits tell the length`);
    let taken = mask;
    for (const field of fields) {
      const bits = wordMask(field.ranges);
      assertEquals(taken & bits, 0, `${name}: bits of ${field.name} are taken`);
      taken |= bits;
    }
  }
});

Deno.test("names are unique, and differ as constants", () => {
  const constants = instructions.map(({ name }) => opConstant(name));
  assertEquals(new Set(constants).size, constants.length);
});

Deno.test("every operand of an instruction reaches its executable form", () => {
  for (const row of instructions) {
    const { base, slots } = formOf(row);
    assertEquals(base.length, 4, row.name);
    const wanted = new Set(base.fields.map(({ slot }) => slot));
    // Compressed code has no fence and no modifiers; every slot of its base instruction is set.
    assertEquals(new Set(slots.keys()), wanted, row.name);
  }
});

Deno.test("atomics and floating point are contiguous, FP loads and stores first", () => {
  const names = (first: number, last: number) =>
    numbered.slice(first, last + 1).map((row) => row!.name);
  const { amo, fp } = opRanges;
  const flagged = (flag: "atomic" | "fp") =>
    numbered.flatMap((row) => row?.flags.has(flag) ? [row.name] : []);
  assertEquals(names(amo.first, amo.last), flagged("atomic"));
  assertEquals(names(fp.first, fp.last), flagged("fp"));
  assertEquals(names(fp.first, fp.first + 5), ["flw", "fld", "flh", "fsw", "fsd", "fsh"]);
  assertEquals(opNumber("addi"), 1);
});

Deno.test("the generated operations are the rows that were numbered", () => {
  assertEquals(executable.length, numbered.length);
  assertEquals(executable[ILLEGAL], undefined);
  for (const [number, row] of numbered.entries()) {
    if (row === undefined) continue;
    const { name, flags, fields } = executable[number]!;
    assertEquals([name, opNumber(name)], [row.name, number]);
    assertEquals(flags, row.flags, name);
    assertEquals(fields, row.fields.map(({ slot, kind }) => ({ slot, kind })), name);
  }
  assertThrows(() => opNumber("c.addi"), ReferenceError, 'No executable instruction "c.addi"');
});
