/**
 * Time is a function of retired instructions, and nothing else comes in from outside: two machines
 * that are given the same do the same, to the byte and to the instruction, with a guest and all. Whether
 * their code is interpreted or translated to WebAssembly makes no difference, nor whether part of it was
 * done before, by a machine of which a snapshot was kept.
 */

import { assert, assertEquals } from "@std/assert";
import type { JitOptions } from "../core/jit/jit_options.ts";
import { SnapshotStore } from "../vmm/snapshot/store.ts";
import type { Guest } from "./guest.ts";
import { openLayer } from "./layers/open.ts";

/** Boots a host and in it a guest, or restores them, uses both, and tells all there is to tell. */
async function run(jit: JitOptions | false, store?: SnapshotStore) {
  const opened = await openLayer("guest-prompt", {
    host: { harts: 2, memMiB: 256, jit },
    guest: { memMiB: 64, cpus: 2 },
    store,
    warn: (line) => assert(false, line),
  });
  using host = opened.host;
  const guest = opened.made["guest"] as Guest;
  await guest.sh`head -c 8 /dev/urandom | od -An -tx1; cat /proc/interrupts`;
  const exitStatus = await guest.powerOff();
  await host.sh`sleep 10`; // costs nothing: idle time is skipped
  await host.sh`cat /proc/stat /proc/uptime /proc/interrupts`;
  const { machine } = host;
  return {
    how: opened.outcomes.map(({ how }) => how),
    console: machine.console.rawTranscript,
    facts: {
      exitStatus,
      instructions: machine.instructions,
      virtualMs: machine.virtualMs,
      state: await machine.stateHash(),
    },
  };
}

type Run = Awaited<ReturnType<typeof run>>;

function assertSameRun(second: Run, first: Run): void {
  // The first line that differs says more than that there is one.
  const [firstLines, secondLines] = [first, second].map(({ console }) =>
    new TextDecoder().decode(console).split("\n")
  );
  const at = firstLines!.findIndex((line, index) => line !== secondLines![index]);
  assertEquals(secondLines![at], firstLines![at]);
  assertEquals(second.console.length, first.console.length);
  assertEquals(second.facts, first.facts);
}

Deno.test("runs are equal in every byte printed, in instructions, time and state", async () => {
  const first = await run(false);
  assertSameRun(await run(false), first);

  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  const store = SnapshotStore.open(directory);
  try {
    const stored = await run({ threshold: 60 }, store);
    assertEquals(stored.how, ["stored", "stored"]);
    assertSameRun(stored, first);
    const restored = await run({ threshold: 60 }, store);
    assertEquals(restored.how, ["restored", "restored"]);
    assertSameRun(restored, first);
    assertSameRun(await run(false, store), first);
  } finally {
    store.close();
    Deno.removeSync(directory, { recursive: true });
  }

  const { exitStatus, instructions, virtualMs } = first.facts;
  assertEquals(exitStatus, 0);
  assert(instructions > 100_000_000, "the whole flow, not a stub of it");
  assert(instructions < virtualMs * 1e6 / 10, "ten idle seconds were skipped");
});
