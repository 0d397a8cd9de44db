import { assertEquals, assertThrows } from "@std/assert";
import { cells, FdtTree, pathOf, phandle, readDtb, writeDtb } from "./mod.ts";

Deno.test("a small tree, byte for byte", () => {
  const tree = new FdtTree();
  tree.root.set("x-reg", 0x1234_5678).addNode("n@1", { "reg": true });
  const expected = [
    "d00dfeed 00000076 00000038 00000070 00000028", // header: magic, sizes and offsets
    "00000011 00000010 00000000 00000006 00000038", // versions, boot hart, sizes
    "00000000 00000000 00000000 00000000", // end of the reservations
    "00000001 00000000", // FDT_BEGIN_NODE, ""
    "00000003 00000004 00000000 12345678", // FDT_PROP, length, name, value
    "00000001 6e403100", // FDT_BEGIN_NODE, "n@1"
    "00000003 00000000 00000002", // FDT_PROP, length, name: the end of "x-reg"
    "00000002 00000002 00000009", // FDT_END_NODE twice, FDT_END
    "782d7265 6700", // "x-reg"
  ];
  assertEquals(writeDtb(tree).toHex(), expected.join("").replaceAll(" ", ""));
});

Deno.test("phandles: own ones stay, others get the lowest free in order of reference", () => {
  const tree = new FdtTree();
  tree.root.set("refs", cells(phandle("second"), phandle("/first"), phandle("own")));
  tree.root.addNode("first");
  tree.root.addNode("second", {}, "second");
  tree.root.addNode("third", { phandle: 1 }, "own");
  const read = readDtb(writeDtb(tree));
  const phandles = ["/first", "/second", "/third"].map((path) =>
    read.node(path).get("phandle")?.encode().toHex()
  );
  assertEquals(phandles, ["00000003", "00000002", "00000001"]);
  assertEquals(read.root.get("refs")?.encode().toHex(), "000000020000000300000001");
  assertEquals(tree.node("/first").has("phandle"), false, "the tree itself is not changed");
});

Deno.test("a reference to a path becomes the path", () => {
  const tree = new FdtTree();
  tree.root.set("alias", pathOf("deep"));
  tree.root.addNode("a").addNode("b@2", {}, "deep");
  const value = readDtb(writeDtb(tree)).root.get("alias")?.encode();
  assertEquals(new TextDecoder().decode(value), "/a/b@2\0");
});

Deno.test("what it refuses", () => {
  const refused = (edit: (tree: FdtTree) => void, message: string) => {
    const tree = new FdtTree();
    edit(tree);
    assertThrows(() => writeDtb(tree), TypeError, message);
  };
  refused(
    ({ root }) => root.set("clocks", phandle("osc")),
    "Property clocks of / refers to osc: no",
  );
  refused(
    ({ root }) => root.set("p", pathOf("/x")),
    "Property p of / refers to /x: no node has this",
  );
  refused(({ root }) => {
    root.addNode("a", { phandle: 5 });
    root.addNode("b", { phandle: 5 });
  }, "Phandle 5 is on /a and on /b");
  refused(({ root }) => {
    root.addNode("a", {}, "l");
    root.addNode("b", {}, "l");
  }, "Label l is on /a and on /b");
  refused(({ root }) => root.addNode("a", { phandle: 0 }), "must not be 0 or 0xffffffff");
  refused(({ root }) => root.addNode("a", { phandle: "x" }), "phandle of /a must be one cell");
});

Deno.test("a reservation must have 64 bits", () => {
  const tree = new FdtTree();
  tree.reservations.push({ address: -1n, sizeBytes: 1n });
  assertThrows(() => writeDtb(tree), RangeError, "not an unsigned 64-bit number");
});
