import { assertEquals, assertThrows } from "@std/assert";
import { parseDts, phandle } from "./mod.ts";

function property(value: string): string {
  return parseDts(`/dts-v1/; / { a = ${value}; };`).root.get("a")!.encode().toHex();
}

Deno.test("values keep their meaning", () => {
  const tree = parseDts(`/dts-v1/; / {
    mixed = "text", <1 &n>, [0a 0B], &n;
    n: node@1 { };
  };`);
  assertEquals(tree.root.get("mixed")?.parts, [
    { kind: "string", text: "text" },
    { kind: "cells", bits: 32, cells: [1, phandle("n")] },
    { kind: "bytes", bytes: new Uint8Array([10, 11]) },
    { kind: "path", to: "n" },
  ]);
  assertEquals([...tree.node("/node@1").labels], ["n"]);
});

Deno.test("numbers: decimal, hexadecimal, octal, characters, suffixes", () => {
  assertEquals(property("<10 0x10 010 'A' '\\n' 1U 2ULL>").match(/.{8}/g)?.map((h) => +`0x${h}`), [
    10,
    16,
    8,
    65,
    10,
    1,
    2,
  ]);
});

Deno.test("expressions have C's precedence on unsigned 64-bit numbers", () => {
  const value = (expression: string) => property(`/bits/ 64 <(${expression})>`);
  const hex = (number: bigint) => BigInt.asUintN(64, number).toString(16).padStart(16, "0");
  assertEquals(value("1 + 2 * 3 - 4 / 2"), hex(5n));
  assertEquals(value("1 << 2 + 1"), hex(8n));
  assertEquals(value("-1"), hex(-1n));
  assertEquals(value("-1 > 1"), hex(1n));
  assertEquals(value("-1 >> 63"), hex(1n));
  assertEquals(value("1 << 64"), hex(0n));
  assertEquals(value("0 ? 1 : 2 ? 3 : 4"), hex(3n));
  assertEquals(value("5 & 3 == 3"), hex(1n));
  assertEquals(value("!0 + ~0"), hex(0n));
  assertEquals(value("1 <= 1 && 2 >= 3 || 0 != 0"), hex(0n));
});

Deno.test("a negative value is cut to its cell", () => {
  assertEquals(property("<(-1)>, /bits/ 8 <(-2)>, /bits/ 16 <(0 - 3)>"), "fffffffffefffd");
});

Deno.test("strings: escapes, UTF-8, bytes that are no text", () => {
  assertEquals(property('"a\\"\\\\\\n\\101\\x42"'), "61225c0a414200");
  assertEquals(property('"ü"'), "c3bc00");
  assertEquals(property('"\\xff\\0b"'), "ff006200");
});

Deno.test("a body on top of another changes, adds and deletes", () => {
  const tree = parseDts(`/dts-v1/;
    / { keep; change = <1>; drop; n: n { x; m { }; }; o { }; };
    / { change = <2>; new; /delete-property/ drop; /delete-node/ o; };
    &n { y; /delete-node/ m; };
    &{/n} { z; };`);
  assertEquals([...tree.root.properties.keys()], ["keep", "change", "new"]);
  assertEquals(tree.root.get("change")?.encode().toHex(), "00000002");
  assertEquals([...tree.node("n").properties.keys()], ["x", "y", "z"]);
  assertEquals(tree.root.children.map((child) => child.name), ["n"]);
  assertEquals(tree.node("n").children, []);
});

Deno.test("a deleted node takes its labels along", () => {
  const tree = parseDts(`/dts-v1/; / { n: a { l: b { }; }; }; /delete-node/ &n; / { l: c { }; };`);
  assertEquals(tree.node("l").path, "/c");
});

Deno.test("/omit-if-no-ref/ keeps a node only if something refers to it", () => {
  const tree = parseDts(`/dts-v1/; / {
    r = <&used>;
    /omit-if-no-ref/ used: u { };
    /omit-if-no-ref/ unused: v { };
  };`);
  assertEquals(tree.root.children.map((child) => child.name), ["u"]);
});

Deno.test("reservations and boot hart", () => {
  const tree = parseDts(
    `/dts-v1/; /memreserve/ 0x10 (2 * 8); / { cpus { cpu@4 { reg = <4>; }; }; };`,
  );
  assertEquals(tree.reservations, [{ address: 16n, sizeBytes: 16n }]);
  assertEquals(tree.bootCpuId, 4);
});

/** Source behind `/dts-v1/;` and the error. Columns count from the start of the line. */
const REFUSED: readonly [source: string, message: string][] = [
  ["", "dts:1:10: expected / { } with the tree, found the end"],
  ["\n/ {\n  a = <1;\n};", 'dts:3:9: expected a cell or >, found ";"'],
  ["\n/ { a = 1; };", 'dts:2:9: expected "<" or ", [, & in the value of a, found "1; };"'],
  ["/ { a = <1> }", 'expected ";" behind property a'],
  ["/ { n { } };", 'expected ";" behind } of node /n'],
  ["/ {\n  a;", "dts:2:5: expected a property, a node or } of /, found the end"],
  ['/ { a = "x', "dts:1:18: string has no closing"],
  ["/ { /* ", "dts:1:14: comment has no */"],
  ["\n/ { a = <&nowhere>; };", "dts:2:10: no node has the label nowhere"],
  ["\n/ { a = <&{/no/where}>; };", "dts:2:10: no node has the path /no/where"],
  ["\n&nowhere { };", "dts:2:1: no node has the label nowhere"],
  ["/ { a = <0x1ffffffff>; };", "value 0x1ffffffff does not fit 32 bits"],
  ["/ { a = /bits/ 8 <256>; };", "value 0x100 does not fit 8 bits"],
  ["/ { a = /bits/ 12 <1>; };", "/bits/ 12: 8, 16, 32 or 64 are possible"],
  ["/ { n: n { a = /bits/ 64 <&n>; }; };", "a phandle has 32 bits"],
  ["/ { a = <18446744073709551616>; };", "number does not fit 64 bits"],
  ["/ { a = <089>; };", "bad number 089"],
  ["/ { a = <12x>; };", "bad number 12x"],
  ["/ { a = <'ab'>; };", "character literal of 2 bytes"],
  ["/ { a = <(1 / 0)>; };", "division by zero"],
  ["/ { a = <(1 + )>; };", "expected a number, 'c' or (expression)"],
  ["/ { a = [0g]; };", "expected two hexadecimal digits or ]"],
  ["/ { a; a; };", "property a is twice in one body of /"],
  ["/ { n { }; n { }; };", "node n is twice in one body of /"],
  ["/ { a; /delete-property/ a; };", "a is set and deleted in one body"],
  ["/ { n { }; /delete-node/ n; };", "n is set and deleted in one body"],
  ['/ { a = "\\xg"; };', "expected hexadecimal digits behind \\x"],
  ["/ { n { }; a; };", "property a stands behind a node"],
  ["/ { l: a { }; l: b { }; };", "label l is on /a already"],
  ["/ { a { phandle = <1>; }; b { phandle = <1>; }; };", "Phandle 1 is on /a and on /b"],
  ['/include/ "x.dtsi"', "/include/ is not read: put the text of the file here"],
  ['/ { a = /incbin/("x"); };', "/incbin/ is not read"],
  ["/plugin/; / { };", "overlays (/plugin/) are not read"],
  ["/ { }; /delete-node/ &{/};", "cannot delete the root"],
];

for (const [source, message] of REFUSED) {
  Deno.test(`what it refuses: ${JSON.stringify(source)}`, () => {
    assertThrows(() => parseDts(`/dts-v1/;${source}`), SyntaxError, message);
  });
}

Deno.test("what it refuses: no /dts-v1/", () => {
  assertThrows(
    () => parseDts("/ { };", "board.dts"),
    SyntaxError,
    "board.dts:1:1: expected /dts-v1/;",
  );
});
