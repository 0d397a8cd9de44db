import { assert, assertEquals } from "@std/assert";
import { createBoardFdt } from "../board_fdt.ts";
import { DTS_SOURCE, DTS_TOKENS } from "./dts_source_test_support.ts";
import { type FdtTree, firstDifference, parseDts, printDts, readDtb, writeDtb } from "./mod.ts";
import { mutateText } from "./mutation_test_support.ts";
import { filter, hasTool } from "./oracle_test_support.ts";
import { randomTree } from "./random_tree_test_support.ts";
import { SplitMix64 } from "./split_mix64.ts";

const ignore = !hasTool("dtc");

async function dtc(from: "dts" | "dtb", to: "dts" | "dtb", input: Uint8Array | string) {
  return await filter("dtc", ["-q", "-q", "-I", from, "-O", to, "-o", "-", "-"], input);
}

function trees(count: number): { name: string; tree: FdtTree }[] {
  const random = Array.from(
    { length: count },
    (_, seed) => ({ name: `seed ${seed}`, tree: randomTree(new SplitMix64(1000 + seed)) }),
  );
  const board = createBoardFdt({
    harts: 4,
    memBytes: 1 << 30,
    bootargs: "quiet",
    virtioSlots: [0],
  });
  return [{ name: "board", tree: board }, ...random];
}

Deno.test("our dtb, through dtc to dts and back to dtb, is the same tree", { ignore }, async () => {
  for (const { name, tree } of trees(30)) {
    const dtb = writeDtb(tree);
    const dts = await dtc("dtb", "dts", dtb);
    const back = await dtc("dts", "dtb", new TextDecoder().decode(dts));
    assertEquals(firstDifference(readDtb(back), readDtb(dtb)), undefined, name);
  }
});

Deno.test("dtc's dts of our dtb parses to the same tree", { ignore }, async () => {
  for (const { name, tree } of trees(30)) {
    const dts = new TextDecoder().decode(await dtc("dtb", "dts", writeDtb(tree)));
    assertEquals(firstDifference(parseDts(dts), readDtb(writeDtb(tree))), undefined, name);
  }
});

Deno.test("dtc compiles our dts to the bytes that we write", { ignore }, async () => {
  for (const { name, tree } of trees(30)) {
    const dtb = await dtc("dts", "dtb", printDts(tree));
    assertEquals(writeDtb(parseDts(printDts(tree))), new Uint8Array(dtb), name);
  }
});

/** Source by hand, one topic each; ours and dtc's bytes must be equal. */
const SOURCES: Readonly<Record<string, string>> = {
  "literals": `/ { a = <0x10 010 10 0xFFFFFFFF 'a' '\\n' '\\x41' '\\101' '\\'' 5U 0x10UL 7ULL>; };`,
  "expressions": `/ {
    a = <(1 + 2 * 3) (10 - 4 - 3) (100 / 7 % 5) (1 << 4 | 3) (0xf0 & ~0x30) (5 ^ 1)>;
    b = <(1 < 2) (2 <= 1) (3 > 2) (3 >= 4) (1 == 1) (1 != 1) (1 && 0) (1 || 0) (!5) (-1)>;
    c = <(1 ? 2 : 3) (0 ? 2 : 1 ? 4 : 5) ((1 + 2) * 3) (1 << 3 >> 1) (1 | 2 == 2) (8 & 7 + 1)>;
    d = /bits/ 64 <(-1) (0 - 1 > 1) (1 << 63) ((1 << 63) >> 63) (~0 / 3) (0xffffffffffffffff + 2)>;
    e = /bits/ 8 <(-1) 255 (-128)>, /bits/ 16 <(-2) 0xffff>;
  };`,
  "strings":
    `/ { a = "x\\ty\\"z\\\\", "", "\\1\\12\\1234\\x4g\\xff\\q\\a\\b\\v\\f\\r", "a\\0b"; b = "ünï"; };`,
  "bytes": `/ { a = [00 11 aB]; b = [0011ab]; c = []; d = "x", [01], <2>, /bits/ 16 <3>; };`,
  "comments": `/* a */ / { // b
    a /* c */ = /* d */ <1 /* e */ 2> // f
    ; /**/ };`,
  "labels everywhere": `/ { l3: l4: n { }; };
    l1: &l3 { l5: a = l6: <l7: 1 l8: 2 l9:>, la: "x" lb:, lc: [ld: 00 le:]; };`,
  "references": `/ {
    p = &n, <&n>, &{/n@1/m}; q = <1 &{/n@1/m} &n 2>;
    n: n@1 { self = <&n>; m { phandle = <7>; }; };
  };`,
  "phandle of its own":
    `/ { a = <&n>; n: n { phandle = <&n>; }; o: o { phandle = <1>; }; b { c = <&p>; };
    p: p { }; };`,
  "names that look like something else": `/ { 0x10 = <1>; #x = <3>; reg@0,1 { }; };`,
  "trees on top of each other": `/ { a = <1>; n: n { x = <1>; y; sub { z; }; }; };
    / { a = <2>; b = "new"; n { x = "changed"; more { }; sub { w; }; }; };
    &n { x; v = <3>; };
    &{/n/sub} { u; };`,
  "deletions": `/ { a = <1>; b = <2>; n: n { x; }; m: m { k: k { }; }; o { }; };
    / { /delete-property/ a; /delete-node/ o; };
    &n { /delete-property/ x; };
    /delete-node/ &k;`,
  "nodes omitted without reference": `/ { a = <&x>;
    /omit-if-no-ref/ x: x { }; /omit-if-no-ref/ y: y { }; z: z { }; };
    /omit-if-no-ref/ &z;`,
  "reservations": `/memreserve/ 0x80000000 0x1000; l: /memreserve/ 1 (2 + 3); / { };`,
  "boot hart":
    `/ { cpus { #address-cells = <1>; #size-cells = <0>; cpu@3 { reg = <3>; }; cpu@4 { }; }; };`,
};

for (const [topic, source] of Object.entries(SOURCES)) {
  Deno.test(`we compile source as dtc does: ${topic}`, { ignore }, async () => {
    const text = `/dts-v1/;\n${source}\n`;
    const theirs = new Uint8Array(await dtc("dts", "dtb", text));
    assertEquals(firstDifference(parseDts(text), readDtb(theirs)), undefined);
    assertEquals(writeDtb(parseDts(text)), theirs);
  });
}

/** Calls that can fail; undefined if it did. */
async function attempt<T>(call: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch {
    return undefined;
  }
}

Deno.test("damaged source that both of us take is the same tree", { ignore }, async () => {
  const sources = [DTS_SOURCE, ...trees(10).map(({ tree }) => printDts(tree))];
  let taken = 0;
  for (let seed = 0; seed < 300; seed++) {
    const random = new SplitMix64(2000 + seed);
    const text = mutateText(random.pick(sources), DTS_TOKENS, random);
    const ours = await attempt(() => parseDts(text));
    const theirs = ours && await attempt(async () => readDtb(await dtc("dts", "dtb", text)));
    if (ours === undefined || theirs === undefined) continue;
    assertEquals(firstDifference(ours, theirs), undefined, text);
    taken++;
  }
  assert(taken >= 20, `${taken} of 300 were taken by both`);
});
