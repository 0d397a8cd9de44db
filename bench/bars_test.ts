import { assertEquals } from "@std/assert";
import { checkBars, formatBars } from "./bars.ts";
import { cpuResult, type TimeResult, timeResult } from "./results.ts";
import { type Sample, snapshotResult } from "./snapshot_result.ts";

/** A measure whose time is so many times QEMU's. */
function measured(measure: string, ratio: number): TimeResult {
  const ours = { seconds: ratio, instructions: 1, peakRssMiB: 1, consoleText: "", weights: [] };
  const runs = [{ seconds: 1, consoleText: "" }];
  return timeResult(measure, [ours], "default", [{ version: "7.2", runs }], 0);
}

function kernels(...ratios: number[]) {
  return cpuResult(ratios.map((ratio, index) => measured(`cpu/${index}`, ratio)));
}

Deno.test("time bars are met from below, speed bars from above, and on the bound", () => {
  const bars = checkBars([
    measured("flow", 0.5),
    measured("host-boot", 0.81),
    measured("user-gzip", 0.5),
    measured("guest-gzip", 0.7),
  ]);
  assertEquals(bars, [
    { what: "user-gzip", quantity: "speed", bound: 1.2, value: 2, isMet: true },
    { what: "guest-gzip", quantity: "speed", bound: 1.5, value: 1.429, isMet: false },
    { what: "host-boot", quantity: "time", bound: 0.8, value: 0.81, isMet: false },
    { what: "flow", quantity: "time", bound: 0.5, value: 0.5, isMet: true },
  ]);
  assertEquals(formatBars(bars).split("\n").slice(1), [
    "user-gzip   speed     2.00  at least 1.2  met",
    "guest-gzip  speed     1.43  at least 1.5  missed",
    "host-boot   time      0.81  at most  0.8  missed",
    "flow        time      0.50  at most  0.5  met",
  ]);
});

Deno.test("the cpu group has a bar for its mean and one for its slowest kernel", () => {
  const [mean, worst] = checkBars([kernels(...Array(9).fill(0.5), 2)]);
  assertEquals(mean!.what, "cpu, geometric mean");
  assertEquals([mean!.value, mean!.isMet], [1.741, true]);
  assertEquals(worst, {
    what: "cpu/9, the slowest",
    quantity: "speed",
    bound: 0.7,
    value: 0.5,
    isMet: false,
  });
});

Deno.test("no bars for a part of the cpu group, for other measures, and without QEMU", () => {
  assertEquals(checkBars([kernels(0.5, 0.5)]), []);
  assertEquals(checkBars([measured("flow-2", 0.5), measured("cpu/crc", 0.5)]), []);
  const { qemu: _qemu, ratio: _ratio, ...alone } = measured("flow", 0.5);
  assertEquals(checkBars([alone]), []);
});

function snapshots(ours: Sample, qemus: readonly Sample[], restoreMs: [number, number[]][] = []) {
  return snapshotResult({
    measure: "snapshot",
    pairs: 1,
    ramMiB: 1024,
    commands: 50,
    jit: "default",
    load: 0,
    ours: [ours],
    restoreMs: new Map(restoreMs),
    qemus: qemus.map((sample) => ({ version: "7.2", samples: [sample], failures: {} })),
  });
}

Deno.test("snapshots have bars in units of their own, all met from below", () => {
  const bars = checkBars([
    snapshots({ warmEchoMs: 33, saveMs: 150.1, chainMB: 9.5, forksPeakMiB: 2048 }, []),
  ]);
  assertEquals(bars, [
    { what: "snapshot warmEchoMs", quantity: "ms", bound: 33, value: 33, isMet: true },
    { what: "snapshot saveMs", quantity: "ms", bound: 150, value: 150.1, isMet: false },
    { what: "snapshot chainMB", quantity: "MB", bound: 24, value: 9.5, isMet: true },
    { what: "snapshot forksPeakMiB", quantity: "MiB", bound: 2048, value: 2048, isMet: true },
  ]);
  assertEquals(formatBars(bars).split("\n").slice(2, 4), [
    "snapshot saveMs        ms      150.10  at most  150  missed",
    "snapshot chainMB       MB        9.50  at most  24  met",
  ]);
});

Deno.test("a restore is held against that of the faster QEMU, in a warm process and in a fresh one", () => {
  const bars = checkBars([
    snapshots({ warmEchoMs: 20 }, [
      { warmEchoMs: 250, freshEchoMs: 400 },
      { warmEchoMs: 160, freshEchoMs: 500 },
      {},
    ]),
  ]);
  assertEquals(bars.slice(1), [
    {
      what: "snapshot warmEchoMs by loadvm",
      quantity: "time",
      bound: 0.1,
      value: 0.125,
      isMet: false,
    },
    {
      what: "snapshot warmEchoMs by -loadvm",
      quantity: "time",
      bound: 0.1,
      value: 0.05,
      isMet: true,
    },
  ]);
});

Deno.test("flat is what grows by little from the least RAM to the most, by the least times", () => {
  const grown = (most: number[]) => checkBars([snapshots({}, [], [[256, [2, 9]], [3072, most]])]);
  assertEquals(grown([3.5, 50]), [
    {
      what: "snapshot growth from 256 to 3072 MiB",
      quantity: "ms",
      bound: 1.5,
      value: 1.5,
      isMet: true,
    },
  ]);
  assertEquals(grown([4])[0]!.isMet, false);
});
