/**
 * Two guests at the same time, in the background of the host's shell: each reads its console from a
 * FIFO and writes it to a log. `lkvm list` shows them, `lkvm stop` ends one, the other powers off.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Host, layer, lkvmCommand, scenario } from "himawari";

/** Starts a guest in the background; file descriptor `fd` of the host's shell is its keyboard. */
async function start(host: Host, name: string, fd: number, cpus: number): Promise<void> {
  const command = lkvmCommand({ name, memMiB: 64, cpus, network: "none" });
  await host.run(
    `mkfifo /tmp/${name}.keys; ${command} < /tmp/${name}.keys > /tmp/${name}.log 2>&1 &`,
  );
  await host.run(`${name}=$!; exec ${fd}> /tmp/${name}.keys`);
}

/** Waits until a guest has printed a line that begins with `text`. */
async function printed(host: Host, name: string, text: string): Promise<void> {
  const { code } = await host.sh`until grep -q ${
    "^" + text
  } /tmp/${name}.log; do usleep 20000; done`;
  assertEquals(code, 0);
}

const annAndBob = layer(
  "two guests, ann and bob",
  { from: "host-prompt", host: { harts: 2, memMiB: 384 } },
  async ({ host }) => {
    await start(host, "ann", 3, 1);
    await start(host, "bob", 4, 2);
    await printed(host, "ann", "/ # ");
    await printed(host, "bob", "/ # ");

    // Each has its own CPUs, and answers on its own console.
    await host.sh`echo 'echo $(nproc) CPU here' >&3; echo 'echo $(nproc) CPUs here' >&4`;
    await printed(host, "ann", "1 CPU here");
    await printed(host, "bob", "2 CPUs here");
  },
);

scenario(
  "two guests run side by side and are told apart",
  { from: annAndBob },
  async ({ host }) => {
    const list = (await host.sh`lkvm list`).out;
    assertMatch(list, /\d+ ann +running/);
    assertMatch(list, /\d+ bob +running/);

    // A name is taken as long as its guest runs.
    const again = await host.run(lkvmCommand({ name: "ann" }));
    assertEquals(again.code, 1);
    assertStringIncludes(again.out, "Fatal: A guest named ann is already running");
  },
);

const annAndBobGone = layer("two guests, gone", { from: annAndBob }, async ({ host }) => {
  assertEquals((await host.sh`lkvm stop --name ann; wait $ann`).code, 0);
  const rest = (await host.sh`lkvm list`).out;
  assertEquals([rest.includes("ann"), rest.includes("bob")], [false, true]);
  assertEquals((await host.sh`echo poweroff -f >&4; wait $bob`).code, 0);
});

scenario("two guests end each in its own way", { from: annAndBobGone }, async ({ host }) => {
  assertStringIncludes(
    (await host.sh`tail -n 2 /tmp/bob.log`).out,
    "# KVM session ended normally.",
  );
});
