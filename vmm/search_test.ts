import { assert, assertEquals } from "@std/assert";
import { AnySearch, LineSearch, PatternSearch } from "./search.ts";
import { MATCH_WINDOW, Transcript } from "./transcript.ts";

const ENCODER = new TextEncoder();

function append(transcript: Transcript, text: string): void {
  for (const byte of ENCODER.encode(text)) transcript.append(byte);
}

/** After which characters of `text` a pattern is found that was not there before. */
function foundAfter(pattern: string | RegExp, text: string, before = ""): number | undefined {
  const transcript = new Transcript();
  append(transcript, before);
  const search = new PatternSearch(transcript, pattern);
  assertEquals(search.find(), undefined);
  for (let n = 0; n < text.length; n++) {
    append(transcript, text[n]!);
    if (search.findNew() !== undefined) return n + 1;
  }
  return undefined;
}

Deno.test("a pattern is found on the character that completes it", () => {
  assertEquals(foundAfter("two", "one two three"), 7);
  assertEquals(foundAfter(/t\w+ /, "one two three"), 8);
  assertEquals(foundAfter("abc", "c", "xab"), 1);
  assertEquals(foundAfter(/(?:^|\n)~ [#$] $/, "ls\nfile\n~ # ", "~ "), 12);
  assertEquals(foundAfter(/never/, "ever and ever"), undefined);
});

Deno.test("what depends on what follows is found when that has come", () => {
  assertEquals(foundAfter(/ab(?=c)/, "abd abc"), 7);
  assertEquals(foundAfter(/ab(?=\d{3})/, "ab 12 ab1 ab123"), 15);
  assertEquals(foundAfter(/-\b/, "- -x"), 4);
  assertEquals(foundAfter(/x\B/, "x xy"), 4);
  assertEquals(foundAfter(/é+!/u, "aéé!"), 4); // not followed, but asked each time
});

Deno.test("the beginning of the text is what was not consumed, wherever the window is", () => {
  assertEquals(foundAfter(/^x/, `${"a".repeat(5 * MATCH_WINDOW)}x`, "-"), undefined);
  const transcript = new Transcript();
  append(transcript, "prompt");
  transcript.drain();
  const search = new PatternSearch(transcript, /^x/);
  assertEquals(search.find(), undefined);
  append(transcript, "x");
  assertEquals(search.findNew()?.start, 6);
});

Deno.test("text that came in one piece is looked at as a whole", () => {
  const transcript = new Transcript();
  const search = new PatternSearch(transcript, /b(c+)/);
  assertEquals(search.find(), undefined);
  append(transcript, "abccd");
  assertEquals(search.findNew(), { start: 1, text: "bcc", groups: ["cc"] });
  assertEquals(search.findNew(), undefined, "nothing came since");
});

Deno.test("lines are looked at when they have ended, each once", () => {
  const transcript = new Transcript();
  append(transcript, "one\ntw");
  const search = new LineSearch(transcript, /^two?$/);
  assertEquals(search.find(), undefined);
  append(transcript, "o");
  assertEquals(search.findNew(), undefined);
  append(transcript, "\nthree\n");
  assertEquals(search.findNew(), { start: 4, text: "two", groups: [], end: 8 });
});

Deno.test("20 waiting patterns: twice the output is twice the work, and no more", () => {
  const line = "[    0.123456] a line as kernels print them, no more, no less\n";
  const patterns = Array.from(
    { length: 20 },
    (_, n) => n % 2 ? new RegExp(`(no|less) ${n}\\d+$`) : `no ${n}!`,
  );
  const measure = (lines: number) => {
    const transcript = new Transcript();
    const searches = patterns.map((pattern) => new PatternSearch(transcript, pattern));
    const any = new AnySearch(searches);
    assertEquals(any.find(), undefined);
    for (const byte of ENCODER.encode(line.repeat(lines))) {
      transcript.append(byte);
      assert(any.findNew() === undefined);
    }
    const bytes = lines * line.length;
    return searches.reduce((sum, { steps }) => sum + steps, transcript.work) / bytes;
  };
  const [once, twice, fourfold] = [measure(500), measure(1000), measure(2000)];
  // Each pattern looks at a byte once, and it is put into the text's pieces once.
  for (const perByte of [once, twice, fourfold]) assert(perByte <= 21, `${perByte} for each byte`);
});

Deno.test("much output and many matches: what is consumed is not copied again", () => {
  const measure = (matches: number) => {
    const transcript = new Transcript();
    for (let n = 0; n < matches; n++) {
      const search = new PatternSearch(transcript, "$ ");
      assertEquals(search.find(), undefined);
      append(transcript, "x".repeat(997) + "\n$ ");
      transcript.consume(search.findNew()!);
    }
    return transcript.work / transcript.length;
  };
  const [few, many] = [measure(100), measure(800)];
  assert(many < 1.2 * few, `${many} for each character, not ${few}`);
});
