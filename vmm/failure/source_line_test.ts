import { assert, assertEquals } from "@std/assert";
import { findSourceLine, noteCallSite } from "./source_line.ts";

const ROOT = new URL("../../", import.meta.url).href;

Deno.test("who asked is found behind frames of ours, with the line", () => {
  const stack = `Error
    at noteCallSite (${ROOT}vmm/failure/source_line.ts:30:16)
    at Console.expect (${ROOT}vmm/console.ts:300:10)
    at async Shell.run (${ROOT}dsl/shell.ts:100:5)
    at async ext:core/01_core.js:5:5
    at async fn (${ROOT}scenarios/boot_test.ts:2:9)
    at async file:///elsewhere/test.ts:1:1`;
  const read = (url: URL) =>
    url.href.endsWith("scenarios/boot_test.ts") ? "first\n  await host.prompt();\n" : undefined;
  assertEquals(findSourceLine({ stack }, read), {
    location: "scenarios/boot_test.ts:2:9",
    text: "await host.prompt();",
  });
});

Deno.test("tests of ours are users; files elsewhere have their whole path", () => {
  const read = () => undefined;
  const at = (file: string) =>
    findSourceLine({ stack: `Error\n    at ${file}:7:3` }, read)?.location;
  assertEquals(at(`${ROOT}vmm/console_test.ts`), "vmm/console_test.ts:7:3");
  assertEquals(at("file:///my/boot_test.ts"), "/my/boot_test.ts:7:3");
  assertEquals(at(`${ROOT}mod.ts`), undefined);
  assertEquals(findSourceLine({}, read), undefined);
});

Deno.test("a real call, from wherever it was noted", async () => {
  const site = await (async () => {
    await Promise.resolve();
    return noteCallSite();
  })();
  const line = findSourceLine(site, () => undefined);
  assert(line?.location.startsWith("vmm/failure/source_line_test.ts:"), line?.location);
});
