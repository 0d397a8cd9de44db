// A machine that plays what was recorded is the machine that really did it: whether all of it was the same,
// or something else was done at any point.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { echoOptions, observe } from "./echo_machine_testing.ts";
import type { ExpectOptions } from "./console.ts";
import { Machine, type RecordedLayer, type RestorableLayer, type RunUntil } from "./machine.ts";
import type { Action } from "./tape.ts";
import { MachineError } from "./verdict.ts";

/** Something done to a machine; answers what came of it. */
type Step = (machine: Machine) => unknown;
type Script = readonly Step[];

const send = (text: string): Step => (machine) => machine.console.send(text);
const expect = (pattern: string | RegExp, options?: ExpectOptions): Step => (machine) =>
  machine.console.expect(pattern, { timeoutMs: 2, ...options });
const run = (until: RunUntil): Step => (machine) => machine.run({ until });
const drain: Step = (machine) => machine.console.drain();

/** Does what a script says, and tells what came of each step, errors included. */
async function perform(machine: Machine, script: Script): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const step of script) {
    try {
      results.push(await step(machine));
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      results.push(error.message);
    }
    results.push([machine.instructions, machine.virtualMs, machine.console.transcript]);
  }
  return results;
}

/** Really does it, on top of what layers below did, and keeps it as a layer. */
async function record(
  script: Script,
  { below = [], options = {} }: { below?: readonly Script[]; options?: object } = {},
): Promise<{ layer: RestorableLayer; unrepeatable: string | undefined }> {
  using machine = await Machine.create(echoOptions(options));
  for (const each of below) await perform(machine, each);
  machine.beginLayer([]);
  await perform(machine, script);
  const { actions, unrepeatable } = await machine.endLayer() as RecordedLayer;
  return { layer: { actions, snapshot: machine.checkpoint() }, unrepeatable };
}

/** A machine that has executed nothing yet. What it boots does not exist, if it is never to be needed. */
function prepared(options: object = {}, boots = true): Machine {
  return Machine.prepare({
    ...echoOptions(options),
    ...(boots ? {} : { elf: "no/such/file.elf" }),
  });
}

/** Actions without how a wait was put: one in other words is played if it was over on the same byte. */
function withoutWords(actions: readonly Action[]): unknown[] {
  return actions.map((action) => action.kind === "wait" ? { ...action, condition: "" } : action);
}

/** Does a script for real and with recordings, and compares everything. */
async function assertSame(
  script: Script,
  recordings: readonly RestorableLayer[],
  what: string,
  options: object = {},
): Promise<void> {
  using real = await Machine.create(echoOptions(options));
  real.beginLayer([]);
  const expected = await perform(real, script);
  const { actions } = await real.endLayer() as RecordedLayer;
  using machine = prepared(options);
  machine.beginLayer(recordings);
  assertEquals(await perform(machine, script), expected, what);
  const layer = await machine.endLayer();
  assertEquals(withoutWords(layer.actions), withoutWords(actions), what);
  assertEquals(await observe(machine), await observe(real), what);
  const further = [send("k"), expect("kk"), send("l"), expect("ll")];
  if (real.finish === undefined) {
    assertEquals(await perform(machine, further), await perform(real, further), what);
    assertEquals(await observe(machine), await observe(real), what);
  }
}

const SCRIPT: Script = [
  expect("> "),
  send("ab"),
  expect("aa"),
  run({ virtualMs: 2 }),
  send("cde"),
  expect(/d(d)/),
  drain,
  run({ instructions: 3_000 }),
  send("f"),
  expect("ff", { unless: "x" }),
];

Deno.test("the same is played without anything being executed, or even read", async () => {
  for (const harts of [1, 2]) {
    const { layer, unrepeatable } = await record(SCRIPT, { options: { harts } });
    assertEquals(unrepeatable, undefined);
    using real = await Machine.create(echoOptions({ harts }));
    const expected = await perform(real, SCRIPT);
    using machine = prepared({ harts }, false);
    machine.beginLayer([layer]);
    assertEquals(await perform(machine, SCRIPT), expected);
    assertStrictEquals(await machine.endLayer(), layer);
    assertEquals([machine.instructions, machine.virtualMs], [real.instructions, real.virtualMs]);
    // Now it is really there.
    assertEquals(await observe(machine), await observe(real));
    const further = [send("gh"), expect("hh"), run({ virtualMs: 9 })];
    assertEquals(await perform(machine, further), await perform(real, further));
    assertEquals(await observe(machine), await observe(real));
  }
});

/** Only of a lone hart: another one goes on. */
const SLEEP = "sleeping for ever";

const DIFFERENT: readonly (readonly [string, Script])[] = [
  ["nothing", []],
  ["other input", [send("z")]],
  ["no input", [send("")]],
  ["input in other pieces", [send("a"), send("b")]],
  ["input that is known only here", [send("c"), expect("cc")]],
  ["another pattern", [expect("a")]],
  ["a pattern that comes later", [expect("bb")]],
  ["a pattern that comes much later", [expect(/[^]*d/)]],
  ["a pattern that never comes", [expect("never", { timeoutMs: 0.4 })]],
  ["a pattern that does not come in time", [expect("aa", { timeoutMs: 0.001 })]],
  ["a pattern that something else comes before", [expect("dd", { unless: "b" })]],
  ["a time that has passed", [run({ virtualMs: 0.001 })]],
  ["another time", [run({ virtualMs: 1.234 })]],
  ["instructions that have passed", [run({ instructions: 1 })]],
  ["some instructions", [run({ instructions: 2_345 })]],
  ["consuming what was printed", [drain]],
  ["a panic", [send("p"), expect("never"), expect("after")]],
  ["a panic that is expected", [send("p"), expect("Kernel panic"), expect("after")]],
  ["a reset", [send("r"), expect("ready\n> ")]],
  ["the end", [send("q"), run("finished"), run("finished")]],
  ["half a character", [send("u"), run({ virtualMs: 3 }), send("--"), expect("€b")]],
  [SLEEP, [send("i"), run("idle")]],
];

for (const harts of [1, 2]) {
  Deno.test(`something else at any point: as if all had really been done, with ${harts} harts`, async () => {
    const { layer } = await record(SCRIPT, { options: { harts } });
    for (let at = harts - 1; at <= SCRIPT.length; at += 3) {
      for (const [what, steps] of DIFFERENT) {
        if (what === SLEEP && harts > 1) continue;
        // In addition to what was recorded, and in place of the next step.
        const before = [...SCRIPT.slice(0, at), ...steps];
        await assertSame(before, [layer], `${what}, after ${at} steps`, { harts });
        if (at % 2 === 1) {
          const script = [...before, ...SCRIPT.slice(at + 1)];
          await assertSame(script, [layer], `${what}, for step ${at}`, { harts });
        }
      }
    }
  });
}

Deno.test("the same for scripts in which the guest panics, resets the machine, or ends it", async () => {
  for (const [what, steps] of DIFFERENT.slice(-7)) {
    const script = [...SCRIPT.slice(0, 4), ...steps];
    const { layer } = await record(script);
    await assertSame(script, [layer], what);
    for (let at = 4; at <= script.length; at++) {
      await assertSame([...script.slice(0, at), send("x")], [layer], `${what}, ${at} steps`);
      await assertSame(
        [...script.slice(0, at), run({ virtualMs: 7 })],
        [layer],
        `${what}, ${at} steps`,
      );
    }
  }
});

Deno.test("of several recordings with a common beginning the one is played that goes on the same way", async () => {
  const begin = [expect("> "), send("abc")];
  const scripts: readonly Script[] = [
    [...begin, expect("aa"), send("d"), expect("dd")],
    [...begin, expect("aa"), send("e"), expect("ee")],
    [...begin, expect("bb"), send("f"), expect("ff")],
    [...begin, expect("cc"), send("g"), expect("gg")],
    [...begin, run({ virtualMs: 3 })],
    [...begin, expect("aa")],
    begin,
  ];
  const layers: RestorableLayer[] = [];
  for (const script of scripts) layers.push((await record(script)).layer);
  for (const order of [layers, layers.toReversed()]) {
    for (const [n, script] of scripts.entries()) {
      using machine = prepared({}, false);
      machine.beginLayer(order);
      await perform(machine, script);
      assertStrictEquals(await machine.endLayer(), layers[n], `script ${n}`);
    }
    for (
      const [what, steps] of [
        ["the end of the last wait, in other words", [expect(/cc/)]],
        ["between two of them", [expect("aabb")]],
        ["what only one of them printed", [expect("dd", { timeoutMs: 2 })]],
        ["a wait that is too short for some", [expect("cc", { timeoutMs: 0.2 })]],
        ["another wait that is too short for some", [expect(/bb/, { timeoutMs: 0.15 })]],
        ["what one was given, then another", [expect("aa"), send("f"), expect("ff")]],
        ["input between", [expect("aa"), send("x"), expect("xx")]],
        ["a wait, then nothing", [expect("bb")]],
      ] as const
    ) await assertSame([...begin, ...steps], order, what);
  }
});

Deno.test("timeouts: a wait that would have ended in time is played, another one times out as it did", async () => {
  const script = [expect("> "), send("abc"), expect("cc")];
  const { layer } = await record(script);
  let outcomes = 0;
  for (const timeoutMs of [0.001, 0.01, 0.05, 0.1, 0.15, 0.2, 0.21, 0.25, 0.3, 0.5, 1, 10]) {
    for (const pattern of ["cc", /c+/, "bb"]) {
      const steps = [expect("> "), send("abc"), expect(pattern, { timeoutMs })];
      await assertSame(steps, [layer], `${pattern} within ${timeoutMs} ms`);
      using machine = prepared();
      machine.beginLayer([layer]);
      const results = await perform(machine, steps);
      if (typeof results.at(-2) === "string") outcomes |= 1;
      else outcomes |= 2;
    }
  }
  assertEquals(outcomes, 3, "some in time, some not");
  // To the nanosecond: the wait begins where the one before has ended.
  const [before, , last] = layer.actions as readonly { stop: { nowNs: number } }[];
  const exactMs = (last!.stop.nowNs - before!.stop.nowNs) / 1e6;
  for (const timeoutMs of [exactMs - 1e-6, exactMs, exactMs + 1e-6]) {
    for (const pattern of ["cc", /cc/]) {
      const steps = [expect("> "), send("abc"), expect(pattern, { timeoutMs })];
      await assertSame(steps, [layer], `${pattern} within ${timeoutMs} ms`);
    }
  }
});

Deno.test("a layer on top of a layer: both played, or the second one left at any point", async () => {
  const first = SCRIPT.slice(0, 6);
  const second = [send("gh"), expect("hh"), run({ virtualMs: 5 }), send("m"), expect("mm")];
  const lower = (await record(first)).layer;
  const upper = (await record(second, { below: [first] })).layer;
  using reference = await Machine.create(echoOptions());
  const expected = [...await perform(reference, first), ...await perform(reference, second)];
  using machine = prepared({}, false);
  machine.beginLayer([lower]);
  const results = await perform(machine, first);
  assertStrictEquals(await machine.endLayer(), lower);
  machine.beginLayer([upper]);
  results.push(...await perform(machine, second));
  assertStrictEquals(await machine.endLayer(), upper);
  assertEquals(results, expected);
  assertEquals(await observe(machine), await observe(reference));

  for (let at = 0; at <= second.length; at++) {
    for (const [what, steps] of DIFFERENT) {
      const script = [...second.slice(0, at), ...steps];
      using real = await Machine.create(echoOptions());
      await perform(real, first);
      const expected = await perform(real, script);
      // The lower layer is restored: what it booted is needed for a reset only.
      using machine = prepared();
      machine.beginLayer([lower]);
      await perform(machine, first);
      await machine.endLayer();
      machine.beginLayer([upper]);
      assertEquals(await perform(machine, script), expected, `${what}, after ${at} steps`);
      await machine.endLayer();
      assertEquals(await observe(machine), await observe(real), `${what}, after ${at} steps`);
    }
  }
});

Deno.test("a layer that was really done can have a recorded one on top only if it was the same", async () => {
  const first = SCRIPT.slice(0, 4);
  const upper = (await record([send("g"), expect("gg")], { below: [first] })).layer;
  using machine = prepared();
  machine.beginLayer([]);
  await perform(machine, first);
  await machine.endLayer();
  machine.beginLayer([upper]);
  await perform(machine, [send("g"), expect("gg")]);
  // It goes on as it is: nothing is played on top of what was executed.
  const layer = await machine.endLayer();
  assert(layer !== upper);
  assertEquals(layer.actions, upper.actions);
});

Deno.test("whatever needs the machine itself while it plays finds it where it would be", async () => {
  const { layer } = await record(SCRIPT);
  const uses: readonly (readonly [string, (machine: Machine) => unknown])[] = [
    ["checkpoint", (machine) => machine.checkpoint().components["harts"]],
    ["fork", async (machine) => {
      using fork = machine.fork();
      return await observe(fork);
    }],
    ["harts", (machine) => machine.harts.get(0, "pc")],
    ["stateHash", (machine) => machine.stateHash()],
    ["finish", (machine) => [machine.finish]],
    ["dtb", (machine) => machine.dtb],
    ["runTo", (machine) => machine.runTo({ instructions: machine.instructions + 100 })],
    ["rewind", (machine) => {
      machine.rewind(layer.snapshot);
      return machine.console.transcript;
    }],
  ];
  for (const [what, use] of uses) {
    for (const at of [1, 3, 6, SCRIPT.length]) {
      using real = await Machine.create(echoOptions());
      await perform(real, SCRIPT.slice(0, at));
      using machine = prepared();
      machine.beginLayer([layer]);
      await perform(machine, SCRIPT.slice(0, at));
      await machine.stateHash(); // reads what it boots
      assertEquals(await use(machine), await use(real), `${what} after ${at} steps`);
      assertEquals(await observe(machine), await observe(real), `${what} after ${at} steps`);
    }
  }
});

Deno.test("a recording that cannot stand for doing it again says why", async () => {
  for (
    const [step, reason] of [
      [expect("never", { timeoutMs: 1 }), "something that was expected did not come"],
      [(machine: Machine) => machine.rewind(machine.checkpoint()), "it was rewound"],
      [
        (machine: Machine) => machine.runTo({ instructions: machine.instructions + 1 }),
        "it was taken to an instruction",
      ],
    ] as const
  ) {
    const { unrepeatable } = await record([expect("> "), step]);
    assertEquals(unrepeatable, reason);
  }
});

Deno.test("what a prepared machine boots is missed when it first executes, not before", async () => {
  using machine = prepared({}, false);
  machine.console.send("a");
  assertEquals([machine.instructions, machine.virtualMs], [0, 0]);
  await assertRejects(() => machine.run(), Deno.errors.NotFound, "elf no/such/file.elf");
});
