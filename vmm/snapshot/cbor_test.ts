import { assertEquals, assertThrows } from "@std/assert";
import type { StateValue } from "../../core/device.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { encodeHex } from "./hex.ts";

const bytesOf = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));

Deno.test("values are written as plain RFC 8949", () => {
  // Tag 2 with eight bytes for each bigint; the rest as in appendix A.
  const cases: [StateValue, string][] = [
    [0, "00"],
    [24, "1818"],
    [-1, "20"],
    [1000000, "1a000f4240"],
    [1.1, "fb3ff199999999999a"],
    [2 ** 32, "1b0000000100000000"],
    [2 ** 53 - 1, "1b001fffffffffffff"],
    [true, "f5"],
    [false, "f4"],
    ["ü", "62c3bc"],
    [Uint8Array.of(1, 2, 3, 4), "4401020304"],
    [[1, [2, 3]], "8201820203"],
    [{ a: 1, b: [2, 3] }, "a26161016162820203"],
    [{}, "a0"],
    [0n, "c2480000000000000000"],
    [0xffff_ffff_ffff_ffffn, "c248ffffffffffffffff"],
  ];
  for (const [value, hex] of cases) {
    assertEquals(encodeHex(encodeCbor(value)), hex);
    assertEquals(decodeCbor(bytesOf(hex)), value);
  }
});

Deno.test("bigints and numbers stay what they are, whatever their size", () => {
  for (const bits of [0n, 1n, 31n, 32n, 33n, 52n, 53n, 54n, 63n]) {
    const value = 1n << bits;
    assertEquals(decodeCbor(encodeCbor(value)), value);
    assertEquals(decodeCbor(encodeCbor(Number(value))), Number(value));
  }
});

Deno.test("integers of eight bytes, as others may write them, are numbers", () => {
  assertEquals(decodeCbor(bytesOf("1b0000000000000005")), 5);
  assertEquals(decodeCbor(bytesOf("1b001fffffffffffff")), 2 ** 53 - 1);
  assertEquals(decodeCbor(bytesOf("3b0000000100000000")), -(2 ** 32) - 1);
});

Deno.test("what is no value is not encoded", () => {
  for (const value of [undefined, null, () => 0, new Map(), new Uint16Array(2), Symbol()]) {
    assertThrows(() => encodeCbor([value as never]), TypeError, "Cannot encode value[0]");
  }
  assertThrows(() => encodeCbor({ a: 1n << 64n }), RangeError, "value.a");
  assertThrows(() => encodeCbor(JSON.parse('{"__proto__":1}')), TypeError, "__proto__");
});

Deno.test("hostile items are refused before they are decoded", () => {
  const cases: { readonly [what: string]: string } = {
    "nothing": "",
    "array of 2^32 - 1 without items": "9affffffff",
    "array of 2^53 - 1 without items": "9b001fffffffffffff",
    "map of 2^32 - 1 without entries": "baffffffff",
    "text longer than the data": "7affffffff61",
    "byte string longer than the data": "5b001fffffffffffff00",
    "number beyond 2^53": "1b0020000000000000",
    "indefinite array": "9f01ff",
    "indefinite text": "7f6161ff",
    "break": "ff",
    "reserved length": "1c",
    "map with __proto__": "a1695f5f70726f746f5f5fa0",
    "map with a key twice": "a2616101616102",
    "map with a number as key": "a10102",
    "text that is not UTF-8": "62c328",
    "null": "f6",
    "undefined": "f7",
    "simple value": "f820",
    "bignum of nine bytes": "c249010000000000000000",
    "bignum of seven bytes": "c24700000000000000",
    "negative bignum": "c3480000000000000000",
    "date": "c074323031332d30332d32315432303a30343a30305a",
    "shared reference": "d81d00",
    "packed reference": "c600",
    "record definition": "d9dffe83190100806161",
    "typed array": "d84043010203",
    "bundled strings": "d9dff9820102",
    "something behind": "0000",
    "deep nesting": "81".repeat(100_000) + "00",
  };
  for (const [what, hex] of Object.entries(cases)) {
    let error: unknown;
    try {
      decodeCbor(bytesOf(hex));
    } catch (thrown) {
      error = thrown;
    }
    const isRefused = error instanceof SyntaxError || error instanceof RangeError;
    assertEquals([what, isRefused], [what, true]);
  }
  assertEquals(({} as { a?: number }).a, undefined);
});
