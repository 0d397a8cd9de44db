import { assertEquals } from "@std/assert";
import { EscapeFilter } from "./escape_filter.ts";

function textOf(stream: string): string {
  const filter = new EscapeFilter();
  return [...stream].filter((character) => filter.accepts(character.codePointAt(0)!)).join("");
}

Deno.test("control sequences are no text (ECMA-48, 5.4)", () => {
  assertEquals(textOf("a\x1b[6nb\x1b[1;31mc\x1b[?25ld\x1b[0 qe"), "abcde");
});

Deno.test("escape sequences are none, with intermediate characters or without (ECMA-35, 13.2)", () => {
  assertEquals(textOf("a\x1b7b\x1b(Bc\x1b=d\x1b\x1bMe"), "abcde");
});

Deno.test("control strings are none, whichever way they end (ECMA-48, 5.6)", () => {
  assertEquals(textOf("a\x1b]0;title\x07b\x1bPdata\x1b\\c\x1b_x\x1b\\d"), "abcd");
});

Deno.test("a line feed ends what was begun", () => {
  assertEquals(textOf("a\x1b[1;\nb\x1b]0;title\nc\x1b\nd"), "a\nb\nc\nd");
});
