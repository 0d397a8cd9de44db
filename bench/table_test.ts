import { assertEquals } from "@std/assert";
import { formatTable } from "./table.ts";

Deno.test("a table of every kind of result", () => {
  const seconds = { median: 4, min: 3.5, max: 10 };
  const table = formatTable([
    {
      measure: "flow",
      pairs: 3,
      ours: { seconds, instructions: 400_000_000, mips: 100, peakRssMiB: 311.5 },
      qemu: { version: "7.2", seconds: { median: 2, min: 1, max: 3 } },
      ratio: { median: 2, min: 1.5, max: 4 },
      load: 1,
    },
    {
      measure: "host-boot",
      pairs: 1,
      ours: { seconds, instructions: 1_550_000, mips: 0.4, peakRssMiB: 99 },
      load: 1,
    },
    {
      measure: "cpu",
      kernels: 13,
      ours: { seconds: 50, instructions: 5_000_000_000, mips: 100 },
      qemu: { version: "7.2", seconds: 10 },
      ratio: { ofSums: 5, geometricMean: 4.5 },
    },
    { measure: "memory", ramMiB: 1024, peakRssMiB: 700.4, barMiB: 1536 },
  ]);
  assertEquals(
    table,
    [
      "measure                       ours s            QEMU s         ours/QEMU  M instr.  MIPS                  peak MiB",
      "flow               4.00 (3.50-10.00)  2.00 (1.00-3.00)  2.00 (1.50-4.00)     400.0   100                       312",
      "host-boot          4.00 (3.50-10.00)                 -                 -       1.6     0                        99",
      "cpu (13 together)              50.00             10.00              4.50    5000.0   100",
      "memory                                                                                    700 (1024 RAM, bar 1536)",
    ].join("\n"),
  );
});
