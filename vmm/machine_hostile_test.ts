// Snapshots are hostile input: one that does not fit is refused with a TypeError or a RangeError, and the
// machine that was to take it over is what it was. One that fits does no harm when it runs.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../core/conformance/random.ts";
import { randomState, wrongStates } from "../core/testing/mutations.ts";
import { echoMachine, observe, withComponents } from "./echo_machine_testing.ts";
import { Machine } from "./machine.ts";

async function busyMachine(): Promise<Machine> {
  const machine = await echoMachine({ harts: 2, jit: { threshold: 50, batch: 1 } });
  machine.console.send("abcdefgh".repeat(5));
  await machine.console.expect("ee");
  return machine;
}

Deno.test("a wrong value in any component is refused, and nothing has changed", async () => {
  using machine = await busyMachine();
  const snapshot = machine.checkpoint();
  await machine.console.expect("gg");
  machine.console.send("lat");
  const before = await observe(machine);
  const own = machine.checkpoint();
  let tried = 0;
  for (const [name, component] of Object.entries(snapshot.components)) {
    // Each of them is tried on harts alone in core/hostile_state_test.ts.
    const isLarge = ["harts", "translations", "pages"].includes(name);
    for (const { what, state } of wrongStates(component)) {
      if (isLarge && tried++ % 50 !== 0) continue;
      const error = assertThrows(
        () => machine.rewind(withComponents(snapshot, { [name]: state })),
        Error,
        undefined,
        `${name}: ${what}`,
      ) as Error;
      assert(
        error instanceof TypeError || error instanceof RangeError,
        `${name}: ${what}: ${error.stack}`,
      );
      assert(error.message.startsWith("Cannot restore "), `${name}: ${what}: ${error.message}`);
      tried++;
    }
    const { [name]: _, ...others } = snapshot.components;
    const rewind = () => machine.rewind({ ...snapshot, components: others });
    assertThrows(rewind, Error, "Cannot restore ", `without ${name}`);
  }
  assert(tried > 1_000, `${tried}`);
  assertEquals(await observe(machine), before);
  assertEquals(machine.checkpoint().components, own.components);
  await machine.console.expect("tt");
});

Deno.test("console: times, a cursor or a tripwire behind what was printed is refused", async () => {
  using machine = await busyMachine();
  const snapshot = machine.checkpoint();
  const before = await observe(machine);
  const state = snapshot.components["console"]!;
  const cases = [
    { cursor: 1_000 },
    // Five bytes, no text.
    { transcript: new Uint8Array(5).fill(0x1b), times: Uint8Array.of(0x05, 5), cursor: 1 },
    { times: Uint8Array.of(0x05, 5) }, // of another number of bytes
    { trippedAt: 10_000 },
    { trippedLine: 10_000 },
    { matchEnd: 10_000 },
    { tripwire: "wire" },
  ];
  for (const fields of cases) {
    const changed = { ...state, fields: { ...state.fields, ...fields } };
    const hostile = withComponents(snapshot, { console: changed });
    assertThrows(() => machine.rewind(hostile), RangeError);
    assertThrows(() => Machine.restore(hostile), RangeError);
  }
  assertEquals(await observe(machine), before);
});

Deno.test("random changes of any component: refused, or run without harm", async () => {
  using machine = await busyMachine();
  const snapshot = machine.checkpoint();
  await machine.run({ until: { virtualMs: 20 } });
  const end = await observe(machine);
  let accepted = 0;
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = new Random(seed, 8);
    const components: Record<string, unknown> = {};
    for (let n = 1 + random.below(3); n > 0; n--) {
      const name = random.pick(Object.keys(snapshot.components));
      components[name] = randomState(random, snapshot.components[name]!);
    }
    try {
      machine.rewind(withComponents(snapshot, components));
    } catch (error) {
      assert(error instanceof TypeError || error instanceof RangeError, `seed ${seed}: ${error}`);
      continue;
    }
    accepted++;
    try {
      await machine.run({ until: { instructions: machine.instructions + 2_000 } });
    } catch (error) {
      // A guest that resets without a known `boot`.
      assert(
        error instanceof TypeError && error.message.includes("boot"),
        `seed ${seed}: ${error}`,
      );
    }
    machine.console.send("x");
    machine.checkpoint();
  }
  assert(accepted > 150, `${accepted} accepted`);
  machine.rewind(snapshot);
  await machine.run({ until: { virtualMs: 20 } });
  assertEquals(await observe(machine), end);
});
