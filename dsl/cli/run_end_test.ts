import { assertEquals } from "@std/assert";
import { reportEnd } from "./run_end.ts";

Deno.test("exit codes of what the guest asked for", () => {
  const code = (kind: "pass" | "fail", value: number) =>
    reportEnd({ reason: "finished", finish: { kind, code: value } }).code;
  assertEquals(code("pass", 0), 0);
  assertEquals(code("fail", 0), 1);
  assertEquals(code("fail", 77), 77);
  assertEquals(code("fail", 255), 255);
  assertEquals(code("fail", 256), 255);
});

Deno.test("ends that are not the guest's", () => {
  assertEquals(reportEnd({ reason: "left" }), { code: 0 });
  assertEquals(reportEnd({ reason: "signal", number: 15 }), { code: 143 });
  assertEquals(reportEnd({ reason: "deadlock", pcs: [0x8000_0004n, 0x10n] }), {
    code: 1,
    message: "every hart waits for an interrupt and none can come (pc 0x80000004, 0x10)",
  });
  assertEquals(reportEnd({ reason: "limit", maxInstructions: 5 }), {
    code: 124,
    message: "stopped after 5 instructions (--max-instructions)",
  });
});
