import { assertEquals, assertThrows } from "@std/assert";
import { FdtTree, readDtb, u64, writeDtb } from "./mod.ts";
import { FDT_NOP, HEADER } from "./format.ts";

/** A tree of `/ { a = "x"; n { }; }` to be damaged at known places. */
function smallDtb(): { bytes: Uint8Array<ArrayBuffer>; view: DataView; structure: number } {
  const tree = new FdtTree();
  tree.root.set("a", "x").addNode("n");
  const bytes = writeDtb(tree);
  const view = new DataView(bytes.buffer);
  return { bytes, view, structure: view.getUint32(HEADER.off_dt_struct) };
}

Deno.test("what it reads: nodes, properties, reservations, boot hart", () => {
  const tree = new FdtTree();
  tree.bootCpuId = 3;
  tree.reservations.push({ address: 0x8000_0000n, sizeBytes: 0x1000n });
  tree.root.addNode("memory@80000000", { reg: u64(0x8000_0000, 1n << 40n), "some,flag": true });
  const read = readDtb(writeDtb(tree));
  assertEquals(read.bootCpuId, 3);
  assertEquals(read.reservations, [{ address: 0x8000_0000n, sizeBytes: 0x1000n }]);
  const memory = read.node("/memory@80000000");
  assertEquals([...memory.properties.keys()], ["reg", "some,flag"]);
  assertEquals(memory.get("reg")?.encode().toHex(), "00000000800000000000010000000000");
  assertEquals(memory.get("some,flag")?.parts, []);
});

Deno.test("bytes behind totalsize are ignored, as is where the tree lies in its buffer", () => {
  const { bytes } = smallDtb();
  const padded = new Uint8Array(bytes.length + 103);
  padded.set(bytes, 3);
  assertEquals(readDtb(padded.subarray(3)).node("/n").name, "n");
});

Deno.test("FDT_NOP stands for nothing", () => {
  const tree = new FdtTree();
  tree.root.set("a", new Uint8Array(4)).addNode("n");
  const bytes = writeDtb(tree);
  const view = new DataView(bytes.buffer);
  const property = view.getUint32(HEADER.off_dt_struct) + 8;
  for (let at = property; at < property + 16; at += 4) view.setUint32(at, FDT_NOP);
  assertEquals(readDtb(bytes).root.properties.size, 0);
});

Deno.test("version 16, which has no size_dt_struct", () => {
  const { bytes, view } = smallDtb();
  view.setUint32(HEADER.version, 16);
  view.setUint32(HEADER.size_dt_struct, 0xffff_ffff);
  assertEquals(readDtb(bytes).node("/n").name, "n");
});

/** Damage by name: what is done to the bytes, and the error that names it. */
const DAMAGES: readonly [
  name: string,
  damage: (dtb: ReturnType<typeof smallDtb>) => void,
  message: string,
  errorClass?: ErrorConstructor,
][] = [
  ["magic", ({ view }) => view.setUint32(0, 0xedfe0dd0), "offset 0: magic is 0xedfe0dd0"],
  ["totalsize", ({ view }) => view.setUint32(4, 1000), "offset 4: totalsize is 1000, but the file"],
  ["version", ({ view }) => view.setUint32(20, 3), "version 3, last_comp_version 16", RangeError],
  ["future", ({ view }) => view.setUint32(24, 18), "version 17, last_comp_version 18", RangeError],
  [
    "struct offset",
    ({ view }) => view.setUint32(8, 0xfffffff0),
    "offset 8: off_dt_struct is 42949",
  ],
  [
    "struct in header",
    ({ view }) => view.setUint32(8, 4),
    "off_dt_struct is 4, inside of the header",
  ],
  ["struct alignment", ({ view, structure }) => {
    view.setUint32(HEADER.off_dt_struct, structure + 1);
    view.setUint32(HEADER.size_dt_struct, 8);
  }, "not a multiple of 4"],
  ["strings size", ({ view }) => view.setUint32(32, 0xffff_ffff), "offset 12: off_dt_strings is "],
  [
    "reservations",
    ({ view }) => view.setUint32(16, 44),
    "off_mem_rsvmap is 44, not a multiple of 8",
  ],
  [
    "endless reservations",
    ({ bytes }) => bytes.fill(1, 40),
    "memory reservations run over the end",
  ],
  ["first token", ({ view, structure }) => view.setUint32(structure, 2), "not FDT_BEGIN_NODE"],
  ["named root", ({ bytes, structure }) => {
    bytes[structure + 4] = 0x61;
  }, 'root is named "a"'],
  [
    "unknown token",
    ({ view, structure }) => view.setUint32(structure + 8, 5),
    "unknown token 0x5 in",
  ],
  [
    "early end",
    ({ view, structure }) => view.setUint32(structure + 8, 9),
    "FDT_END inside of node /",
  ],
  [
    "property length",
    ({ view, structure }) => view.setUint32(structure + 12, 0xffff_ffff),
    "property a of / has length 4294967295; 24 bytes are left",
  ],
  [
    "nameoff",
    ({ view, structure }) => view.setUint32(structure + 16, 2),
    "has nameoff 2; the strings",
  ],
  ["name without end", ({ bytes }) => {
    bytes[bytes.length - 1] = 0x61;
  }, "name of a property has no terminating NUL"],
  ["name of a property", ({ bytes }) => {
    bytes[bytes.length - 2] = 0x20;
  }, 'Property name " "'],
  ["name of a node", ({ bytes, structure }) => {
    bytes[structure + 28] = 0x2f;
  }, 'Node name "/"'],
  ["child without name", ({ bytes, structure }) => {
    bytes[structure + 28] = 0;
  }, "without a name"],
  [
    "no end",
    ({ view, structure }) => view.setUint32(structure + 40, 4),
    "structure block ends where a token",
  ],
];

for (const [name, damage, message, errorClass = SyntaxError] of DAMAGES) {
  Deno.test(`what it refuses: ${name}`, () => {
    const dtb = smallDtb();
    damage(dtb);
    assertThrows(() => readDtb(dtb.bytes, "board.dtb"), errorClass, message);
    assertThrows(() => readDtb(dtb.bytes, "board.dtb"), errorClass, "board.dtb: offset ");
  });
}

Deno.test("what it refuses: nesting deeper than 64", () => {
  const deep = (levels: number) => {
    const tree = new FdtTree();
    for (let node = tree.root, level = 0; level < levels; level++) node = node.addNode("n");
    return tree;
  };
  const deepest = writeDtb(deep(64));
  readDtb(deepest);
  assertThrows(() => writeDtb(deep(65)), RangeError, "nested deeper than 64");
  // One level more, by hand: the innermost node's end becomes another beginning.
  const view = new DataView(deepest.buffer);
  const end = view.getUint32(HEADER.off_dt_struct) + 65 * 8;
  view.setUint32(end, 1);
  assertThrows(() => readDtb(deepest), RangeError, "nested deeper than 64");
});

Deno.test("what it refuses: one property twice, or behind a node", () => {
  const tree = new FdtTree();
  tree.root.set("a", 1).set("b", 2).addNode("n");
  const bytes = writeDtb(tree);
  const view = new DataView(bytes.buffer);
  const structure = view.getUint32(HEADER.off_dt_struct);
  const original = bytes.slice();
  view.setUint32(structure + 8 + 16 + 8, 0);
  assertThrows(() => readDtb(bytes), SyntaxError, "property a of / is there twice");

  // The node's two tokens (12 bytes) go before the second property (16 bytes).
  bytes.set(original);
  const second = structure + 8 + 16;
  bytes.set(original.subarray(second + 16, second + 28), second);
  bytes.set(original.subarray(second, second + 16), second + 12);
  assertThrows(() => readDtb(bytes), SyntaxError, "property b of / stands behind a child node");
});
