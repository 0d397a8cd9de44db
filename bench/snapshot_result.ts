/**
 * From measurements of snapshots to a JSON line and a table.
 *
 * @module
 */

import { pairwiseRatios, summarize, type Summary } from "./statistics.ts";

/** What is measured: a line of the table each, in this order. */
const QUANTITIES = {
  warmEchoMs: ["restore to the guest's echo, warm process", "ms"],
  echoAloneMs: ["  of that the echo, nothing restored", "ms"],
  firstInstructionMs: ["restore to the first instruction, warm process", "ms"],
  freshEchoMs: ["restore to the guest's echo, fresh process", "ms"],
  freshWithinMs: ["  of that from the first line of the program", "ms"],
  freshFirstInstructionMs: ["  of that to the first instruction", "ms"],
  saveMs: ["save, everything new", "ms"],
  saveCpuMs: ["  on all threads, CPU time", "ms"],
  captureMs: ["  of that what the machine is", "ms"],
  saveAgainMs: ["  a second one, into another store", "ms"],
  layerSaveMs: ["save on the layer below, as the cache does", "ms"],
  incrementalMs: ["save after one guest command", "ms"],
  incrementalAgainMs: ["  after the third", "ms"],
  chainMB: ["on disk, with all layers below", "MB"],
  manifestMB: ["  of that its manifest", "MB"],
  oneMs: ["commands in one machine", "ms"],
  oneCpuMs: ["  CPU time", "ms"],
  forksMs: ["the same in a fork each", "ms"],
  forksCpuMs: ["  CPU time", "ms"],
  forkMs: ["  making a fork, on average", "ms"],
  forksByOne: ["forks by one machine", "times"],
  forksByOneCpu: ["  CPU time", "times"],
  forksPeakMiB: ["peak resident set, all forks alive", "MiB"],
} as const;

/** Name of something that is measured. */
export type Quantity = keyof typeof QUANTITIES;

/** What one pair measured of one engine; what it could not is left out. */
export type Sample = { [Name in Quantity]?: number | undefined };

/** Summaries of what was measured. */
export type Summaries = { readonly [Name in Quantity]?: Summary };

/** The pairs of one QEMU. */
export interface QemuSnapshotRuns {
  readonly version: string;
  readonly samples: Sample[];
  /** What failed, by what was tried: the message of each time. */
  readonly failures: Record<string, string[]>;
}

/** A QEMU's side of the result. */
export interface QemuSnapshots {
  readonly version: string;
  readonly values: Summaries;
  /** Ours by this QEMU's, pair by pair. */
  readonly ratio: Summaries;
  /** Our restore in a warm process by this QEMU's in a fresh one. */
  readonly warmByFresh?: Summary;
  readonly failures: Readonly<Record<string, readonly string[]>>;
}

/** Restores to the first instruction, in a warm process. */
export interface RestoreByRam {
  readonly ramMiB: number;
  readonly ms: Summary;
}

/** Snapshots of a nested guest. */
export interface SnapshotResult {
  readonly measure: string;
  readonly pairs: number;
  /** Of the host. */
  readonly ramMiB: number;
  /** How many forks and commands. */
  readonly commands: number;
  readonly jit: string;
  readonly snapshots: Summaries;
  /** By RAM of the host. */
  readonly restores: readonly RestoreByRam[];
  /** In the order in which they were named; absent if there is none. */
  readonly qemu?: readonly QemuSnapshots[];
  readonly load: number;
}

/** What was measured. */
export interface SnapshotMeasurements {
  readonly measure: string;
  readonly pairs: number;
  readonly ramMiB: number;
  readonly commands: number;
  readonly jit: string;
  readonly load: number;
  readonly ours: readonly Sample[];
  /** Times to the first instruction, by RAM of the host in MiB. */
  readonly restoreMs: ReadonlyMap<number, readonly number[]>;
  readonly qemus: readonly QemuSnapshotRuns[];
}

const NAMES = Object.keys(QUANTITIES) as Quantity[];
const ABSENT = "-";

function rounded({ median, min, max }: Summary): Summary {
  const round = (value: number) => Number(value.toPrecision(4));
  return { median: round(median), min: round(min), max: round(max) };
}

/** A summary for each name of which there is a value. */
function summarizeEach(values: (name: Quantity) => readonly number[]): Summaries {
  return Object.fromEntries(
    NAMES.map((name) => [name, values(name)] as const)
      .filter(([, found]) => found.length > 0)
      .map(([name, found]) => [name, rounded(summarize(found))]),
  );
}

/** Ratios of the pairs in which both are there. */
function ratios(
  ours: readonly Sample[],
  ourName: Quantity,
  theirs: readonly Sample[],
  theirName: Quantity,
): number[] {
  const both = ours.flatMap((sample, pair) => {
    const [our, their] = [sample[ourName], theirs[pair]?.[theirName]];
    return our === undefined || their === undefined ? [] : [{ our, their }];
  });
  return pairwiseRatios(both.map(({ our }) => our), both.map(({ their }) => their));
}

function valuesOf(samples: readonly Sample[], name: Quantity): number[] {
  return samples.map((sample) => sample[name]).filter((value) => value !== undefined);
}

/** Puts measurements together. */
export function snapshotResult(
  { measure, pairs, ramMiB, commands, jit, load, ours, restoreMs, qemus }: SnapshotMeasurements,
): SnapshotResult {
  const qemu = qemus.map(({ version, samples, failures }): QemuSnapshots => {
    const warmByFresh = ratios(ours, "warmEchoMs", samples, "freshEchoMs");
    return {
      version,
      values: summarizeEach((name) => valuesOf(samples, name)),
      ratio: summarizeEach((name) => ratios(ours, name, samples, name)),
      ...(warmByFresh.length > 0 ? { warmByFresh: rounded(summarize(warmByFresh)) } : {}),
      failures: Object.fromEntries(
        Object.entries(failures).filter(([, messages]) => messages.length > 0),
      ),
    };
  });
  return {
    measure,
    pairs,
    ramMiB,
    commands,
    jit,
    snapshots: summarizeEach((name) => valuesOf(ours, name)),
    restores: [...restoreMs].map(([ramMiB, values]) => ({
      ramMiB,
      ms: rounded(summarize(values)),
    })),
    ...(qemu.length === 0 ? {} : { qemu }),
    load: Number(load.toPrecision(4)),
  };
}

/** The lines for people. */
export function formatSnapshots(result: SnapshotResult): string {
  const { measure, pairs, ramMiB, commands, snapshots, restores, qemu = [] } = result;
  const headings = qemu.flatMap(({ version }) => [`QEMU ${version}`, "ours/QEMU"]);
  const rows = [
    [`${measure} (${pairs} pairs, ${ramMiB} MiB RAM, ${commands} commands)`, "ours", ...headings],
    ...NAMES.filter((name) => snapshots[name] !== undefined).map((name) => {
      const [text, unit] = QUANTITIES[name];
      return [
        `${text}, ${unit}`,
        spread(snapshots[name]),
        ...qemu.flatMap(({ values, ratio }) => [spread(values[name]), spread(ratio[name])]),
      ];
    }),
    ...restores.map(({ ramMiB, ms }) => [
      `restore to the first instruction with ${ramMiB} MiB, ms`,
      spread(ms),
      ...headings.map(() => ABSENT),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
    ).join("  ")
  );
  const byFresh = qemu.flatMap(({ version, warmByFresh }) =>
    warmByFresh === undefined
      ? []
      : [`ours in a warm process by QEMU ${version} in a fresh one: ${spread(warmByFresh)}`]
  );
  const failures = qemu.flatMap(({ version, failures }) =>
    Object.entries(failures).map(([what, [first, ...others]]) =>
      `QEMU ${version}, ${what}: failed ${times(others.length + 1)}: ${firstLine(first!)}`
    )
  );
  return [...lines, ...byFresh, ...failures].join("\n");
}

function spread(summary: Summary | undefined): string {
  if (summary === undefined) return ABSENT;
  const [median, min, max] = [summary.median, summary.min, summary.max].map((value) =>
    value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
  );
  return min === max ? median! : `${median} (${min}-${max})`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times, first`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}
