import { assertEquals, assertThrows } from "@std/assert";
import { commandLine, quote } from "./command_line.ts";

Deno.test("a plain word needs no quotes", () => {
  assertEquals(quote("/apps/lkvm-static"), "/apps/lkvm-static");
  assertEquals(quote("mode=user,x:1%+@"), "mode=user,x:1%+@");
});

Deno.test("anything else is quoted, the empty word too", () => {
  assertEquals(quote(""), "''");
  assertEquals(quote("a b"), "'a b'");
  assertEquals(quote('$HOME `x` "y" \\ !'), "'$HOME `x` \"y\" \\ !'");
  assertEquals(quote("it's"), "'it'\\''s'");
  assertEquals(quote("größe"), "'größe'");
});

Deno.test("control characters are escaped, as a terminal would act on them", () => {
  assertEquals(quote("a\tb"), "$'a\\011b'");
  assertEquals(quote("\x031"), "$'\\0031'");
  assertEquals(quote("it's\n\\"), "$'it\\'s\\n\\\\'");
  assertThrows(() => quote("a\0b"), TypeError, "A word has a NUL");
});

Deno.test("what is interpolated is quoted, lists are words", () => {
  assertEquals(commandLine`true`, "true");
  assertEquals(
    commandLine`a ${"x y"} ${1} ${2n} ${["p", "q r", 3]} ${[]}z`,
    "a 'x y' 1 2 p 'q r' 3 z",
  );
});

Deno.test("other values are refused", () => {
  const undefinedWord = undefined as unknown as string;
  assertThrows(
    () => commandLine`ls ${undefinedWord}`,
    TypeError,
    "A command takes text, numbers and lists of these, not undefined",
  );
  assertThrows(() => commandLine`ls ${null as unknown as string}`, TypeError, "not null");
  assertThrows(() => commandLine`ls ${[undefinedWord]}`, TypeError, "not undefined");
  assertThrows(() => commandLine`ls ${{} as unknown as string}`, TypeError, "not object");
});
