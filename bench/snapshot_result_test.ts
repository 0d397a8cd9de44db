import { assertEquals } from "@std/assert";
import {
  formatSnapshots,
  type QemuSnapshotRuns,
  type SnapshotMeasurements,
  snapshotResult,
} from "./snapshot_result.ts";

function measurements(qemus: readonly QemuSnapshotRuns[]): SnapshotMeasurements {
  return {
    measure: "snapshot",
    pairs: 3,
    ramMiB: 1024,
    commands: 50,
    jit: "default",
    load: 0.51234,
    ours: [10, 12.3456, 30].map((warmEchoMs) => ({ warmEchoMs, saveMs: 200, chainMB: 9.5 })),
    restoreMs: new Map([[256, [2, 1, 3]], [3072, [2.5]]]),
    qemus,
  };
}

function runs(
  version: string,
  samples: QemuSnapshotRuns["samples"],
  failures: QemuSnapshotRuns["failures"] = {},
): QemuSnapshotRuns {
  return { version, samples, failures };
}

const SAVES = [{ saveMs: 100 }, { saveMs: 50 }, { saveMs: 400 }];

Deno.test("summaries of what was measured, restores by the host's RAM", () => {
  const { snapshots, restores, load, qemu } = snapshotResult(measurements([]));
  assertEquals(snapshots, {
    warmEchoMs: { median: 12.35, min: 10, max: 30 },
    saveMs: { median: 200, min: 200, max: 200 },
    chainMB: { median: 9.5, min: 9.5, max: 9.5 },
  });
  assertEquals(restores, [
    { ramMiB: 256, ms: { median: 2, min: 1, max: 3 } },
    { ramMiB: 3072, ms: { median: 2.5, min: 2.5, max: 2.5 } },
  ]);
  assertEquals([load, qemu], [0.5123, undefined]);
});

Deno.test("ratios pair by pair; our warm restore by QEMU's in a fresh process too", () => {
  const [qemu] = snapshotResult(measurements([
    runs("11.1", SAVES.map((sample) => ({ ...sample, warmEchoMs: 100, freshEchoMs: 200 }))),
  ])).qemu!;
  assertEquals(qemu!.ratio, {
    warmEchoMs: { median: 0.1235, min: 0.1, max: 0.3 },
    saveMs: { median: 2, min: 0.5, max: 4 },
  });
  assertEquals(qemu!.warmByFresh, { median: 0.06173, min: 0.05, max: 0.15 });
  assertEquals(qemu!.values.freshEchoMs, { median: 200, min: 200, max: 200 });
  assertEquals(qemu!.failures, {});
});

Deno.test("a pair in which QEMU failed has no ratio, and what failed is told", () => {
  const samples = [{ saveMs: 100, freshEchoMs: undefined }, { saveMs: 100, freshEchoMs: 50 }, {}];
  const [qemu] = snapshotResult(measurements([
    runs("7.2", samples, { "-loadvm": ["no answer\nconsole", "no answer"], savevm: [] }),
  ])).qemu!;
  assertEquals(qemu!.warmByFresh, { median: 0.2469, min: 0.2469, max: 0.2469 });
  assertEquals(qemu!.ratio.saveMs, { median: 2, min: 2, max: 2 });
  assertEquals(qemu!.ratio.freshEchoMs, undefined);
  assertEquals(qemu!.failures, { "-loadvm": ["no answer\nconsole", "no answer"] });
});

Deno.test("a table with a row for each quantity, and what failed below", () => {
  const result = snapshotResult(measurements([
    runs("7.2", SAVES, { loadvm: ["no answer\nconsole"] }),
    runs("11.1", SAVES.map((sample) => ({ ...sample, freshEchoMs: 200 }))),
  ]));
  assertEquals(formatSnapshots(result).split("\n"), [
    "snapshot (3 pairs, 1024 MiB RAM, 50 commands)                   ours        QEMU 7.2         ours/QEMU       QEMU 11.1         ours/QEMU",
    "restore to the guest's echo, warm process, ms       12.3 (10.0-30.0)               -                 -               -                 -",
    "save, everything new, ms                                         200  100 (50.0-400)  2.00 (0.50-4.00)  100 (50.0-400)  2.00 (0.50-4.00)",
    "on disk, with all layers below, MB                              9.50               -                 -               -                 -",
    "restore to the first instruction with 256 MiB, ms   2.00 (1.00-3.00)               -                 -               -                 -",
    "restore to the first instruction with 3072 MiB, ms              2.50               -                 -               -                 -",
    "ours in a warm process by QEMU 11.1 in a fresh one: 0.06 (0.05-0.15)",
    "QEMU 7.2, loadvm: failed once: no answer",
  ]);
});
