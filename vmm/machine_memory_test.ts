// RAM is reserved, not used: what a machine costs the host follows what its guest touches.

import { assert } from "@std/assert";
import { bareMachine } from "./machine_test_support.ts";

const MIB = 1 << 20;
/** Room for the garbage of other tests in the same process. */
const SLACK_BYTES = 400 * MIB;

Deno.test("machines of 1 GiB that touch little cost little", async () => {
  const before = Deno.memoryUsage().rss;
  const machines = [];
  for (let i = 0; i < 3; i++) {
    const machine = await bareMachine((a) => a.end(), { memMiB: 1024, harts: 2 });
    await machine.run();
    machines.push(machine);
  }
  const grown = Deno.memoryUsage().rss - before;
  machines.forEach((machine) => machine.close());
  assert(grown < SLACK_BYTES, `three machines took ${Math.round(grown / MIB)} MiB`);
});

Deno.test("the largest machine can be made", async () => {
  const before = Deno.memoryUsage().rss;
  using machine = await bareMachine((a) => a.end(), { memMiB: 3968 });
  await machine.run();
  const grown = Deno.memoryUsage().rss - before;
  assert(machine.harts.ramAt(0x8000_0000 + 3968 * MIB - 1, 1) !== undefined);
  assert(grown < SLACK_BYTES, `it took ${Math.round(grown / MIB)} MiB`);
});
