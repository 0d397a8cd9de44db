import { assertAlmostEquals, assertEquals } from "@std/assert";
import { floorOf, formatGuests, guestsResult } from "./guests_result.ts";

function weights(count: number, rssMiB: (guest: number) => number) {
  return Array.from({ length: count }, (_, index) => ({
    rssMiB: rssMiB(index + 1),
    heapMiB: 9.04,
    jit: { regions: 10 * (index + 1) },
  }));
}

Deno.test("the floor rises with a leak, whatever the first values do", () => {
  const growth = (values: number[]) => floorOf(values)?.growthMiBPerGuest;
  assertEquals(growth(Array.from({ length: 50 }, (_, index) => 600 + 2 * index)), 2);
  assertEquals(growth([1, 100, 400, ...Array(9).fill(500)]), 0);
  assertEquals(growth([...Array(11).fill(5), 900]), 0);
  assertEquals(growth(Array(11).fill(5)), undefined);
});

Deno.test("a sawtooth is flat, a sawtooth with a leak is not", () => {
  const sawtooth = (leak: number) =>
    floorOf(Array.from({ length: 50 }, (_, index) => 800 + 40 * (index % 6) + leak * index))!;
  assertEquals(sawtooth(0), { earlyMiB: 800, lateMiB: 800, growthMiBPerGuest: 0 });
  assertAlmostEquals(sawtooth(2).growthMiBPerGuest, 2, 0.5);
});

Deno.test("a size that stays is flat, one that grows is not", () => {
  const result = (perGuest: number) =>
    guestsResult("guests-50", 512, "default", {
      weights: weights(50, (guest) => 600 + perGuest * guest),
      peakRssMiB: 700,
    });
  assertEquals([result(0).floor!.growthMiBPerGuest, result(0).isFlat], [0, true]);
  assertEquals(result(-1).isFlat, true);
  assertEquals([result(2.5).floor!.growthMiBPerGuest, result(2.5).isFlat], [2.5, false]);
});

Deno.test("shown are the first guest, the tenth and the last, with every count", () => {
  const run = { weights: weights(12, (guest) => 600 + 3 * guest), peakRssMiB: 700 };
  assertEquals(
    formatGuests(guestsResult("guests-50", 512, "default", run)),
    [
      "guests-50: growing, 3 MiB a guest: at least 612 MiB in the second quarter, 630 in the last " +
      "(12 guests, 512 MiB RAM)",
      "after guest     1   10   12",
      "resident MiB  603  630  636",
      "heap MiB        9    9    9",
      "regions        10  100  120",
    ].join("\n"),
  );
});

Deno.test("a few guests show no growth, an interpreter no counts", () => {
  const run = { weights: [{ rssMiB: 600.04, heapMiB: 9 }], peakRssMiB: 700 };
  const result = guestsResult("guests-50", 512, "off", run);
  assertEquals([result.floor, result.isFlat, result.counts], [
    undefined,
    undefined,
    {},
  ]);
  assertEquals(
    formatGuests(result),
    [
      "guests-50: too few guests to tell growth; 12 would do (1 guests, 512 MiB RAM)",
      "after guest     1",
      "resident MiB  600",
      "heap MiB        9",
    ].join("\n"),
  );
});
