import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_ISA } from "./board_fdt.ts";
import { optionalExtensionsOf } from "./isa_string.ts";

Deno.test("the default ISA string is one that the harts have", () => {
  assertEquals(optionalExtensionsOf(DEFAULT_ISA), ["sstc", "svadu", "svnapot", "svpbmt"]);
});

Deno.test("optional extensions are those named", () => {
  assertEquals(optionalExtensionsOf("rv64gc"), []);
  assertEquals(optionalExtensionsOf("rv64imafdch_smstateen_sscofpmf"), ["smstateen", "sscofpmf"]);
});

Deno.test("what is no ISA string", () => {
  for (const isa of ["", "rv32imac", "RV64GC", "rv64gc_", "rv64gc__sstc", "rv64gc sstc"]) {
    assertThrows(() => optionalExtensionsOf(isa), SyntaxError, "is no ISA string");
  }
});

Deno.test("an extension that the harts lack is refused by name", () => {
  assertThrows(() => optionalExtensionsOf("rv64gcv_zvbb"), RangeError, "do not have v, zvbb");
});

Deno.test("a base that nothing boots on is refused", () => {
  assertThrows(() => optionalExtensionsOf("rv64imac"), RangeError, "isa: f, d missing");
});
