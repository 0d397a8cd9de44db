/**
 * A guest whose console is virtio's instead of a serial port, and a restart of it: lkvm starts the
 * guest anew in the same process.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { scenario } from "himawari";

scenario(
  "a guest talks over a virtio console, and restarts",
  { from: "host-prompt", host: { memMiB: 192 } },
  async ({ host }) => {
    const guest = await host.lkvm({ memMiB: 64, console: "virtio", network: "none" });
    await guest.console.expect("console [hvc0] enabled");
    await guest.console.expect("Mounting...\n");

    assertMatch((await guest.sh`cat /proc/consoles`).out, /^hvc0 /);
    const { out } = await guest.sh`seq 1 2000`;
    assertEquals(out, Array.from({ length: 2000 }, (_, index) => index + 1).join("\n"));

    await guest.sh`touch /home/before`;
    await guest.reboot();
    await guest.console.expect("Mounting...\n");
    assertEquals((await guest.sh`ls /home`).out, "before");
    assertEquals(await guest.powerOff(), 0);
  },
);
