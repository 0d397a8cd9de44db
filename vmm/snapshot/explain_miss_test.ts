import { assertEquals, assertMatch } from "@std/assert";
import { explainMiss, nearestOf, type WantedLayer } from "./explain_miss.ts";
import { layerKey } from "./layer_key.ts";
import type { SnapshotRecord } from "./record.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const stop = (instructions: number) => ({ nowNs: 5, instructions, printedBytes: 7 });

const HOST: WantedLayer = {
  parent: undefined,
  layer: "host-prompt",
  material: { kernel: "ab".repeat(32), harts: "1" },
  actions: [{ kind: "wait", condition: "/# $/", stop: stop(100) }],
  build: "build 1",
};

function stored(layer: WantedLayer): SnapshotRecord {
  return { ...layer, key: layerKey(layer) };
}

function digits(layer: WantedLayer): string {
  return layerKey(layer).slice(0, 12);
}

/** What is said when one is stored and another is wanted, without the first line. */
function differences(was: WantedLayer, is: WantedLayer, ...others: WantedLayer[]): string[] {
  const lines = explainMiss(is, [was, ...others].map(stored)).split("\n");
  assertEquals(
    lines[0],
    `layer ${is.layer} is not stored: the only snapshot of it, ${digits(was)}, differs:`,
  );
  return lines.slice(1);
}

Deno.test("nothing of the layer is stored", () => {
  const text = "layer host-prompt is not stored: no snapshot of it is";
  assertEquals(explainMiss(HOST, []), text);
  assertEquals(explainMiss(HOST, [stored({ ...HOST, layer: "other" })]), text);
});

Deno.test("all agrees, so it must have been something else", () => {
  assertEquals(
    explainMiss(HOST, [stored(HOST)]),
    `layer host-prompt is stored as ${
      digits(HOST)
    }, which agrees in everything but could not be used`,
  );
});

Deno.test("every field of the material that differs, and the build", () => {
  const is = {
    ...HOST,
    build: "build 2",
    material: { harts: "2", kernel: "cd".repeat(32), x: "" },
  };
  assertEquals(differences(HOST, is), [
    '  the emulator\'s build was "build 1", is "build 2"',
    '  harts was "1", is "2"',
    "  kernel was abababababab..., is cdcdcdcdcdcd...",
    '  x was not there, is ""',
  ]);
});

Deno.test("of long texts, where they begin to differ", () => {
  const long = (end: string) => ({ ...HOST, material: { args: "x".repeat(200) + end } });
  assertEquals(differences(long("abc"), long("abd")), [
    `  args was ...${"x".repeat(14)}abc", is ...${"x".repeat(14)}abd"`,
  ]);
});

Deno.test("the first action that differs, and in what", () => {
  const [wait] = HOST.actions;
  const sends = (...texts: string[]) => ({
    ...HOST,
    actions: [wait!, ...texts.map((text) => ({ kind: "send", bytes: bytes(text) }))],
  });
  assertEquals(differences(sends("ls\n", "x"), sends("ls -a\n", "y")), [
    '  action 2 (send): bytes was "ls\\n", is "ls -a\\n"',
  ]);
  assertEquals(differences(sends("x"), sends("x", "y")), [
    '  2 actions were recorded; now action 3 is done too: {"kind":"send","bytes":"y"}',
  ]);
  assertEquals(differences(sends("x"), sends()), [
    '  2 actions were recorded; now action 2 is not done: {"kind":"send","bytes":"x"}',
  ]);
  const run = { kind: "run", until: "{}", reason: "until", stop: stop(100) };
  const [other] = differences(HOST, { ...HOST, actions: [run] });
  assertMatch(other!, /^ {2}action 1: it was \{"kind":"wait",.+, is \{"kind":"run",.+$/);
});

Deno.test("a machine that stopped elsewhere", () => {
  const is = { ...HOST, actions: [{ kind: "wait", condition: "/# $/", stop: stop(101) }] };
  assertEquals(differences(HOST, is), ["  action 1 (wait): stop.instructions was 100, is 101"]);
});

Deno.test("64-bit numbers in actions", () => {
  const is = { ...HOST, actions: [1n] };
  assertEquals(differences({ ...HOST, actions: [2n] }, is), ['  action 1: it was "2", is "1"']);
});

Deno.test("a difference is followed into the layers below", () => {
  const other = { ...HOST, material: { ...HOST.material, harts: "2" } };
  const guest = (below: WantedLayer) => ({
    ...HOST,
    layer: "guest-prompt",
    material: {},
    parent: layerKey(below),
  });
  assertEquals(differences(guest(HOST), guest(other), HOST, other), [
    `  the layer below was ${digits(HOST)}, is ${digits(other)}; ` +
    "both are layer host-prompt, and differ:",
    '    harts was "1", is "2"',
  ]);
  // It has been removed.
  assertEquals(differences(guest(HOST), guest(other)), [
    `  the layer below was ${digits(HOST)}, is ${digits(other)}`,
  ]);
  const renamed = { ...HOST, layer: "renamed" };
  assertEquals(differences(guest(HOST), guest(renamed), HOST, renamed), [
    `  the layer below was ${digits(HOST)}, is ${digits(renamed)}: ` +
    "layer host-prompt instead of renamed",
  ]);
});

Deno.test("of several, the one that differs least, then the one that agrees in more actions", () => {
  const far = { ...HOST, material: { kernel: "x", harts: "3" } };
  const near = { ...HOST, material: { ...HOST.material, harts: "3" } };
  const text = explainMiss(HOST, [far, near].map(stored));
  assertEquals(text.split("\n"), [
    `layer host-prompt is not stored: of 2 snapshots of it, the nearest, ${digits(near)}, differs:`,
    '  harts was "3", is "1"',
  ]);
  const acts = (...actions: number[]) => stored({ ...HOST, actions });
  const wanted = acts(1, 2, 3);
  assertEquals(nearestOf(wanted, [acts(1, 9, 3), acts(1, 2, 9), acts(1, 2, 8)])!.actions, [
    1,
    2,
    9,
  ]);
});
