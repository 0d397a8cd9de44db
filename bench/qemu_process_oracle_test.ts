import { assertEquals, assertRejects } from "@std/assert";
import { DEFAULT_QEMU, findQemu, type Qemu } from "./qemu.ts";
import { QemuProcess } from "./qemu_process.ts";

/** A machine that is never started. */
const PAUSED = [
  ...["-machine", "virt", "-m", "64", "-bios", "none", "-S"],
  ...["-nodefaults", "-nographic", "-serial", "mon:stdio"],
];

const found = await findQemu(DEFAULT_QEMU);
const ignore = "missing" in found;
if (ignore) console.log(`qemu_process_oracle_test: skipped, ${found.missing}`);
const qemu = found as Qemu;

Deno.test({
  name: "the monitor answers commands one after the other, and its errors are thrown",
  ignore,
  async fn() {
    await using process = new QemuProcess(qemu, PAUSED, 10_000);
    const status = await process.command("info status");
    assertEquals(status.answer, "VM status: paused (prelaunch)");
    await assertRejects(() => process.command("savevm x"), Error, "savevm x: Error: ");
    assertEquals((await process.command("info status")).answer, status.answer);
  },
});

Deno.test({
  name: "what is not printed in time is an error that says so",
  ignore,
  async fn() {
    await using process = new QemuProcess(qemu, PAUSED, 200);
    await assertRejects(() => process.expect(/login/), Error, "did not print /login/ within 0.2 s");
  },
});

Deno.test({
  name: "a QEMU that ends says why",
  ignore,
  async fn() {
    await using process = new QemuProcess(qemu, ["-machine", "nonesuch"], 10_000);
    await assertRejects(() => process.expect(/login/), Error, "unsupported machine type");
  },
});
