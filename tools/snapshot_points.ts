/**
 * Saves a machine at random instructions of a nested flow, restores each, and checks that it goes on
 * exactly as the run that was never interrupted:
 *
 *     deno run --allow-read tools/snapshot_points.ts [--count 1000] [--seed N]
 *
 * Host Linux boots, lkvm starts a guest, the guest is used and powered off. One run does this as it is,
 * and tells the last state. A second one is saved at the points and, in between, at marks. From each point
 * the machine goes on to the next mark, in memory that something else was in before or in new memory,
 * interpreted or translated; there all must be as the second run left it: harts, translations, chips,
 * console, and every page of RAM. Some go on to the very end, where the state's hash, the console's bytes
 * and the number of instructions must be those of the first run. So must the second run's.
 *
 * Exit code 0 if nothing differs, 1 if something does.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { Host, lkvmCommand, Machine, type MachineSnapshot, PROMPT } from "../mod.ts";

/** What is typed at each prompt in turn, host's and guest's; behind the last one a prompt comes again. */
const LINES = [
  lkvmCommand({ memMiB: 64, cpus: 2 }),
  "uname -a; head -c 4096 /dev/urandom | sha256sum; cat /proc/interrupts",
  "poweroff -f",
  "cat /proc/interrupts /proc/meminfo",
];
const SHAPE = { harts: 2, memMiB: 128 } as const;
const POINTS_A_MARK = 8;
const LEAST_MARKS = 24;
/** So many points go on in new memory, and so many are compared by the hash of their state, too. */
const NEW_EVERY = 5;
const HASHED_EVERY = 25;
/** So many points go on to the very end. */
const ENDING_EVERY = 125;
const LEAST_ENDING = 2;
const PAGE_BYTES = 4096;

/** How the run ended that was never interrupted, and what it was given. */
interface Reference {
  readonly inputs: readonly { readonly instructions: number; readonly bytes: Uint8Array }[];
  readonly instructions: number;
  readonly stateHash: string;
  readonly printed: Uint8Array;
}

/** What was checked and what was found. */
export interface PointsResult {
  readonly points: number;
  readonly marks: number;
  /** Points that went on to the very end. */
  readonly ended: number;
  /** Instructions of the whole flow. */
  readonly instructions: number;
  /** One line for each difference. */
  readonly mismatches: readonly string[];
}

/** What {@link checkPoints} is to do. */
export interface PointsOptions {
  readonly count: number;
  readonly seed: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (checked: number) => void;
}

/** Saves at random points, restores and compares. */
export async function checkPoints(options: PointsOptions): Promise<PointsResult> {
  return await new PointsCheck(options, await runReference()).run();
}

async function runReference(): Promise<Reference> {
  using host = await Host.create(SHAPE);
  const { machine } = host;
  const inputs: { instructions: number; bytes: Uint8Array }[] = [];
  for (const line of LINES) {
    await machine.console.expect(PROMPT);
    const bytes = new TextEncoder().encode(`${line}\n`);
    inputs.push({ instructions: machine.instructions, bytes });
    machine.console.send(bytes);
  }
  await machine.console.expect(PROMPT);
  return {
    inputs,
    instructions: machine.instructions,
    stateHash: await machine.stateHash(),
    printed: machine.console.rawTranscript,
  };
}

/** A point that was saved, and its number. */
interface Point {
  readonly number: number;
  readonly snapshot: MachineSnapshot;
}

class PointsCheck {
  readonly #count: number;
  readonly #reference: Reference;
  readonly #random: () => number;
  readonly #onProgress: (checked: number) => void;
  readonly #mismatches: string[] = [];
  #ended = 0;

  constructor({ count, seed, onProgress = () => {} }: PointsOptions, reference: Reference) {
    this.#count = count;
    this.#reference = reference;
    this.#random = randomNumbers(seed);
    this.#onProgress = onProgress;
  }

  async run(): Promise<PointsResult> {
    const { instructions } = this.#reference;
    const points = Array.from(
      { length: this.#count },
      () => Math.floor(this.#random() * instructions),
    ).sort((a, b) => a - b);
    const marks = Math.max(LEAST_MARKS, Math.ceil(this.#count / POINTS_A_MARK));
    const host = await Host.create(SHAPE);
    let machine = host.machine;
    const used = Machine.restore(machine.checkpoint());
    let next = 0;
    for (let n = 1; n <= marks; n++) {
      const mark = n === marks ? instructions : Math.floor(instructions / marks * n);
      const saved: Point[] = [];
      for (; next < points.length && points[next]! <= mark; next++) {
        await this.#goTo(machine, points[next]!);
        saved.push({ number: next, snapshot: machine.checkpoint() });
      }
      await this.#goTo(machine, mark);
      const reached = machine.checkpoint();
      // In any order, so that the memory used again held something later as often as something earlier.
      saved.sort(() => this.#random() - 0.5);
      for (const point of saved) await this.#check(point, used, machine, reached);
      if (n === marks) await this.#checkEnd(machine, "the run that was saved");
      // Checkpoints are kept for going back to; a machine that starts here has none.
      machine.close();
      machine = Machine.restore(reached);
      this.#onProgress(next);
    }
    machine.close();
    used.close();
    return {
      points: points.length,
      marks,
      ended: this.#ended,
      instructions,
      mismatches: this.#mismatches,
    };
  }

  async #goTo(machine: Machine, instructions: number): Promise<void> {
    for (const { instructions: at, bytes } of this.#reference.inputs) {
      if (at < machine.instructions || at > instructions) continue;
      if (at === machine.instructions && machine.console.sentBytes > 0) {
        // Given already, unless it is that of this moment.
        if (this.#bytesBefore(at) < machine.console.sentBytes) continue;
      }
      await machine.run({ until: { instructions: at } });
      if (at < instructions) machine.console.send(bytes);
    }
    await machine.run({ until: { instructions } });
  }

  /** Bytes that the machine was given before an instruction. */
  #bytesBefore(instructions: number): number {
    return this.#reference.inputs.reduce(
      (sum, { instructions: at, bytes }) => at < instructions ? sum + bytes.length : sum,
      0,
    );
  }

  async #check(
    { number, snapshot }: Point,
    used: Machine,
    running: Machine,
    reached: MachineSnapshot,
  ): Promise<void> {
    const what = `point ${number} at ${snapshot.instructions}`;
    const isNew = number % NEW_EVERY === 0;
    const machine = isNew ? this.#newMachine(number, snapshot) : used;
    if (!isNew) used.rewind(snapshot);
    await this.#goTo(machine, reached.instructions);
    const found = differences(machine.checkpoint(), reached);
    if (number % HASHED_EVERY === 0 && await machine.stateHash() !== await running.stateHash()) {
      found.push("state hash");
    }
    if (found.length > 0) {
      this.#mismatches.push(`${what}${isNew ? " (new)" : ""}: ${found.join(", ")} differ`);
    }
    const endingEvery = Math.min(ENDING_EVERY, Math.ceil(this.#count / LEAST_ENDING));
    if (number % endingEvery === 1) {
      await this.#goTo(machine, this.#reference.instructions);
      await this.#checkEnd(machine, what);
      this.#ended++;
    }
    if (isNew) machine.close();
  }

  /** With an odd setting, so that it does not get the memory of a machine that was closed. */
  #newMachine(number: number, snapshot: MachineSnapshot): Machine {
    const isTranslated = number % (2 * NEW_EVERY) === 0;
    return Machine.restore(snapshot, { jit: isTranslated ? { threshold: 500 + number } : false });
  }

  async #checkEnd(machine: Machine, what: string): Promise<void> {
    const { instructions, stateHash, printed } = this.#reference;
    const found: string[] = [];
    if (machine.instructions !== instructions) found.push("instructions");
    if (!isSame(machine.console.rawTranscript, printed)) found.push("console bytes");
    if (await machine.stateHash() !== stateHash) found.push("state hash");
    if (found.length > 0) this.#mismatches.push(`${what}, at the end: ${found.join(", ")} differ`);
  }
}

/** Which components and pages of two snapshots are not the same. */
function differences(a: MachineSnapshot, b: MachineSnapshot): string[] {
  const names = new Set([...Object.keys(a.components), ...Object.keys(b.components)]);
  const found = [...names].filter((name) => !isSame(a.components[name], b.components[name]));
  if (a.instructions !== b.instructions || a.virtualNs !== b.virtualNs) found.push("clock");
  const zeros = new Uint8Array(PAGE_BYTES);
  for (const [page, content] of a.ram.changesFrom(b.ram)) {
    if (!isSame(content?.bytes() ?? zeros, b.ram.page(page)?.bytes() ?? zeros)) {
      found.push(`page ${page}`);
    }
  }
  return found;
}

/** Deep equality of what a snapshot is made of. */
function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((byte, n) => byte === b[n]);
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [aEntries, bEntries] = [Object.entries(a), Object.entries(b)];
  return aEntries.length === bEntries.length &&
    aEntries.every(([name, value]) =>
      Object.hasOwn(b, name) && isSame(value, (b as Record<string, unknown>)[name])
    );
}

/** Numbers from 0 to 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number given on the command line. */
function numberOption(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new RangeError(`--${name} ${text}: give a whole number from 1`);
  }
  return number;
}

/** Runs the command; answers its exit code. */
export async function main(
  args: readonly string[],
  output: Pick<Console, "log" | "error"> = console,
): Promise<number> {
  const options = parseArgs([...args], { string: ["count", "seed"] });
  let count, seed;
  try {
    count = numberOption("count", options.count, 1000);
    seed = numberOption("seed", options.seed, 1);
  } catch (error) {
    output.error(`snapshot_points: ${(error as Error).message}`);
    return 2;
  }
  const started = performance.now();
  const { points, marks, ended, instructions, mismatches } = await checkPoints({
    count,
    seed,
    onProgress: (checked) => output.error(`${checked} of ${count} points`),
  });
  for (const mismatch of mismatches) output.log(mismatch);
  const seconds = ((performance.now() - started) / 1e3).toFixed(1);
  output.log(
    `${points} points of a flow of ${instructions} instructions, seed ${seed}: ` +
      `${mismatches.length} differences at ${marks} marks; ${ended} went on to the end (${seconds} s)`,
  );
  return mismatches.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
