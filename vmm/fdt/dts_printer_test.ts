import { assertEquals } from "@std/assert";
import {
  bytes,
  cells,
  concat,
  FdtTree,
  FdtValue,
  pathOf,
  phandle,
  printDts,
  strings,
} from "./mod.ts";

function printed(value: FdtValue): string {
  const tree = new FdtTree();
  tree.root.set("a", value);
  return printDts(tree).split("\n")[3]!.trim();
}

Deno.test("values are printed as they were made", () => {
  assertEquals(printed(cells(0, 255, 0xffff_ffff)), "a = <0x0 0xff 0xffffffff>;");
  assertEquals(printed(cells(phandle("plic"), phandle("/soc/x"))), "a = <&plic &{/soc/x}>;");
  assertEquals(printed(strings("a", "b")), 'a = "a", "b";');
  assertEquals(printed(pathOf("uart0")), "a = &uart0;");
  assertEquals(printed(concat(strings("x"), cells(1))), 'a = "x", <0x1>;');
  assertEquals(
    printed(new FdtValue([{ kind: "cells", bits: 64, cells: [-1n] }])),
    "a = /bits/ 64 <0xffffffffffffffff>;",
  );
  assertEquals(printed(new FdtValue([])), "a;");
});

Deno.test("bytes are guessed to be strings, cells or bytes, in this order", () => {
  const text = (content: string) => bytes(new TextEncoder().encode(content));
  assertEquals(printed(text("ns16550a\0")), 'a = "ns16550a";');
  assertEquals(printed(text("a\0b\0")), 'a = "a", "b";');
  assertEquals(printed(bytes([0, 0x38, 0x40, 0])), "a = <0x384000>;");
  assertEquals(printed(bytes([0x61, 0x62, 0x63, 0x64])), "a = <0x61626364>;");
  assertEquals(printed(bytes([1, 2, 0])), "a = [01 02 00];");
  assertEquals(printed(bytes([])), "a;");
});

Deno.test("strings are escaped so that nothing runs together", () => {
  assertEquals(printed(strings('"\\')), 'a = "\\"\\\\";');
  assertEquals(printed(strings("\n7ü")), 'a = "\\0127\\303\\274";');
});

Deno.test("layout: labels, reservations, an empty line before each node", () => {
  const tree = new FdtTree();
  tree.reservations.push({ address: 0x8000_0000n, sizeBytes: 0x1000n });
  tree.root.set("p", true).addNode("n@1", {}, "one", "two").addNode("m");
  tree.root.addNode("o");
  assertEquals(
    printDts(tree),
    `/dts-v1/;
/memreserve/ 0x80000000 0x1000;

/ {
\tp;

\tone: two: n@1 {
\t\tm {
\t\t};
\t};

\to {
\t};
};
`,
  );
});
