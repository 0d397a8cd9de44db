/**
 * How the size of a process goes on while it boots one guest after the other.
 *
 * @module
 */

import type { Weight } from "./workload.ts";

/** Sizes after each guest. */
export interface GuestsResult {
  readonly measure: string;
  readonly guests: number;
  readonly ramMiB: number;
  readonly peakRssMiB: number;
  readonly jit: string;
  /** After each guest. */
  readonly rssMiB: readonly number[];
  readonly heapMiB: readonly number[];
  /** Counts of translation after each guest, by their names; empty if it is off. */
  readonly counts: Readonly<Record<string, readonly number[]>>;
  /** Of the resident set; absent if guests are too few. */
  readonly floor?: Floor;
  /** Whether the floor rises by no more than a heap does by chance. */
  readonly isFlat?: boolean;
}

/** A floor that rises by less is flat: the heap grows by steps of several MiB. */
const FLAT_MIB = 16;
/** A quarter of it should have several values. */
const MIN_GUESTS_FOR_GROWTH = 12;
/** Guests after which sizes are printed, besides the last. */
const PRINTED_GUESTS = [1, 10];

function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The floor of a size that goes up and down, early and late. */
export interface Floor {
  /** Least of the second quarter; the first fills caches. */
  readonly earlyMiB: number;
  /** Least of the last quarter. */
  readonly lateMiB: number;
  readonly growthMiBPerGuest: number;
}

/**
 * By how much the floor rises from one value to the next. The least values are compared, for collected
 * garbage and code that is dropped when its budget is used up make a sawtooth; what leaks raises its
 * lowest points too.
 *
 * @returns undefined if the values are too few
 */
export function floorOf(values: readonly number[]): Floor | undefined {
  if (values.length < MIN_GUESTS_FOR_GROWTH) return undefined;
  const quarter = Math.floor(values.length / 4);
  const earlyMiB = Math.min(...values.slice(quarter, 2 * quarter));
  const lateMiB = Math.min(...values.slice(-quarter));
  const growth = (lateMiB - earlyMiB) / (values.length - 2 * quarter);
  return { earlyMiB, lateMiB, growthMiBPerGuest: roundTo(growth, 3) };
}

/** Puts the weights of a run together. */
export function guestsResult(
  measure: string,
  ramMiB: number,
  jit: string,
  run: { readonly weights: readonly Weight[]; readonly peakRssMiB: number },
): GuestsResult {
  const { weights, peakRssMiB } = run;
  const rssMiB = weights.map((weight) => roundTo(weight.rssMiB, 1));
  const floor = floorOf(rssMiB);
  const counts = Object.keys(weights[0]?.jit ?? {}).map((name) => [
    name,
    weights.map((weight) => roundTo(weight.jit![name]!, 3)),
  ]);
  return {
    measure,
    guests: weights.length,
    ramMiB,
    peakRssMiB: roundTo(peakRssMiB, 1),
    jit,
    rssMiB,
    heapMiB: weights.map((weight) => roundTo(weight.heapMiB, 1)),
    counts: Object.fromEntries(counts),
    ...(floor === undefined ? {} : { floor, isFlat: floor.lateMiB - floor.earlyMiB < FLAT_MIB }),
  };
}

/** A row for each size, a column for each guest that is shown, and what that comes to. */
export function formatGuests(result: GuestsResult): string {
  const { measure, guests, ramMiB, rssMiB, heapMiB, counts, floor } = result;
  const shown = [...PRINTED_GUESTS.filter((guest) => guest < guests), guests];
  const rows = [
    ["after guest", ...shown.map(String)],
    ...Object.entries({ "resident MiB": rssMiB, "heap MiB": heapMiB, ...counts })
      .map(([name, values]) => [name, ...shown.map((guest) => String(values[guest - 1]))]),
  ];
  const nameWidth = Math.max(...rows.map(([name]) => name!.length));
  const valueWidth = Math.max(...rows.flatMap(([, ...cells]) => cells.map((cell) => cell.length)));
  const lines = rows.map(([name, ...cells]) =>
    [name!.padEnd(nameWidth), ...cells.map((cell) => cell.padStart(valueWidth))].join("  ")
  );
  const verdict = floor === undefined
    ? `too few guests to tell growth; ${MIN_GUESTS_FOR_GROWTH} would do`
    : `${result.isFlat ? "flat" : "growing"}, ${floor.growthMiBPerGuest} MiB a guest: at least ` +
      `${floor.earlyMiB} MiB in the second quarter, ${floor.lateMiB} in the last`;
  return [`${measure}: ${verdict} (${guests} guests, ${ramMiB} MiB RAM)`, ...lines].join("\n");
}
