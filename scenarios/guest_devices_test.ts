/**
 * A guest with a random number generator and a second shared directory; its device tree is written out,
 * and read here.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { scenario } from "himawari";

scenario(
  "a guest has entropy and a shared directory, and its device tree can be looked at",
  { from: "host-prompt", host: { memMiB: 256 } },
  async ({ host }) => {
    await host.run("mkdir /tmp/share && echo from the host > /tmp/share/note");
    const guest = await host.lkvm({
      memMiB: 64,
      network: "none",
      args: ["--rng", "--9p", "/tmp/share,pinboard", "--dump-dtb", "/tmp/guest.dtb"],
    });

    assertEquals((await guest.sh`cat /sys/class/misc/hw_random/rng_current`).out, "virtio_rng.0");
    assertEquals((await guest.run("head -c 64 /dev/hwrng | wc -c")).out, "64");

    await guest.run(
      "mkdir -p /tmp/m && mount -t 9p -o trans=virtio,version=9p2000.L pinboard /tmp/m",
    );
    assertEquals((await guest.sh`cat /tmp/m/note`).out, "from the host");
    await guest.run("echo from the guest > /tmp/m/answer");
    assertEquals(await guest.powerOff(), 0);

    assertEquals((await host.sh`cat /tmp/share/answer`).out, "from the guest");
    assertMatch((await host.run("head -c 4 /tmp/guest.dtb | hexdump -C")).out, /d0 0d fe ed/);
  },
);
