import { assertEquals } from "@std/assert";
import { createBoardFdt } from "../board_fdt.ts";
import { firstDifference, parseDts, printDts, readDtb, writeDtb } from "./mod.ts";
import { randomTree } from "./random_tree_test_support.ts";
import { SplitMix64 } from "./split_mix64.ts";

const RUNS = 150;

Deno.test("random trees survive the flattened form", () => {
  for (let seed = 0; seed < RUNS; seed++) {
    const tree = randomTree(new SplitMix64(seed));
    const dtb = writeDtb(tree);
    const read = readDtb(dtb);
    assertEquals(firstDifference(tree, read), undefined, `seed ${seed}`);
    assertEquals(writeDtb(read), dtb, `seed ${seed}`);
  }
});

Deno.test("random trees survive being printed as source, byte for byte", () => {
  for (let seed = 0; seed < RUNS; seed++) {
    const tree = randomTree(new SplitMix64(seed));
    assertEquals(writeDtb(parseDts(printDts(tree))), writeDtb(tree), `seed ${seed}`);
  }
});

Deno.test("what was read from a flattened tree prints to source of the same tree", () => {
  for (let seed = 0; seed < RUNS; seed++) {
    const dtb = writeDtb(randomTree(new SplitMix64(seed)));
    assertEquals(writeDtb(parseDts(printDts(readDtb(dtb)))), dtb, `seed ${seed}`);
  }
});

Deno.test("printing is stable: print, parse, print gives the same text", () => {
  for (let seed = 0; seed < RUNS; seed++) {
    const text = printDts(randomTree(new SplitMix64(seed)));
    assertEquals(printDts(parseDts(text)), text, `seed ${seed}`);
  }
});

Deno.test("the board's tree survives both forms", () => {
  const tree = createBoardFdt({ harts: 4, memBytes: 1 << 30, bootargs: 'a="b c"' });
  assertEquals(firstDifference(tree, readDtb(writeDtb(tree))), undefined);
  assertEquals(printDts(parseDts(printDts(tree))), printDts(tree));
});
