/**
 * A guest whose kernel panics is noticed when it says so, and named: no test waits for a timeout, and
 * nobody searches the host for the cause. The host goes on.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MachineError, scenario } from "himawari";

scenario(
  "a guest's panic ends what waits for the guest, at once",
  { from: "host-prompt", host: { memMiB: 192 } },
  async ({ host }) => {
    const guest = await host.lkvm({ memMiB: 64, network: "none", params: "init=/no/such/init" });
    await guest.console.expect("Run /no/such/init as init process");

    const before = host.machine.virtualMs;
    const error = await assertRejects(() => guest.prompt(), MachineError);
    assertEquals(error.verdict, "panic");
    assertStringIncludes(
      error.message,
      "the guest's kernel panicked: Requested init /no/such/init failed (error -2).",
    );
    assertStringIncludes(error.message, "Hardware name: linux,dummy-virt");
    assert(error.virtualMs - before < 100, "the report takes milliseconds of virtual time");

    // The guest still has the console, and what is meant for the host must not be typed into it.
    await assertRejects(() => host.sh`true`, TypeError, "A guest has the console");

    // lkvm knows it too: with its escape key it ends, and says that this was no good end.
    assertEquals(await guest.stop(), 1);
    assertEquals(await host.sh`true`, { code: 0, out: "" });
  },
);

scenario(
  "a panic that a scenario waits for is an event like any other",
  { from: "host-prompt", host: { memMiB: 192 } },
  async ({ host }) => {
    // With panic=-1 the kernel restarts at once; lkvm does not let a crash loop.
    const guest = await host.lkvm({
      memMiB: 64,
      network: "none",
      params: "init=/no/such/init panic=-1",
    });
    await guest.console.expect(/Kernel panic - not syncing: Requested init [^\n]*\n/);
    assertEquals(await guest.exited(), 1);
  },
);
