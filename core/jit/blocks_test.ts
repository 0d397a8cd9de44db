import { assertEquals } from "@std/assert";
import { BRANCH, JAL, JALR, region, SYSTEM } from "./testing.ts";

const LINK = 1;

Deno.test("a trap ends a block, and is counted with it", () => {
  const { blocks, entries } = region({ 8: [SYSTEM] });
  assertEquals([...blocks.keys()], [0]);
  assertEquals(blocks.get(0)!.end.kind, "system");
  assertEquals(blocks.get(0)!.count, 3);
  assertEquals(entries, [0]);
});

Deno.test("cold blocks stay outside", () => {
  const code = { 0: [BRANCH, 16], 8: [JALR], 20: [JALR] } as const;
  assertEquals([...region(code).blocks.keys()].sort((a, b) => a - b), [0, 4, 16]);
  assertEquals([...region(code, 0, { cold: [16] }).blocks.keys()], [0, 4]);
});

Deno.test("a warm return point is an entry; the callee only if it is short", () => {
  const short = region({ 4: [JAL, 0x40, LINK], 12: [JALR], 0x48: [JALR] });
  assertEquals([...short.blocks.keys()].sort((a, b) => a - b), [0, 8, 0x44]);
  assertEquals(short.entries, [0, 8]);
  const loop = region({ 4: [JAL, 0x40, LINK], 12: [JALR], 0x48: [BRANCH, -4], 0x4c: [JALR] });
  assertEquals([...loop.blocks.keys()].sort((a, b) => a - b), [0, 8]);
  const cold = region({ 4: [JALR, 0, LINK] }, 0, { cold: [8] });
  assertEquals(cold.entries, [0]);
});

Deno.test("what was an entry stays one", () => {
  assertEquals(region({ 8: [BRANCH, -4], 12: [JALR] }, 0, { entered: [4] }).entries, [0, 4]);
});

Deno.test("an instruction across the page's end is the interpreter's", () => {
  assertEquals(region({}, 0xff8).blocks.get(0xff8)!.end, { kind: "fall", next: 0x1000 });
  assertEquals(region({}, 0xffa).blocks.get(0xffa)!.end, { kind: "leave", at: 0xffe });
});

Deno.test("a long row of instructions is cut", () => {
  const { blocks } = region({});
  assertEquals(blocks.get(0)!.count, 250);
  assertEquals(blocks.get(0)!.end, { kind: "fall", next: 1000 });
});
