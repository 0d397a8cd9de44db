import { assertEquals, assertThrows } from "@std/assert";
import { cpuResult, timeResult } from "./results.ts";

function ourRun(seconds: number, instructions = 400e6, peakRssMiB = 100) {
  return { seconds, instructions, peakRssMiB, consoleText: "", weights: [] };
}

function qemuRuns(version: string, ...seconds: number[]) {
  return { version, runs: seconds.map((value) => ({ seconds: value, consoleText: "" })) };
}

Deno.test("times, ratios pair by pair, MIPS by the median, largest process", () => {
  const ours = [ourRun(4, 400e6, 100), ourRun(2, 400e6, 120), ourRun(8, 400e6, 110)];
  const ratio = { median: 2, min: 0.5, max: 4 };
  assertEquals(timeResult("flow", ours, "off", [qemuRuns("7.2", 1, 4, 4)], 0.5), {
    measure: "flow",
    pairs: 3,
    ours: {
      seconds: { median: 4, min: 2, max: 8 },
      instructions: 400_000_000,
      mips: 100,
      peakRssMiB: 120,
      jit: { setting: "off" },
    },
    qemu: [{ version: "7.2", seconds: { median: 4, min: 1, max: 4 }, ratio }],
    ratio,
    load: 0.5,
  });
});

Deno.test("of several QEMUs the faster counts, whatever their order", () => {
  const ratioOf = (...qemus: number[]) =>
    timeResult("flow", [ourRun(3)], "off", qemus.map((time) => qemuRuns(`${time}`, time)), 0).ratio;
  assertEquals(ratioOf(2, 6)!.median, 1.5);
  assertEquals(ratioOf(6, 2)!.median, 1.5);
});

Deno.test("without QEMU there is no ratio", () => {
  const result = timeResult("flow", [ourRun(3)], "default", [], 0);
  assertEquals([result.qemu, result.ratio], [undefined, undefined]);
});

Deno.test("what translation reported is there, count by count", () => {
  const runs = [1, 2, 9].map((compileMs) => ({ ...ourRun(1), jit: { regions: 5, compileMs } }));
  const { ours } = timeResult("flow", runs, "always", [], 0);
  assertEquals(ours.jit, { setting: "always", report: { regions: 5, compileMs: 2 } });
});

Deno.test("measured numbers are rounded, counts are not", () => {
  const { ours } = timeResult("flow", [ourRun(1.23456789, 123_456_789)], "default", [], 0);
  assertEquals([ours.seconds.median, ours.instructions], [1.235, 123_456_789]);
});

Deno.test("runs of ours must not differ in instructions", () => {
  assertThrows(
    () => timeResult("flow", [ourRun(1, 10), ourRun(1, 11)], "default", [], 0),
    Error,
    "runs of ours differ in instructions: 10, 11",
  );
});

Deno.test("the cpu group sums medians, and takes the geometric mean of ratios and the worst", () => {
  const kernels = [
    timeResult("cpu/a", [ourRun(4, 600e6)], "off", [qemuRuns("7.2", 1), qemuRuns("11.1", 2)], 0),
    timeResult("cpu/b", [ourRun(2, 600e6)], "off", [qemuRuns("7.2", 9), qemuRuns("11.1", 8)], 0),
  ];
  assertEquals(cpuResult(kernels), {
    measure: "cpu",
    kernels: 2,
    ours: { seconds: 6, instructions: 1_200_000_000, mips: 200 },
    qemu: [{ version: "7.2", seconds: 10 }, { version: "11.1", seconds: 10 }],
    ratio: {
      ofSums: 0.6667,
      geometricMean: 1,
      worst: { measure: "cpu/a", ratio: 4 },
    },
  });
  assertEquals(cpuResult([timeResult("cpu/a", [ourRun(4)], "off", [], 0)]).ratio, undefined);
});
