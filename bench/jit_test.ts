import { assertEquals } from "@std/assert";
import { medianJitReport } from "./jit.ts";

Deno.test("reports of several runs become one, count by count", () => {
  const reports = [{ regions: 3, compileMs: 9 }, { regions: 3, compileMs: 1 }, {
    regions: 3,
    compileMs: 2.00001,
  }];
  assertEquals(medianJitReport(reports), { regions: 3, compileMs: 2 });
  assertEquals(medianJitReport([undefined, undefined]), undefined);
  assertEquals(medianJitReport([]), undefined);
});
