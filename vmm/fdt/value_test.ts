import { assertEquals, assertThrows } from "@std/assert";
import { bytes, cells, concat, empty, FdtValue, pathOf, phandle, strings, u64 } from "./mod.ts";

Deno.test("values encode big-endian", () => {
  assertEquals(empty().encode().toHex(), "");
  assertEquals(cells(1, 0xdead_beef, -1).encode().toHex(), "00000001deadbeefffffffff");
  assertEquals(u64(1n << 63n, 0x8000_0000).encode().toHex(), "80000000000000000000000080000000");
  assertEquals(strings("ab", "").encode().toHex(), "61620000");
  assertEquals(bytes([1, 2, 255]).encode().toHex(), "0102ff");
  assertEquals(concat(bytes([1]), strings("a")).encode().toHex(), "016100");
  const wide = new FdtValue([
    { kind: "cells", bits: 8, cells: [1, -1] },
    { kind: "cells", bits: 16, cells: [0x1234] },
    { kind: "cells", bits: 64, cells: [5n] },
  ]);
  assertEquals(wide.encode().toHex(), "01ff12340000000000000005");
});

Deno.test("references are resolved by the tree", () => {
  const value = concat(cells(1, phandle("plic")), pathOf("plic"));
  assertEquals([...value.references()].map(({ kind, to }) => [kind, to]), [
    ["phandle", "plic"],
    ["path", "plic"],
  ]);
  const encoded = value.encode({ phandleOf: () => 7, pathOf: () => "/p" });
  assertEquals(encoded.toHex(), "00000001000000072f7000");
  assertThrows(() => value.encode(), TypeError, "Reference to plic has no bytes outside of a tree");
});

Deno.test("what it refuses", () => {
  assertThrows(() => cells(2 ** 32), RangeError, "Value 4294967296 does not fit a cell of 32 bits");
  assertThrows(() => cells(0.5), TypeError, "Cell 0.5 is not a safe integer");
  assertThrows(() => u64(1n << 64n), RangeError, "64 bits");
  assertThrows(() => bytes([256]), RangeError, "8 bits");
  assertThrows(() => strings("a\0b"), TypeError, "contains NUL");
  assertThrows(() => strings("\ud800"), TypeError, "not well-formed");
  assertThrows(
    () => new FdtValue([{ kind: "cells", bits: 64, cells: [phandle("a")] }]),
    TypeError,
    "Reference to a in an array of 64-bit cells",
  );
});
