import { assertEquals } from "@std/assert";
import { alignWithin } from "./alignment.ts";

Deno.test("a pattern lies where it differs least", () => {
  assertEquals(alignWithin("abc", "xxabcxx"), { distance: 0, start: 2, end: 5, differing: [] });
  assertEquals(alignWithin("hallo", "say hello!"), {
    distance: 1,
    start: 4,
    end: 9,
    differing: [5],
  });
});

Deno.test("what is too much is marked, and the place where something is missing", () => {
  assertEquals(alignWithin("ab", "a-b").distance, 1);
  assertEquals(alignWithin("abcdef", "abXcdef").differing, [2]);
  assertEquals(alignWithin("abcdef", "abdef").differing, [2]);
  assertEquals(alignWithin("abcdef", "abcde"), { distance: 1, start: 0, end: 5, differing: [5] });
});

Deno.test("of equal places the last counts; an empty text has none", () => {
  assertEquals(alignWithin("ab", "ab ab").start, 3);
  assertEquals(alignWithin("ab", ""), { distance: 2, start: 0, end: 0, differing: [0] });
});
