import { assertRejects } from "@std/assert";
import { SnapshotProcess } from "./snapshot_process.ts";

Deno.test("what a process says before it ends is in the error, request by request", async () => {
  const settings = { store: "bench/.build/none", memMiB: 64, jit: "fast" };
  await using process = new SnapshotProcess(settings, 30_000);
  for (const kind of ["make", "restore"] as const) {
    await assertRejects(
      () => process.ask({ kind }),
      Error,
      `ours, ${kind}: --jit="fast": give off`,
    );
  }
});

Deno.test("a process that takes too long is ended", async () => {
  const settings = { store: "bench/.build/none", memMiB: 64, jit: "off" };
  await using process = new SnapshotProcess(settings, 1);
  await assertRejects(
    () => process.ask({ kind: "restore" }),
    Error,
    "ours, restore: not done after 0.001 s",
  );
});
