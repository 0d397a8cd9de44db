import { assertEquals, assertThrows } from "@std/assert";
import type { SavedState } from "./device.ts";
import { StateFields } from "./state_fields.ts";

const state: SavedState = {
  kind: "chip",
  version: 1,
  fields: {
    on: true,
    level: 7,
    time: 1n << 63n,
    words: [1, 2],
    channels: [{ gain: 3 }, { gain: 4 }],
  },
};

Deno.test("fields come back with their types", () => {
  const fields = StateFields.open(state, "chip", 1);
  assertEquals(fields.boolean("on"), true);
  assertEquals(fields.integer("level", 7), 7);
  assertEquals(fields.bigint("time"), 1n << 63n);
  assertEquals(fields.integers("words", 2, 2), [1, 2]);
  assertEquals(fields.records("channels", 2).map((channel) => channel.integer("gain", 9)), [3, 4]);
  fields.finish();
});

Deno.test("errors name component, field, value and limit", () => {
  const open = () => StateFields.open(state, "chip", 1);
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [
      () => open().integer("level", 6),
      RangeError,
      '"level" is 7, must be a whole number from 0 to 6',
    ],
    [() => open().bigint("time", 5n), RangeError, '"time" is 9223372036854775808n, must be 0 to 5'],
    [() => open().integers("words", 2, 1), RangeError, '"words[1]" is 2, must be'],
    [() => open().integers("words", 3, 9), RangeError, '"words" has 2 entries, must have 3'],
    [
      () => open().integers("words", { atMost: 1 }, 9),
      RangeError,
      '"words" has 2 entries, must have at most 1',
    ],
    [
      () => open().records("channels", 2)[1]?.integer("gain", 3),
      RangeError,
      '"channels[1].gain" is 4',
    ],
    [() => open().boolean("level"), TypeError, '"level" is 7, must be a boolean'],
    [() => open().integer("gone", 1), TypeError, '"gone" is missing'],
    [() => open().integer("toString", 1), TypeError, '"toString" is missing'],
    [() => open().finish(), TypeError, '"on" is not known'],
    [
      () => StateFields.open(state, "other", 1),
      TypeError,
      'Cannot restore other: the state is of kind "chip"',
    ],
    [() => StateFields.open(state, "chip", 2), RangeError, "has version 1, known is 2"],
  ];
  for (const [act, error, message] of cases) assertThrows(act, error, message);
});

Deno.test("a field nobody read inside a record is found too", () => {
  const fields = StateFields.open(state, "chip", 1);
  fields.boolean("on");
  fields.integer("level", 7);
  fields.bigint("time");
  fields.integers("words", 2, 2);
  fields.records("channels", 2)[0]?.integer("gain", 9);
  assertThrows(() => fields.finish(), TypeError, '"channels[1].gain" is not known');
});
