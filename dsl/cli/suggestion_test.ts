import { assertEquals } from "@std/assert";
import { editDistance, suggest } from "./suggestion.ts";

Deno.test("edit distance counts insertions, deletions, replacements and swaps", () => {
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("kernel", "kernel"), 0);
  assertEquals(editDistance("kernel", "kernal"), 1);
  assertEquals(editDistance("kernel", "krenel"), 1);
  assertEquals(editDistance("kernel", "ernels"), 2);
  assertEquals(editDistance("kitten", "sitting"), 3);
});

Deno.test("only what is near is suggested, and the nearest of it", () => {
  const known = ["trace", "trace-only", "harts"];
  assertEquals(suggest("tarce", known), "trace");
  assertEquals(suggest("trace-olny", known), "trace-only");
  assertEquals(suggest("smp", known), undefined);
});
