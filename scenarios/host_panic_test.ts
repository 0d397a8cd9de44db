/**
 * The host's own panic is noticed at once as well, and not taken for the guest's.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MachineError, scenario } from "himawari";

scenario(
  "the host's panic ends a command at once",
  { from: "host-prompt", host: { memMiB: 128 } },
  async ({ host }) => {
    const before = host.machine.virtualMs;
    const error = await assertRejects(
      () => host.sh`echo c > /proc/sysrq-trigger`,
      MachineError,
    );
    assertEquals(error.verdict, "panic");
    assertStringIncludes(error.message, "the host's kernel panicked: sysrq triggered crash");
    assert(error.virtualMs - before < 100, "the report takes milliseconds of virtual time");
  },
);

scenario(
  "a host without a root file system panics on its way to the prompt",
  {
    from: "power-on",
    host: { memMiB: 128, bootargs: "console=ttyS0 earlycon=sbi rdinit=/no/such/init" },
  },
  async ({ host }) => {
    const error = await assertRejects(() => host.prompt(), MachineError);
    assertEquals(error.verdict, "panic");
    assertStringIncludes(error.message, "the host's kernel panicked: VFS: Unable to mount root fs");
  },
);
