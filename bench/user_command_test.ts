import { assert, assertEquals, assertFalse, assertMatch, assertThrows } from "@std/assert";
import { checkCommand, dataDigest, timedCommandSteps } from "./user_command.ts";

Deno.test("what is typed does not look like what is waited for", () => {
  const steps = timedCommandSteps("# ", "true");
  for (const { send } of steps) {
    for (const { expect } of steps.slice(1)) {
      assertFalse(new RegExp(expect).test(send ?? ""), `${expect} matches ${send}`);
    }
  }
});

Deno.test("only the command stands between the notes of start and stop", () => {
  const steps = timedCommandSteps("# ", "gzip -c /tmp/data");
  assertEquals(steps.map((step) => step.note), [undefined, undefined, "start", "stop"]);
  assertMatch(steps[1]!.send!, /^echo [^;]*; gzip -c \/tmp\/data; echo [^;]*\n$/);
  // Busybox's line editor drops what is beyond.
  assert(steps.every(({ send = "" }) => send.length < 1000));
});

Deno.test("the digest of the file is a SHA-256", async () => {
  assertMatch(await dataDigest(), /^[0-9a-f]{64}$/);
});

Deno.test("a command's exit status and output are checked", () => {
  const typed = '# echo "command"" begins"; x; echo "command"" ended: $?"\n';
  const console = (output: string, status: number) =>
    `${typed}command begins\n${output}command ended: ${status}\n# `;
  checkCommand(console("abc  /tmp/data\n", 0), "abc");
  checkCommand(console("", 0), "");
  assertThrows(() => checkCommand(console("abd\n", 0), "abc"), Error, "expected abc");
  assertThrows(() => checkCommand(console("", 127), ""), Error, "exit status 127");
  assertThrows(() => checkCommand(typed, ""), Error, "marks are not on the console");
});
