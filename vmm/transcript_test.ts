import { assertEquals } from "@std/assert";
import { MATCH_WINDOW, Transcript } from "./transcript.ts";

function append(transcript: Transcript, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  for (const byte of bytes) transcript.append(byte);
}

function transcriptOf(text: string | Uint8Array): Transcript {
  const transcript = new Transcript();
  append(transcript, text);
  return transcript;
}

Deno.test("text has no carriage returns and escape sequences; the raw bytes have", () => {
  const stream = "~ # \x1b[6nls\r\nfile\r\n";
  const transcript = transcriptOf(stream);
  assertEquals(transcript.text, "~ # ls\nfile\n");
  assertEquals(transcript.length, transcript.text.length);
  assertEquals(transcript.raw, new TextEncoder().encode(stream));
});

Deno.test("UTF-8 is decoded, a byte at a time", () => {
  assertEquals(transcriptOf("grün 向日葵 🌻!").text, "grün 向日葵 🌻!");
});

Deno.test("a broken character does not swallow what follows", () => {
  assertEquals(transcriptOf(Uint8Array.of(0x61, 0xe5, 0x90, 0x62, 0x63)).text, "a\ufffdbc");
  assertEquals(
    transcriptOf(Uint8Array.of(0xff, 0x0a, 0xc3, 0x0a, 0xbc)).text,
    "\ufffd\n\ufffd\n\ufffd",
  );
});

Deno.test("a byte-order mark is text like any other", () => {
  assertEquals(transcriptOf("\ufeffa").text, "\ufeffa");
});

Deno.test("a match consumes up to its end, and tells what came before", () => {
  const transcript = transcriptOf("one two three two");
  const found = transcript.find("two")!;
  assertEquals(found, { start: 4, text: "two", groups: [] });
  assertEquals(transcript.pending, "one two three two");
  assertEquals(transcript.consume(found), { text: "two", groups: [], before: "one " });
  assertEquals(transcript.pending, " three two");
  assertEquals(transcript.consume(transcript.find(/t(w)(x)?o/)!), {
    text: "two",
    groups: ["w", undefined],
    before: " three ",
  });
  assertEquals(transcript.find("two"), undefined);
  assertEquals(transcript.findAtEnd("two"), undefined);
});

Deno.test("a pattern with the flag g or y starts over each time", () => {
  const transcript = transcriptOf("abc");
  const pattern = /b/g;
  assertEquals(transcript.find(pattern)?.start, 1);
  assertEquals(transcript.find(pattern)?.start, 1);
});

Deno.test("what is pending is found however far back; at the end only in a window", () => {
  const transcript = transcriptOf("needle");
  append(transcript, "x".repeat(3 * MATCH_WINDOW));
  assertEquals(transcript.find("needle")?.start, 0);
  assertEquals(transcript.findAtEnd("needle"), undefined);
  append(transcript, "needle");
  assertEquals(transcript.findAtEnd("needle")?.start, 6 + 3 * MATCH_WINDOW);
});

Deno.test("draining consumes everything", () => {
  const transcript = transcriptOf("abc");
  assertEquals(transcript.drain(), "abc");
  assertEquals(transcript.drain(), "");
  append(transcript, "def");
  assertEquals(transcript.pending, "def");
  assertEquals(transcript.findAtEnd("c"), undefined);
});

Deno.test("the last lines, without an empty one at the end", () => {
  assertEquals(transcriptOf("").lastLines(3), []);
  assertEquals(transcriptOf("a\nb\nc\n").lastLines(2), ["b", "c"]);
  assertEquals(transcriptOf("a\n\n~ # ").lastLines(5), ["a", "", "~ # "]);
});
