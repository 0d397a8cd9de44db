import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Action, isSending, parseActions, Playback, type Recording } from "./tape.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const stop = (printedBytes: number) => ({ nowNs: 10, instructions: 5, printedBytes });
const send = (text: string): Action => ({ kind: "send", bytes: bytes(text) });
const wait = (printedBytes: number): Action => ({
  kind: "wait",
  condition: `${printedBytes}`,
  stop: stop(printedBytes),
});
const run: Action = { kind: "run", until: '"idle"', reason: "idle", stop: stop(9) };
const recording = (...actions: Action[]): Recording => ({ actions });

const isKind = (kind: Action["kind"]) => (action: Action) => action.kind === kind;

Deno.test("a recording is followed to its end, and is complete there and nowhere else", () => {
  const only = recording(wait(3), send("a"), run);
  const playback = new Playback([only]);
  for (const action of only.actions) {
    assertStrictEquals(playback.complete, undefined);
    assertEquals(playback.next(action.kind), [{ recording: only, action } as never]);
    assertStrictEquals(playback.follow(isKind(action.kind)), action);
  }
  assertStrictEquals(playback.complete, only);
  assertEquals(playback.played, only.actions);
  assertEquals(playback.next("send"), []);
  assertStrictEquals(playback.follow(() => true), undefined);
  assertStrictEquals(playback.complete, only);
});

Deno.test("an empty recording is complete at once; no recordings never are", () => {
  const empty = recording();
  assertStrictEquals(new Playback([recording(run), empty]).complete, empty);
  const none = new Playback<Recording>([]);
  assertEquals([none.complete, none.some, none.played], [undefined, undefined, []]);
});

Deno.test("of several recordings those are left that went the same way", () => {
  const a = recording(wait(3), send("a"));
  const b = recording(wait(3), send("b"), wait(7));
  const c = recording(wait(4), send("b"));
  const playback = new Playback([a, b, c]);
  assertEquals(playback.next("wait").map((each) => each.recording), [a, b, c]);
  assertStrictEquals(playback.some, a);
  playback.follow((action) => action.kind === "wait" && action.stop.printedBytes === 3);
  assertEquals(playback.next("send").map((each) => each.recording), [a, b]);
  assertStrictEquals(playback.follow((action) => isSending(action, bytes("x"))), undefined);
  assertEquals(playback.played.length, 1); // nothing happened
  playback.follow((action) => isSending(action, bytes("b")));
  assertStrictEquals(playback.some, b);
  assertStrictEquals(playback.complete, undefined);
  playback.follow(isKind("wait"));
  assertStrictEquals(playback.complete, b);
});

Deno.test("after something else it is none of them", () => {
  const playback = new Playback([recording(wait(3), send("a")), recording(wait(3))]);
  playback.follow(isKind("wait"));
  playback.diverge(send("z"));
  assertEquals(playback.played, [wait(3), send("z")]);
  assertEquals([playback.complete, playback.some], [undefined, undefined]);
  assertEquals(playback.next("send"), []);
  assertStrictEquals(playback.follow(() => true), undefined);
});

Deno.test("sending is the same if the bytes are", () => {
  assertEquals(isSending(send("abc"), bytes("abc")), true);
  for (const other of ["", "ab", "abcd", "abx"]) {
    assertEquals(isSending(send("abc"), bytes(other)), false);
  }
  assertEquals(isSending(wait(3), bytes("")), false);
  assertEquals(isSending(run, bytes("")), false);
});

Deno.test("actions that were stored are read, whatever is wrong with one is refused by its number", () => {
  const actions = [wait(3), send("a"), run];
  assertEquals(parseActions(actions as never), actions);
  const good = { nowNs: 1, instructions: 2, printedBytes: 3 };
  const stops = [
    undefined,
    null,
    7,
    [],
    {},
    { ...good, nowNs: -1 },
    { ...good, instructions: 1.5 },
    { ...good, printedBytes: 2 ** 53 },
    { ...good, nowNs: "1" },
    { ...good, nowNs: 1n },
  ];
  const wrong: unknown[] = [
    undefined,
    null,
    7,
    "send",
    [],
    {},
    new Uint8Array(2),
    { kind: "jump", stop: good },
    { kind: "send" },
    { kind: "send", bytes: "a" },
    { kind: "send", bytes: [97] },
    { kind: "wait", stop: good },
    { kind: "wait", condition: 7, stop: good },
    { kind: "run", stop: good, until: "x" },
    { kind: "run", stop: good, reason: "x", until: 7 },
    ...stops.map((stop) => ({ kind: "wait", condition: "x", stop })),
    ...stops.map((stop) => ({ kind: "run", until: "x", reason: "idle", stop })),
  ];
  for (const value of wrong) {
    assertThrows(
      () => parseActions([actions[0], value] as never),
      TypeError,
      "Action 1 of a recording is malformed",
      JSON.stringify(value, (_, each) => typeof each === "bigint" ? `${each}n` : each),
    );
  }
});
