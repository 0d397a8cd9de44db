/**
 * Random numbers: the host has an entropy device, whose bytes follow from the machine's seed. Forks of
 * one machine draw the same, until each is given a seed of its own.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { layer, type Machine, scenario } from "himawari";

const HOST = { memMiB: 128 };

/** 16 bytes from the device, but the first: the kernel had fetched that before. */
async function draw(machine: Machine): Promise<string> {
  machine.console.send("head -c 16 /dev/hwrng | od -An -tx1\n");
  const { groups } = await machine.console.expect(/\n [0-9a-f]{2}((?: [0-9a-f]{2}){15})\n/);
  return groups[0]!;
}

const muchDrawn = layer(
  "much entropy drawn",
  { from: "host-prompt", host: HOST },
  async ({ host }) => {
    assertEquals((await host.sh`head -c 100000 /dev/hwrng | wc -c`).out, "100000");
  },
);

scenario(
  "the kernel takes the entropy device",
  { from: muchDrawn },
  async ({ host }) => {
    assertEquals(
      (await host.sh`cat /sys/class/misc/hw_random/rng_current`).out,
      "virtio_rng.0",
    );
    assertMatch((await host.sh`grep virtio0 /proc/interrupts`).out, /SiFive PLIC +8 Edge/);
  },
);

scenario(
  "forks with different seeds draw different bytes, with equal seeds equal ones",
  { from: "host-prompt", host: HOST },
  async ({ machine }) => {
    const drawn: Record<string, string> = {};
    for (const [name, seed] of [["a", 1], ["b", 2], ["a again", 1], ["c"], ["c again"]] as const) {
      using fork = machine.fork();
      if (seed !== undefined) fork.reseed(seed);
      drawn[name] = await draw(fork);
    }
    assertEquals(drawn["a again"], drawn["a"]);
    assertEquals(drawn["c again"], drawn["c"]);
    assertEquals(new Set(Object.values(drawn)).size, 3);
  },
);
