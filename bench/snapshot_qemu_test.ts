import { assertEquals, assertThrows } from "@std/assert";
import { snapshotArguments, vmStateBytes } from "./snapshot_qemu.ts";

const WORKLOAD = {
  kind: "linux",
  harts: 1,
  memMiB: 1024,
  firmware: "fw",
  kernel: "Image",
  initrd: "cpio",
  bootargs: "console=ttyS0",
  steps: [],
} as const;

Deno.test("a restored machine is the saved one and what restores it", () => {
  const saved = snapshotArguments(WORKLOAD, "/tmp/image", false);
  const restored = snapshotArguments(WORKLOAD, "/tmp/image", true);
  assertEquals(restored, [...saved, "-loadvm", "guest"]);
});

Deno.test("the drive of the snapshots is no device's", () => {
  const args = snapshotArguments(WORKLOAD, "/tmp/a,b", false);
  assertEquals(
    args.at(args.indexOf("-drive") + 1),
    "if=none,id=snapshots,format=qcow2,file=/tmp/a,,b",
  );
  assertEquals(args.indexOf("-device"), -1);
});

Deno.test("the state's size is that of the snapshot with the name", () => {
  const info = JSON.stringify({
    "virtual-size": 1048576,
    snapshots: [
      { id: "1", name: "other", "vm-state-size": 1 },
      { id: "2", name: "guest", "vm-state-size": 57165179 },
    ],
  });
  assertEquals(vmStateBytes(info, "guest"), 57165179);
  assertThrows(() => vmStateBytes(info, "none"), Error, "no snapshot none");
  assertThrows(() => vmStateBytes("{}", "guest"), Error, "no snapshot guest");
});
