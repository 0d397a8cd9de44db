/**
 * Our snapshots of a nested guest, in a process of its own: `deno run bench/run_snapshot.ts` with
 * {@link SnapshotSettings} as JSON for its argument. Each line on standard input is a
 * {@link SnapshotRequest}, each on standard output the reply to one; it ends when its input does.
 *
 * @module
 */

import { cpuUsage, resourceUsage } from "node:process";
import { parseJitSetting } from "../core/jit/jit_options.ts";
import { openLayer, type OpenLayerOptions } from "../dsl/layers/open.ts";
import type { Machine } from "../mod.ts";
import type { MachineSnapshot } from "../vmm/snapshot/snapshot.ts";
import { SnapshotStore } from "../vmm/snapshot/store.ts";
import { ECHO_ANSWER, ECHO_LINE, SHELL_PROMPT } from "./snapshot_qemu.ts";

/** What the machines of a process are, and where their snapshots are kept. */
export interface SnapshotSettings {
  /** The store's folder. */
  readonly store: string;
  /** RAM of the host. */
  readonly memMiB: number;
  readonly jit: string;
}

/** What can be asked for; the reply to each is in {@link SnapshotReplies}. */
export type SnapshotRequest =
  | { readonly kind: "make" | "restore" | "echo" }
  | { readonly kind: "save" | "saveLayer"; readonly folder: string }
  | { readonly kind: "commands"; readonly in: "one" | "forks"; readonly count: number };

/** Replies by the kind of the request. Times are from the beginning, unless said otherwise. */
export interface SnapshotReplies {
  /** Boots a guest and keeps it in the store. */
  readonly make: { readonly key: string };
  /** Restores the guest from the store, and has its shell answer. */
  readonly restore: {
    /** Until an instruction was executed. */
    readonly firstInstructionMs: number;
    /** Until the shell had answered. */
    readonly echoMs: number;
  };
  /** Has the shell of the guest restored last answer once more: what of the time is not the restore's. */
  readonly echo: { readonly echoMs: number };
  /** Boots a guest and saves it into stores that are empty, and then after each of some commands. */
  readonly save: {
    /** The first in the process. */
    readonly full: SaveTimes;
    /** The second, which finds the code that saves warm. */
    readonly again: SaveTimes;
    readonly incremental: readonly SaveTimes[];
  };
  /** Boots a host and keeps it, then a guest in it, which is saved as the difference from that. */
  readonly saveLayer: SaveTimes;
  /** Restores the guest, and runs commands in it or in forks of it, which stay alive. */
  readonly commands: {
    readonly wallMs: number;
    /** On all threads of the process, in the same time. */
    readonly cpuMs: number;
    /** Making the forks alone, each. */
    readonly forkMs: readonly number[];
    /** Largest resident set of the process, by the operating system. */
    readonly peakRssMiB: number;
  };
}

/** How long a save took. */
export interface SaveTimes {
  readonly wallMs: number;
  /** On all threads of the process. */
  readonly cpuMs: number;
  /** Finding out what the machine is now; the rest is the store's. */
  readonly captureMs: number;
}

const LAYER = "guest-prompt";
const BELOW = "host-prompt";
const GUEST = { memMiB: 128, cpus: 1 };
/** What is run in the guest before an incremental save. */
const CHANGE_LINE = "ls -l /proc > /tmp/list\n";
const INCREMENTAL_SAVES = 3;
const RECORD = { layer: LAYER, material: {}, actions: [], build: "bench" };
const KIB_PER_MIB = 1024;

type Opened = Awaited<ReturnType<typeof openLayer>>;

/** The measurements, with the store that they share. */
class Snapshots {
  readonly #options: OpenLayerOptions;
  /** The one restored last. */
  #machine: Machine | undefined;

  constructor({ store, memMiB, jit }: SnapshotSettings) {
    this.#options = {
      host: { memMiB, jit: parseJitSetting(jit, "--jit") },
      guest: GUEST,
      store: SnapshotStore.open(store),
      warn: (line) => console.error(line),
    };
  }

  answer(request: SnapshotRequest): Promise<SnapshotReplies[SnapshotRequest["kind"]]> {
    switch (request.kind) {
      case "make":
        return this.#make();
      case "restore":
        return this.#restore();
      case "echo":
        return this.#echo();
      case "save":
        return this.#save(request.folder);
      case "saveLayer":
        return this.#saveLayer(request.folder);
      case "commands":
        return this.#commands(request.in, request.count);
    }
  }

  async #make(): Promise<SnapshotReplies["make"]> {
    const { host, outcomes } = await openLayer(LAYER, this.#options);
    host.machine.close();
    const made = outcomes.find(({ how }) => how === "made");
    if (made !== undefined) throw new Error(`The layer ${made.name} is not kept`);
    const [record] = this.#options.store!.records().filter(({ layer }) => layer === LAYER);
    return { key: record!.key };
  }

  async #restore(): Promise<SnapshotReplies["restore"]> {
    this.#machine?.close();
    const startMs = performance.now();
    const { machine } = (await this.#openRestored()).host;
    this.#machine = machine;
    await machine.run({ until: { instructions: machine.instructions + 1 } });
    const firstMs = performance.now();
    await echo(machine);
    return { firstInstructionMs: firstMs - startMs, echoMs: performance.now() - startMs };
  }

  async #echo(): Promise<SnapshotReplies["echo"]> {
    const machine = this.#machine!;
    await machine.console.expect(SHELL_PROMPT);
    const startMs = performance.now();
    await echo(machine);
    return { echoMs: performance.now() - startMs };
  }

  async #save(folder: string): Promise<SnapshotReplies["save"]> {
    using machine = (await openLayer(LAYER, { ...this.#options, store: undefined })).host.machine;
    const full = await saveAll(machine, `${folder}/full`);
    const again = await saveAll(machine, `${folder}/again`);
    const store = SnapshotStore.open(`${folder}/incremental`);
    let parent: string | undefined;
    const keep = async (snapshot: MachineSnapshot) => {
      const stored = await store.save({ ...RECORD, parent }, snapshot);
      parent = stored.key;
      return stored.snapshot;
    };
    await timeSave(machine, keep);
    const incremental: SaveTimes[] = [];
    for (let n = 0; n < INCREMENTAL_SAVES; n++) {
      machine.console.send(CHANGE_LINE);
      await machine.console.expect(SHELL_PROMPT);
      incremental.push(await timeSave(machine, keep));
    }
    store.close();
    return { full, again, incremental };
  }

  async #saveLayer(folder: string): Promise<SnapshotReplies["saveLayer"]> {
    const store = SnapshotStore.open(folder);
    // The guest belongs to the layer above.
    const { guest: _, ...options } = this.#options;
    const { host } = await openLayer(BELOW, { ...options, store });
    using machine = host.machine;
    const [below] = store.records();
    if (below === undefined) throw new Error(`The layer ${BELOW} is not kept`);
    await (await host.lkvm(GUEST)).prompt();
    const times = await timeSave(
      machine,
      async (snapshot) => (await store.save({ ...RECORD, parent: below.key }, snapshot)).snapshot,
    );
    store.close();
    return times;
  }

  async #commands(where: "one" | "forks", count: number): Promise<SnapshotReplies["commands"]> {
    using machine = (await this.#openRestored()).host.machine;
    await command(machine, 0);
    const forks: Machine[] = [];
    const forkMs: number[] = [];
    const startCpu = cpuUsage();
    const startMs = performance.now();
    for (let n = 1; n <= count; n++) {
      let target = machine;
      if (where === "forks") {
        const forkStartMs = performance.now();
        target = machine.fork();
        forkMs.push(performance.now() - forkStartMs);
        forks.push(target);
      }
      await command(target, n);
    }
    const wallMs = performance.now() - startMs;
    const cpuMs = milliseconds(cpuUsage(startCpu));
    const peakRssMiB = resourceUsage().maxRSS / KIB_PER_MIB;
    for (const [n, fork] of forks.entries()) {
      fork.console.send("cat /tmp/number\n");
      await fork.console.expect(`\n${n + 1}\n`);
    }
    for (const fork of forks) fork.close();
    return { wallMs, cpuMs, forkMs, peakRssMiB };
  }

  async #openRestored(): Promise<Opened> {
    const opened = await openLayer(LAYER, this.#options);
    const missed = opened.outcomes.find(({ how }) => how !== "restored");
    if (missed === undefined) return opened;
    opened.host.machine.close();
    throw new Error(`The layer ${missed.name} was made anew: has the emulator been changed?`);
  }
}

async function echo({ console }: Machine): Promise<void> {
  console.send(ECHO_LINE);
  await console.expect(ECHO_ANSWER);
}

/** Something that forks, reads, writes and lists. */
async function command({ console }: Machine, number: number): Promise<void> {
  console.send(
    `echo ${number} > /tmp/number; uname -a; ls /; echo "number ""$(cat /tmp/number)"\n`,
  );
  await console.expect(`number ${number}\n`);
  await console.expect(SHELL_PROMPT);
}

/** Saves all of a machine into a store of its own; that machine has nothing stored then either. */
async function saveAll(machine: Machine, folder: string): Promise<SaveTimes> {
  const store = SnapshotStore.open(folder);
  // What the machine is not given, it does not take for stored.
  const notGiven = new Error();
  const times = await timeSave(machine, async (snapshot) => {
    await store.save({ ...RECORD, parent: undefined }, snapshot);
    throw notGiven;
  }, notGiven);
  store.close();
  return times;
}

async function timeSave(
  machine: Machine,
  write: (snapshot: MachineSnapshot) => Promise<MachineSnapshot>,
  expected?: Error,
): Promise<SaveTimes> {
  let capturedMs = NaN;
  const startCpu = cpuUsage();
  const startMs = performance.now();
  try {
    await machine.store((snapshot) => {
      capturedMs = performance.now();
      return write(snapshot);
    });
  } catch (error) {
    if (error !== expected) throw error;
  }
  return {
    wallMs: performance.now() - startMs,
    cpuMs: milliseconds(cpuUsage(startCpu)),
    captureMs: capturedMs - startMs,
  };
}

function milliseconds({ user, system }: { user: number; system: number }): number {
  return (user + system) / 1e3;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    const lines = (text + decoder.decode(bytes, { stream: true })).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

if (import.meta.main) {
  try {
    const snapshots = new Snapshots(JSON.parse(Deno.args[0]!));
    for await (const line of linesOf(Deno.stdin.readable)) {
      console.log(JSON.stringify(await snapshots.answer(JSON.parse(line))));
    }
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
