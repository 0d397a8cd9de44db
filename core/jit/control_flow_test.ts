import { assertEquals } from "@std/assert";
import {
  type ControlOps,
  type DecodedInstruction,
  findBlocks,
  structure,
  type StructuredBlock,
} from "./control_flow.ts";

const ADD = 1, BRANCH = 2, JAL = 3, JALR = 4, CSR = 5;
const SINK = 32;
const OPS: ControlOps = {
  isBranch: (op) => op === BRANCH,
  jal: JAL,
  jalr: JALR,
  isTranslated: (op) => op === ADD,
};

/** A page of 4-byte instructions: what stands at an offset, with a jump's distance. */
function page(code: Record<number, [op: number, imm?: number, rd?: number]>) {
  return (offset: number): DecodedInstruction | undefined => {
    const [op, imm = 0, rd = SINK] = code[offset] ?? [ADD];
    return { op, rd, rs1: 0, rs2: 0, imm, length: 4, offset };
  };
}

/** The tree as text: offset, L for a loop header, M for a merge, children in parentheses. */
function show({ block, isLoopHeader, isMerge, children }: StructuredBlock): string {
  const marks = (isLoopHeader ? "L" : "") + (isMerge ? "M" : "");
  return `${block.offset}${marks}` + (children.length ? `(${children.map(show).join(" ")})` : "");
}

function tree(code: Parameters<typeof page>[0], entry = 0): string {
  return show(structure(findBlocks(entry, page(code), OPS, 400), entry));
}

Deno.test("straight code ends where the interpreter takes over", () => {
  const blocks = findBlocks(0, page({ 8: [CSR] }), OPS, 400);
  assertEquals([...blocks.keys()], [0]);
  assertEquals(blocks.get(0)!.end, { kind: "leave", at: 8 });
  assertEquals(blocks.get(0)!.count, 2);
});

Deno.test("both ways of a branch meet again", () => {
  // 0: branch 12; 4: add; 8: jump 16; 12: add; 16: return
  assertEquals(tree({ 0: [BRANCH, 12], 8: [JAL, 8], 16: [JALR] }), "0(4 12 16M)");
});

Deno.test("a loop, and a loop in it", () => {
  // 4 is the outer header, 8 the inner one.
  assertEquals(tree({ 12: [BRANCH, -4], 20: [BRANCH, -16], 24: [JALR] }), "0(4L(8L(16(24))))");
});

Deno.test("a loop of one block that is the entry", () => {
  assertEquals(tree({ 4: [BRANCH, -4], 8: [JALR] }), "0L(8)");
});

Deno.test("an edge into the middle of a loop makes no header", () => {
  // 0: branch 12 into the loop 8..16, whose back edge goes to 8.
  const text = tree({ 0: [BRANCH, 12], 16: [BRANCH, -8], 20: [JALR] });
  assertEquals(text.includes("L"), false);
});

Deno.test("calls and jumps out of the page leave", () => {
  const blocks = findBlocks(0, page({ 4: [JAL, 0x40, 1] }), OPS, 400);
  assertEquals([...blocks.keys()], [0]);
  const out = findBlocks(0xff8, page({ 0xffc: [JAL, 0x100] }), OPS, 400);
  assertEquals([...out.keys()], [0xff8]);
  const end = findBlocks(0xff8, page({}), OPS, 400).get(0xff8)!;
  assertEquals(end.end, { kind: "fall", next: 0x1000 });
});

Deno.test("a page of branches in a row needs no deep stack, and growth is bounded", () => {
  const code: Record<number, [number, number]> = {};
  for (let offset = 0; offset < 0xff0; offset += 4) code[offset] = [BRANCH, 8];
  const blocks = findBlocks(0, page(code), OPS, 400);
  assertEquals(blocks.size > 300 && blocks.size < 500, true);
  structure(blocks, 0);
});
