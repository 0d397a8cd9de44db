import { assertEquals } from "@std/assert";
import { compare, normalise } from "./compare.ts";

Deno.test("a log is normalised up to the first prompt", () => {
  const log =
    "\nOpenSBI v1.6\r\nPlatform Name      : x\n[    0.000123] smp: Brought up\n\n~ # \x1b[6nls\n";
  assertEquals(normalise(log), ["OpenSBI v1.6", "Platform Name : x", "smp: Brought up"]);
});

Deno.test("equal logs have no differences", () => {
  assertEquals(compare(["a", "b"], ["a", "b"], []), { equal: 2, unexplained: [], idle: [] });
});

Deno.test("a missing, an additional, a changed and a moved line are differences", () => {
  const golden = ["a", "b", "c", "d"];
  assertEquals(compare(golden, ["a", "c", "d"], []).unexplained, ["- b"]);
  assertEquals(compare(golden, ["a", "b", "x", "c", "d"], []).unexplained, ["+ x"]);
  assertEquals(compare(golden, ["a", "b", "C", "d"], []).unexplained, ["- c", "+ C"]);
  assertEquals(compare(golden, ["b", "c", "d", "a"], []).unexplained, ["- a", "+ a"]);
});

Deno.test("explained differences are left out, and idle explanations named", () => {
  const explained = [
    { lines: /^irq \d+$/, in: "both", reason: "numbered as they come" },
    { lines: /^pci/, in: "golden", reason: "no PCI" },
  ] as const;
  assertEquals(compare(["a", "pci 1", "irq 15", "b"], ["a", "irq 12", "c"], explained), {
    equal: 1,
    unexplained: ["- b", "+ c"],
    idle: [],
  });
  assertEquals(compare(["irq 15"], ["irq 12", "pci 1"], explained), {
    equal: 0,
    unexplained: ["+ pci 1"],
    idle: ["/^pci/"],
  });
  // A line that ought to read otherwise is missing.
  assertEquals(compare(["irq 15", "pci 1"], [], explained).idle, ["/^irq \\d+$/"]);
});
