/**
 * A kernel that panics is noticed when it says so, and named, host or guest: no test waits for a timeout,
 * and nobody searches for the cause.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { layer, MachineError, scenario } from "himawari";

const MOST_REPORT_MS = 100;

/** The guest goes down next. */
const doomedGuest = layer(
  "guest without an init",
  { from: "host-prompt", host: { memMiB: 192 } },
  async ({ host }) => {
    const guest = await host.lkvm({ memMiB: 64, network: "none", params: "init=/no/such/init" });
    await guest.console.expect("Run /no/such/init as init process");
    return { guest };
  },
);

scenario(
  "a guest's panic ends what waits for the guest, at once",
  { from: doomedGuest },
  async ({ host, guest }) => {
    const before = host.machine.virtualMs;
    const error = await assertRejects(() => guest.prompt(), MachineError);
    assertEquals(error.verdict, "panic");
    assertStringIncludes(
      error.message,
      "the guest's kernel panicked: Requested init /no/such/init failed (error -2).",
    );
    assertStringIncludes(error.message, "Hardware name: linux,dummy-virt");
    assert(error.virtualMs - before < MOST_REPORT_MS, "the report takes little virtual time");

    // The guest still has the console, and what is meant for the host must not be typed into it.
    await assertRejects(() => host.sh`true`, TypeError, "A guest has the console");

    // lkvm knows it too: with its escape key it ends, and says that this was no good end.
    assertEquals(await guest.stop(), 1);
    assertEquals(await host.sh`true`, { code: 0, out: "" });
  },
);

/** As above; but with panic=-1 the kernel restarts at once. */
const doomedLoop = layer(
  "guest without an init, restarting when it panics",
  { from: "host-prompt", host: { memMiB: 192 } },
  async ({ host }) => {
    const params = "init=/no/such/init panic=-1";
    const guest = await host.lkvm({ memMiB: 64, network: "none", params });
    await guest.console.expect("Run /no/such/init as init process");
    return { guest };
  },
);

scenario(
  "a panic that a scenario waits for is an event like any other",
  { from: doomedLoop },
  async ({ guest }) => {
    await guest.console.expect(/Kernel panic - not syncing: Requested init [^\n]*\n/);
    // lkvm does not let a crash loop.
    assertEquals(await guest.exited(), 1);
  },
);

scenario(
  "the host's panic ends a command at once",
  { from: "host-prompt", host: { memMiB: 128 } },
  async ({ host }) => {
    const before = host.machine.virtualMs;
    const error = await assertRejects(() => host.sh`echo c > /proc/sysrq-trigger`, MachineError);
    assertEquals(error.verdict, "panic");
    assertStringIncludes(error.message, "the host's kernel panicked: sysrq triggered crash");
    assert(error.virtualMs - before < MOST_REPORT_MS, "the report takes little virtual time");
  },
);

const hostWithoutInit = layer(
  "host without a root file system",
  {
    from: "power-on",
    host: { memMiB: 128, bootargs: "console=ttyS0 earlycon=sbi rdinit=/no/such/init" },
  },
  async ({ host }) => {
    await host.console.expect("Freeing initrd memory");
  },
);

scenario(
  "a host without a root file system panics on its way to the prompt",
  { from: hostWithoutInit },
  async ({ host }) => {
    const error = await assertRejects(() => host.prompt(), MachineError);
    assertEquals(error.verdict, "panic");
    assertStringIncludes(error.message, "the host's kernel panicked: VFS: Unable to mount root fs");
  },
);
