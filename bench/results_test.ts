import { assertEquals, assertThrows } from "@std/assert";
import { cpuResult, timeResult } from "./results.ts";

function ourRun(seconds: number, instructions = 400e6, peakRssMiB = 100) {
  return { seconds, instructions, peakRssMiB, consoleText: "" };
}

function qemuRuns(...seconds: number[]) {
  return { version: "7.2", runs: seconds.map((value) => ({ seconds: value, consoleText: "" })) };
}

Deno.test("times, ratios pair by pair, MIPS by the median, largest process", () => {
  const ours = [ourRun(4, 400e6, 100), ourRun(2, 400e6, 120), ourRun(8, 400e6, 110)];
  assertEquals(timeResult("flow", ours, qemuRuns(1, 4, 4), 0.5), {
    measure: "flow",
    pairs: 3,
    ours: {
      seconds: { median: 4, min: 2, max: 8 },
      instructions: 400_000_000,
      mips: 100,
      peakRssMiB: 120,
    },
    qemu: { version: "7.2", seconds: { median: 4, min: 1, max: 4 } },
    ratio: { median: 2, min: 0.5, max: 4 },
    load: 0.5,
  });
});

Deno.test("without QEMU there is no ratio", () => {
  const result = timeResult("flow", [ourRun(3)], undefined, 0);
  assertEquals([result.qemu, result.ratio], [undefined, undefined]);
});

Deno.test("measured numbers are rounded, counts are not", () => {
  const { ours } = timeResult("flow", [ourRun(1.23456789, 123_456_789)], undefined, 0);
  assertEquals([ours.seconds.median, ours.instructions], [1.235, 123_456_789]);
});

Deno.test("runs of ours must not differ in instructions", () => {
  assertThrows(
    () => timeResult("flow", [ourRun(1, 10), ourRun(1, 11)], undefined, 0),
    Error,
    "runs of ours differ in instructions: 10, 11",
  );
});

Deno.test("the cpu group sums medians, and takes the geometric mean of ratios", () => {
  const kernels = [
    timeResult("cpu/a", [ourRun(4, 600e6)], qemuRuns(1), 0),
    timeResult("cpu/b", [ourRun(2, 600e6)], qemuRuns(8), 0),
  ];
  assertEquals(cpuResult(kernels), {
    measure: "cpu",
    kernels: 2,
    ours: { seconds: 6, instructions: 1_200_000_000, mips: 200 },
    qemu: { version: "7.2", seconds: 9 },
    ratio: { ofSums: 0.6667, geometricMean: 1 },
  });
  assertEquals(cpuResult([timeResult("cpu/a", [ourRun(4)], undefined, 0)]).ratio, undefined);
});
