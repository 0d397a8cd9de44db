/**
 * Time is a function of retired instructions, and nothing else comes in from outside: two machines
 * that are given the same do the same, to the byte and to the instruction, with a guest and all. Whether
 * their code is interpreted or translated to WebAssembly makes no difference.
 */

import { assert, assertEquals } from "@std/assert";
import { Host, type MachineOptions } from "himawari";

/** Boots a host and in it a guest, uses both, and tells all there is to tell. */
async function coldRun(jit: NonNullable<MachineOptions["jit"]>) {
  using host = await Host.boot({ harts: 2, memMiB: 256, jit });
  await host.sh`sleep 10`; // costs nothing: idle time is skipped
  const guest = await host.lkvm({ memMiB: 64, cpus: 2 });
  await guest.sh`head -c 8 /dev/urandom | od -An -tx1; cat /proc/interrupts`;
  const exitStatus = await guest.powerOff();
  await host.sh`cat /proc/stat /proc/uptime /proc/interrupts`;
  const { machine } = host;
  return {
    exitStatus,
    instructions: machine.instructions,
    virtualMs: machine.virtualMs,
    state: await machine.stateHash(),
    console: machine.console.rawTranscript,
  };
}

type Run = Awaited<ReturnType<typeof coldRun>>;

function assertSameRun(
  { console: secondConsole, ...second }: Run,
  { console: firstConsole, ...first }: Run,
): void {
  // The first line that differs says more than that there is one.
  const [firstLines, secondLines] = [firstConsole, secondConsole].map((bytes) =>
    new TextDecoder().decode(bytes).split("\n")
  );
  const at = firstLines!.findIndex((line, index) => line !== secondLines![index]);
  assertEquals(secondLines![at], firstLines![at]);
  assertEquals(secondConsole.length, firstConsole.length);
  assertEquals(second, first);
}

Deno.test("two cold runs are equal in every byte printed, in instructions, time and state", async () => {
  const first = await coldRun(false);
  assertSameRun(await coldRun(false), first);
  assertSameRun(await coldRun({ threshold: 60 }), first);

  assertEquals(first.exitStatus, 0);
  assert(first.instructions > 100_000_000, "the whole flow, not a stub of it");
  assert(first.instructions < first.virtualMs * 1e6 / 10, "ten idle seconds were skipped");
});
