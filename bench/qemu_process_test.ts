import { assert, assertEquals } from "@std/assert";
import { monitorAnswer, monitoredArguments } from "./qemu_process.ts";

const WORKLOAD = {
  kind: "linux",
  harts: 1,
  memMiB: 512,
  firmware: "fw",
  kernel: "Image",
  initrd: "cpio",
  bootargs: "console=ttyS0",
  steps: [],
} as const;

Deno.test("the monitor shares the console's input and output", () => {
  const args = monitoredArguments(WORKLOAD);
  assertEquals(args[args.indexOf("-serial") + 1], "mon:stdio");
  assert(!args.includes("stdio"));
});

Deno.test("the monitor's answer is between the line that it repaints and its next prompt", () => {
  assertEquals(monitorAnswer("iininfinfo\nVM status: running\n(qemu) "), "VM status: running");
  assertEquals(monitorAnswer("ssasavevm x\n(qemu) "), "");
  assertEquals(monitorAnswer("x\nError: one\ntwo\n(qemu) "), "Error: one\ntwo");
});
