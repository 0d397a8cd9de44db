import { assert, assertEquals, assertFalse } from "@std/assert";
import { ConsoleText } from "./console_text.ts";

function consoleOf(...parts: string[]): ConsoleText {
  const console = new ConsoleText();
  for (const part of parts) console.append(new TextEncoder().encode(part));
  return console;
}

Deno.test("carriage returns and control sequences are dropped", () => {
  assertEquals(consoleOf("a\r\n~ # \x1b[6n\x1b[1;31mred\x1b[m").text, "a\n~ # red");
});

Deno.test("a control sequence may come in pieces", () => {
  assertEquals(consoleOf("~ # \x1b", "[", "6", "nls").text, "~ # ls");
});

Deno.test("a character of several bytes may come in pieces", () => {
  const console = new ConsoleText();
  for (const byte of new TextEncoder().encode("é")) console.append(Uint8Array.of(byte));
  assertEquals(console.text, "é");
});

Deno.test("a pattern is looked for behind the one before", () => {
  const console = consoleOf("~ # lkvm run\n");
  assert(console.consume(/~ # /));
  assertFalse(console.consume(/~ # /));
  assertFalse(console.consume(/Mounting[^]*\/ # /));
  console.append(new TextEncoder().encode("Mounting...\n/ # "));
  assert(console.consume(/Mounting[^]*\/ # /));
});
