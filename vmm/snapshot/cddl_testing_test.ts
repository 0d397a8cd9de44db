import { assertThrows } from "@std/assert";
import { parseCddl } from "./cddl_parser_testing.ts";
import { CddlMismatch, checkCddl } from "./cddl_testing.ts";

const bytesOf = (hex: string) =>
  Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (two) => parseInt(two, 16));

/** A schema, items that it allows, and items that it refuses with what it says. */
const CASES: readonly {
  readonly schema: string;
  readonly good: readonly string[];
  readonly bad: { readonly [hex: string]: string };
}[] = [
  {
    schema: "a = uint",
    good: ["00", "17", "1bffffffffffffffff"],
    bad: { "20": "a is -1, not uint", "f90000": "a is the float 0, not uint", "60": 'a is ""' },
  },
  {
    schema: "a = int / bool",
    good: ["20", "00", "f4", "f5"],
    bad: { "40": "a is 0 bytes, not int, and a is 0 bytes, not bool" },
  },
  {
    schema: "a = float64",
    good: ["fb3ff0000000000000"],
    bad: { "f93c00": "the float 1, not float64", "01": "a is 1" },
  },
  {
    schema: "a = 0..0x10 / 100.0..200.0",
    good: ["00", "10", "fb4059000000000000", "fb4069000000000000"],
    bad: {
      "11": "a is 17, not from 0 to 16, and a is 17, not from 100.0 to 200.0",
      "1864": "a is 100",
      "fb3ff0000000000000": "the float 1, not from 0 to 16",
      "fb406920000000000a": "the float 201",
    },
  },
  {
    schema: 'a = "x" / 7 / -2',
    good: ["6178", "07", "21"],
    bad: { "6179": 'a is "y", not "x"', "08": "a is 8", "4178": "a is 1 bytes" },
  },
  {
    schema: "a = bstr .size 2",
    good: ["420102"],
    bad: { "4101": "size of a is 1, not 2", "626161": 'a is "aa", not bstr' },
  },
  {
    schema: "a = tstr .size (1..2)",
    good: ["6161", "62c3bc"],
    bad: { "60": "size of a is 0", "64c3bcc3bc": "size of a is 4" },
  },
  {
    schema: 'a = text .regexp "[0-9]{2}"',
    good: ["623132"],
    bad: { "63313233": 'a is "123", not as [0-9]{2}', "6131": "not as" },
  },
  {
    schema: "a = #6.2(bytes .size 8)",
    good: ["c2480000000000000000"],
    bad: {
      "c24100": "size of a is 1",
      "00": "a is 0, not of tag 2",
      "c3480000000000000000": "something of tag 3, not of tag 2",
    },
  },
  {
    schema: "a = bytes .cbor b b = [b: uint, ? c: text]",
    good: ["428107", "43820760"],
    bad: { "4107": "a is 7, not an array", "4481076000": "there is more behind byte 2" },
  },
  {
    schema: "a = { b: uint, ? c: bool, }",
    good: ["a1616201", "a2616201 6163f4", "a26163f4 616201"],
    bad: {
      "a0": "a.b is missing",
      "a1 6163f4": "a.b is missing",
      "a1 616260": 'a.b is ""',
      "a2 616201 616401": "a.d is not in the schema",
      "a2 616201 616202": "a.b is there twice",
      "a2 616201 01f4": "a key that is not text",
      "80": "a is an array, not a map",
    },
  },
  {
    schema: 'a = { b: 1, * text .regexp "x." => uint }',
    good: ["a1616201", "a2616201 627878 05"],
    bad: { "a2616201 6178 05": "a.x is not in the schema", "a2616201 627878 60": 'a.xx is ""' },
  },
  {
    schema: "a = [uint, * text, ? bool, 2*3 bytes]",
    good: ["83 01 40 40", "86 01 60 60 f4 40 40", "84 01 40 40 40"],
    bad: {
      "82 01 40": "a has 2 items: too few",
      "85 01 40 40 40 40": "a has 5 items: too many",
      "84 01 40 40 f4": "a[3] is false, not bytes",
      "83 01 40 60": 'a[2] is "", not bytes',
      "80": "a has 0 items: too few",
      "a0": "a is a map, not an array",
    },
  },
];

for (const { schema, good, bad } of CASES) {
  Deno.test(`CDDL: ${schema}`, () => {
    const rules = parseCddl(schema);
    for (const hex of good) checkCddl(rules, bytesOf(hex));
    for (const [hex, message] of Object.entries(bad)) {
      assertThrows(() => checkCddl(rules, bytesOf(hex)), Error, message);
    }
  });
}

Deno.test("CDDL: any rule may stand for the whole", () => {
  const rules = parseCddl("a = uint b = [a]", ["b"]);
  checkCddl(rules, bytesOf("8107"), "b");
  assertThrows(() => checkCddl(rules, bytesOf("07"), "b"), CddlMismatch, "b is 7, not an array");
});

Deno.test("what is not well-formed is no mismatch", () => {
  const rules = parseCddl("a = any-text any-text = text");
  for (const hex of ["", "61", "6161 00", "7f6161ff", "f6", "1c"]) {
    assertThrows(() => checkCddl(rules, bytesOf(hex)), SyntaxError);
  }
  assertThrows(() => checkCddl(rules, bytesOf("00")), CddlMismatch);
});

Deno.test("a schema beyond the part that is known is refused", () => {
  const cases: { readonly [schema: string]: string } = {
    "a = b": "line 1: there is no rule b",
    "a = uint\nb = uint": "rules that are not used: b",
    "a = uint a = int": "a is there twice",
    "a = { uint => 1 // b: 2 }": "// is no type",
    "a = uint .bits 7": "the operator .bits is not known",
    "a = 0...7": "stands where",
    "a = 0..7.0": "a range goes from a number to one of its kind",
    "a<t> = t": "< stands where = should",
    "a = [* & b]": "& is no type",
    "a /= uint": "/= stands where = should",
    "a = [uint": "the end is no type",
    "a = ~ uint": "~ is no type",
    "a = !": "line 1: this is no CDDL",
    '\n\na = "b': "line 3: this is no CDDL",
  };
  for (const [schema, message] of Object.entries(cases)) {
    assertThrows(() => parseCddl(schema), SyntaxError, message, schema);
  }
});
