import { assertEquals } from "@std/assert";
import { structure, type StructuredBlock } from "./control_flow.ts";
import { BRANCH, type Code, JAL, JALR, region } from "./testing.ts";

/** The tree as text: offset, L for a loop header, M for a merge, children in parentheses. */
function show({ block, isLoopHeader, isMerge, children }: StructuredBlock): string {
  const marks = (isLoopHeader ? "L" : "") + (isMerge ? "M" : "");
  const name = block === undefined ? "switch" : `${block.offset}`;
  return name + marks + (children.length ? `(${children.map(show).join(" ")})` : "");
}

function tree(code: Code): string {
  const { root, isDispatched } = structure(region(code));
  return (isDispatched ? "dispatched " : "") + show(root);
}

Deno.test("both ways of a branch meet again", () => {
  // 0: branch 12; 4: add; 8: jump 16; 12: add; 16: return
  assertEquals(tree({ 0: [BRANCH, 12], 8: [JAL, 8], 16: [JALR] }), "0(4 12 16M)");
});

Deno.test("both ways of a branch to the same place are two edges", () => {
  assertEquals(tree({ 0: [BRANCH, 4], 4: [JALR] }), "0(4M)");
});

Deno.test("a loop, and a loop in it", () => {
  // 4 is the outer header, 8 the inner one.
  assertEquals(tree({ 12: [BRANCH, -4], 20: [BRANCH, -16], 24: [JALR] }), "0(4L(8L(16(24))))");
});

Deno.test("a loop of one block that is the entry", () => {
  assertEquals(tree({ 4: [BRANCH, -4], 8: [JALR] }), "0L(8)");
});

Deno.test("several entries make a switch the root", () => {
  // 4 calls; 8 is where the call returns to.
  assertEquals(tree({ 4: [JALR, 0, 1], 12: [JALR] }), "switch(8M 0M)");
});

Deno.test("a call in a loop: the way back to the header is no loop, for the callee is outside", () => {
  assertEquals(tree({ 4: [JALR, 0, 1], 12: [BRANCH, -12], 16: [JALR] }), "switch(8M(16) 0M)");
});

Deno.test("an edge into the middle of a loop goes through the switch", () => {
  // 0: branch 12 into the loop 8..16, whose back edge goes to 8.
  const text = tree({ 0: [BRANCH, 12], 16: [BRANCH, -8], 20: [JALR] });
  assertEquals(text, "dispatched switch(0M(4) 12M(20) 8M)");
});

Deno.test("a page of branches in a row needs no deep stack, and growth is bounded", () => {
  const code: Record<number, [number, number]> = {};
  for (let offset = 0; offset < 0xff0; offset += 4) code[offset] = [BRANCH, 8];
  const { blocks } = structure(region(code));
  assertEquals(blocks.length > 300 && blocks.length < 500, true);
});
