/**
 * The measure of snapshots: our store and QEMU's `savevm` in turn, on the same nested guest.
 *
 * @module
 */

import type { Qemu } from "./qemu.ts";
import { SnapshotProcess } from "./snapshot_process.ts";
import { hasQemuImg, QEMU_IMG, QemuSnapshot } from "./snapshot_qemu.ts";
import {
  type QemuSnapshotRuns,
  type Sample,
  type SnapshotResult,
  snapshotResult,
} from "./snapshot_result.ts";
import type { LinuxWorkload } from "./workload.ts";

/** RAM of the hosts that are restored too, to see whether its size matters. */
const OTHER_SIZES_MIB: readonly number[] = [256, 3072];
/** Forks that are alive together, and commands in one machine. */
const COMMANDS = 50;
/** Restores by a QEMU that often fails cost ten seconds each: so many failures of a kind are enough. */
const ENOUGH_FAILURES = 2;
/**
 * Restores in a process before it counts as warm, as in one that runs a suite of scenarios: until V8 has
 * compiled what restores, the first instruction takes 9 ms instead of 2 to 3.
 */
const WARM_UPS = 20;
const MB = 1e6;

/** How it is measured. */
export interface SnapshotOptions {
  readonly pairs: number;
  readonly jit: string;
  readonly timeoutSeconds: number;
  /** Told what a person should know. */
  readonly note: (line: string) => void;
}

/**
 * Measures snapshots of a nested guest.
 *
 * @param workload what leads to it on QEMU; ours comes to it by its layers
 * @param folder an empty one
 * @throws {Error} if ours cannot save or restore a guest; what QEMU cannot do is in the result
 */
export async function measureSnapshots(
  name: string,
  workload: LinuxWorkload,
  folder: string,
  qemus: readonly Qemu[],
  options: SnapshotOptions,
): Promise<SnapshotResult> {
  const canCompare = qemus.length === 0 || await hasQemuImg();
  if (!canCompare) {
    options.note(`skipped: QEMU's snapshots, for there is no ${QEMU_IMG} (Debian: qemu-utils)`);
  }
  const theirs = (canCompare ? qemus : []).map((qemu, index) =>
    new TheirSnapshots(qemu, workload, `${folder}/qemu-${index}`, options)
  );
  await using ours = await OurSnapshots.prepare(workload.memMiB, folder, options);
  for (let pair = 0; pair < options.pairs; pair++) {
    await ours.run();
    for (const each of theirs) await each.run();
  }
  return snapshotResult({
    measure: name,
    pairs: options.pairs,
    ramMiB: workload.memMiB,
    commands: COMMANDS,
    jit: options.jit,
    load: Deno.loadavg()[0]!,
    ours: ours.samples,
    restoreMs: ours.restoreMs,
    qemus: theirs.map(({ runs }) => runs),
  });
}

/** Our side, pair by pair. */
class OurSnapshots implements AsyncDisposable {
  readonly samples: Sample[] = [];
  /** Times to the first instruction, by RAM of the host in MiB. */
  readonly restoreMs = new Map<number, number[]>();
  readonly #memMiB: number;
  readonly #folder: string;
  readonly #options: SnapshotOptions;
  /** Processes by RAM of their hosts. */
  readonly #warm = new Map<number, SnapshotProcess>();
  readonly #size: Pick<Sample, "chainMB" | "manifestMB">;

  private constructor(
    memMiB: number,
    folder: string,
    options: SnapshotOptions,
    size: Pick<Sample, "chainMB" | "manifestMB">,
  ) {
    this.#memMiB = memMiB;
    this.#folder = folder;
    this.#options = options;
    this.#size = size;
  }

  /** Makes the snapshots that are restored. */
  static async prepare(
    memMiB: number,
    folder: string,
    options: SnapshotOptions,
  ): Promise<OurSnapshots> {
    const sizesMiB = [memMiB, ...OTHER_SIZES_MIB].sort((a, b) => a - b);
    const keys = new Map<number, string>();
    for (const sizeMiB of sizesMiB) {
      await using process = start(folder, sizeMiB, options);
      keys.set(sizeMiB, (await process.ask({ kind: "make" })).key);
    }
    const store = storePath(folder, memMiB);
    const manifest = await Deno.stat(`${store}/manifests/${keys.get(memMiB)}.cbor`);
    const size = { chainMB: sizeBytes(store) / MB, manifestMB: manifest.size / MB };
    const ours = new OurSnapshots(memMiB, folder, options, size);
    for (const sizeMiB of sizesMiB) {
      const process = start(folder, sizeMiB, options);
      ours.#warm.set(sizeMiB, process);
      ours.restoreMs.set(sizeMiB, []);
      for (let n = 0; n < WARM_UPS; n++) await process.ask({ kind: "restore" });
    }
    return ours;
  }

  async run(): Promise<void> {
    this.samples.push({
      ...await this.#fresh(),
      ...await this.#restore(),
      ...await this.#save(),
      ...await this.#saveLayer(),
      ...this.#size,
      ...await this.#compareForks(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#warm.values()) await process[Symbol.asyncDispose]();
  }

  async #fresh(): Promise<Sample> {
    const startMs = performance.now();
    await using process = start(this.#folder, this.#memMiB, this.#options);
    const { firstInstructionMs, echoMs } = await process.ask({ kind: "restore" });
    return {
      freshEchoMs: performance.now() - startMs,
      freshWithinMs: echoMs,
      freshFirstInstructionMs: firstInstructionMs,
    };
  }

  /** In warm processes. */
  async #restore(): Promise<Sample> {
    const sample: Sample = {};
    for (const [memMiB, process] of this.#warm) {
      const { firstInstructionMs, echoMs } = await process.ask({ kind: "restore" });
      this.restoreMs.get(memMiB)!.push(firstInstructionMs);
      if (memMiB !== this.#memMiB) continue;
      sample.firstInstructionMs = firstInstructionMs;
      sample.warmEchoMs = echoMs;
      sample.echoAloneMs = (await process.ask({ kind: "echo" })).echoMs;
    }
    return sample;
  }

  async #save(): Promise<Sample> {
    const folder = `${this.#folder}/saved`;
    await using process = start(this.#folder, this.#memMiB, this.#options);
    const { full, again, incremental } = await process.ask({ kind: "save", folder });
    await Deno.remove(folder, { recursive: true });
    const [first] = incremental;
    return {
      saveMs: full.wallMs,
      saveAgainMs: again.wallMs,
      saveCpuMs: full.cpuMs,
      captureMs: full.captureMs,
      incrementalMs: first!.wallMs,
      incrementalAgainMs: incremental.at(-1)!.wallMs,
    };
  }

  async #saveLayer(): Promise<Sample> {
    const folder = `${this.#folder}/saved`;
    await using process = start(this.#folder, this.#memMiB, this.#options);
    const { wallMs } = await process.ask({ kind: "saveLayer", folder });
    await Deno.remove(folder, { recursive: true });
    return { layerSaveMs: wallMs };
  }

  async #compareForks(): Promise<Sample> {
    const one = await this.#commands("one");
    const forks = await this.#commands("forks");
    const forkMs = forks.forkMs.reduce((total, each) => total + each, 0) / forks.forkMs.length;
    return {
      oneMs: one.wallMs,
      oneCpuMs: one.cpuMs,
      forksMs: forks.wallMs,
      forksCpuMs: forks.cpuMs,
      forkMs,
      forksByOne: forks.wallMs / one.wallMs,
      forksByOneCpu: forks.cpuMs / one.cpuMs,
      forksPeakMiB: forks.peakRssMiB,
    };
  }

  async #commands(where: "one" | "forks") {
    await using process = start(this.#folder, this.#memMiB, this.#options);
    return await process.ask({ kind: "commands", in: where, count: COMMANDS });
  }
}

/** A QEMU's side, pair by pair. */
class TheirSnapshots {
  readonly runs: QemuSnapshotRuns;
  readonly #qemu: Qemu;
  readonly #workload: LinuxWorkload;
  readonly #folder: string;
  readonly #options: SnapshotOptions;

  /** @param folder an own one */
  constructor(qemu: Qemu, workload: LinuxWorkload, folder: string, options: SnapshotOptions) {
    this.runs = { version: qemu.version, samples: [], failures: {} };
    this.#qemu = qemu;
    this.#workload = workload;
    this.#folder = folder;
    this.#options = options;
  }

  async run(): Promise<void> {
    await Deno.mkdir(this.#folder);
    const sample: Sample = {};
    this.runs.samples.push(sample);
    const saved = await this.#try(
      "savevm",
      () =>
        QemuSnapshot.prepare(
          this.#qemu,
          this.#workload,
          this.#folder,
          this.#options.timeoutSeconds,
        ),
    );
    if (saved !== undefined) {
      await using snapshot = saved;
      sample.saveMs = saved.saveMs;
      sample.chainMB = saved.size.fileBytes / MB;
      sample.freshEchoMs = await this.#try("-loadvm", () => snapshot.restoreToEchoMs());
      sample.warmEchoMs = await this.#try("loadvm", () => snapshot.warmRestoreToEchoMs());
      if (sample.warmEchoMs !== undefined) {
        sample.echoAloneMs = await this.#try("echo", () => snapshot.echoMs());
      }
    }
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Undefined if it fails, or has failed often enough. */
  async #try<T>(what: string, act: () => Promise<T>): Promise<T | undefined> {
    const failures = this.runs.failures[what] ??= [];
    if (failures.length >= ENOUGH_FAILURES) return undefined;
    try {
      return await act();
    } catch (error) {
      failures.push((error as Error).message);
      return undefined;
    }
  }
}

function start(folder: string, memMiB: number, options: SnapshotOptions): SnapshotProcess {
  const settings = { store: storePath(folder, memMiB), memMiB, jit: options.jit };
  return new SnapshotProcess(settings, options.timeoutSeconds * 1e3);
}

function storePath(folder: string, memMiB: number): string {
  return `${folder}/store-${memMiB}`;
}

/** Sizes of all files in a folder, together. */
function sizeBytes(folder: string): number {
  let total = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    total += isDirectory ? sizeBytes(path) : Deno.statSync(path).size;
  }
  return total;
}
