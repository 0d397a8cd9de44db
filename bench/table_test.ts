import { assertEquals } from "@std/assert";
import type { TimeResult } from "./results.ts";
import { formatTable } from "./table.ts";

const SECONDS = { median: 4, min: 3.5, max: 10 };

function flow(qemu: TimeResult["qemu"], report?: Record<string, number>): TimeResult {
  const jit = { setting: "default", ...(report === undefined ? {} : { report }) } as const;
  return {
    measure: "flow",
    pairs: 3,
    ours: { seconds: SECONDS, instructions: 400_000_000, mips: 100, peakRssMiB: 311.5, jit },
    ...(qemu === undefined ? {} : { qemu, ratio: qemu[0]!.ratio }),
    load: 1,
  };
}

const QEMU = {
  version: "7.2",
  seconds: { median: 2, min: 1, max: 3 },
  ratio: { median: 2, min: 1.5, max: 4 },
};

Deno.test("a table of every kind of row", () => {
  const table = formatTable([
    flow([QEMU], { translatedShare: 0.934, translateMs: 100, compileMs: 23.4 }),
    {
      measure: "cpu",
      kernels: 13,
      ours: { seconds: 50, instructions: 5_000_000_000, mips: 100 },
      qemu: [{ version: "7.2", seconds: 10 }],
      ratio: {
        ofSums: 5,
        geometricMean: 4.5,
        worst: { measure: "cpu/sieve", ratio: 9 },
      },
    },
    { measure: "memory", ramMiB: 1024, peakRssMiB: 700.4, barMiB: 1536 },
  ]);
  assertEquals(
    table,
    [
      "measure                       ours s        QEMU 7.2 s         ours/QEMU  M instr.  MIPS                  peak MiB   translated",
      "flow               4.00 (3.50-10.00)  2.00 (1.00-3.00)  2.00 (1.50-4.00)     400.0   100                       312  93%, 123 ms",
      "cpu (13 together)              50.00             10.00              4.50    5000.0   100",
      "memory                                                                                    700 (1024 RAM, bar 1536)",
    ].join("\n"),
  );
});

Deno.test("a column for each QEMU", () => {
  const newer = { ...QEMU, version: "11.1", seconds: { median: 3, min: 3, max: 3 } };
  assertEquals(
    formatTable([flow([QEMU, newer])]),
    [
      "measure             ours s        QEMU 7.2 s       QEMU 11.1 s       ours/faster  M instr.  MIPS  peak MiB  translated",
      "flow     4.00 (3.50-10.00)  2.00 (1.00-3.00)  3.00 (3.00-3.00)  2.00 (1.50-4.00)     400.0   100       312           -",
    ].join("\n"),
  );
});

Deno.test("without QEMU there is no column for one", () => {
  assertEquals(
    formatTable([flow(undefined)]),
    [
      "measure             ours s  ours/QEMU  M instr.  MIPS  peak MiB  translated",
      "flow     4.00 (3.50-10.00)          -     400.0   100       312           -",
    ].join("\n"),
  );
});
