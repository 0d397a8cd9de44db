import { assertEquals } from "@std/assert";
import { EscapeKey } from "./escape_key.ts";

/** Feeds text in pieces; answers what the guest gets and the actions. */
function feed(...pieces: string[]): [string, string[]] {
  const key = new EscapeKey();
  const all = pieces.map((piece) => key.feed(new TextEncoder().encode(piece)));
  const sent = all.map(({ send }) => new TextDecoder().decode(send)).join("");
  return [sent, all.flatMap(({ actions }) => [...actions])];
}

Deno.test("plain keys go to the guest, Ctrl-C and escape sequences too", () => {
  assertEquals(feed("ls\r\x03\x1b[A"), ["ls\r\x03\x1b[A", []]);
});

Deno.test("Ctrl-A x leaves", () => {
  assertEquals(feed("a\x01xb"), ["ab", ["leave"]]);
  assertEquals(feed("a\x01", "xb"), ["ab", ["leave"]]);
});

Deno.test("Ctrl-A Ctrl-A sends one; x after it is a plain key", () => {
  assertEquals(feed("\x01\x01x"), ["\x01x", []]);
  assertEquals(feed("\x01\x01\x01x"), ["\x01", ["leave"]]);
});

Deno.test("Ctrl-A h or ? helps", () => {
  assertEquals(feed("\x01h\x01?"), ["", ["help", "help"]]);
});

Deno.test("Ctrl-A with another key is dropped with it", () => {
  assertEquals(feed("a\x01zb"), ["ab", []]);
});
