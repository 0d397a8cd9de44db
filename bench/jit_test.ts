import { assertEquals, assertThrows } from "@std/assert";
import { jitOptions, medianJitReport, parseJitSetting } from "./jit.ts";

Deno.test("settings and the machine's option for each", () => {
  const optionsOf = (text: string) => jitOptions(parseJitSetting(text));
  assertEquals(optionsOf("default"), {});
  assertEquals(optionsOf("off"), { jit: false });
  assertEquals(optionsOf("always"), { jit: { threshold: 1, batch: 1 } });
  assertEquals(optionsOf("40"), { jit: { threshold: 40 } });
});

Deno.test("what is no setting is refused", () => {
  for (const text of ["on", "", "0", "-1", "01", "1.5", " 1"]) {
    assertThrows(() => parseJitSetting(text), TypeError, "expected off, always, default");
  }
});

Deno.test("reports of several runs become one, count by count", () => {
  const reports = [{ regions: 3, compileMs: 9 }, { regions: 3, compileMs: 1 }, {
    regions: 3,
    compileMs: 2.00001,
  }];
  assertEquals(medianJitReport(reports), { regions: 3, compileMs: 2 });
  assertEquals(medianJitReport([undefined, undefined]), undefined);
  assertEquals(medianJitReport([]), undefined);
});
