/**
 * Brings a machine to a layer: from snapshots as far as there are any, by running from there on.
 *
 * @module
 */

import { bootMaterial } from "../../vmm/boot_material.ts";
import { emulatorBuild } from "../../vmm/emulator_build.ts";
import type { RestorableLayer } from "../../vmm/machine.ts";
import { layerKey } from "../../vmm/snapshot/layer_key.ts";
import type { SnapshotRecord } from "../../vmm/snapshot/record.ts";
import { keepSmall } from "../../vmm/snapshot/clean_up.ts";
import { explainMiss } from "../../vmm/snapshot/explain_miss.ts";
import { SnapshotError } from "../../vmm/snapshot/snapshot_error.ts";
import type { SnapshotStore } from "../../vmm/snapshot/store.ts";
import { parseActions } from "../../vmm/tape.ts";
import type { StateValue } from "../../core/device.ts";
import project from "../../deno.json" with { type: "json" };
import { Host, hostMachineOptions } from "../host.ts";
import { isLogging } from "../log.ts";
import {
  type BuiltInOptions,
  type Layer,
  type LayerPlan,
  type LayerReference,
  type Made,
  planLayers,
} from "./definition.ts";

/** How a layer came about. */
export interface LayerOutcome {
  readonly name: string;
  /** Whether it was restored, made and kept, or made only. */
  readonly how: "restored" | "stored" | "made";
}

/** A machine at a layer. */
export interface OpenedLayer {
  readonly host: Host;
  /** What the layers have made. */
  readonly made: Made;
  readonly outcomes: readonly LayerOutcome[];
}

/** What {@link openLayer} works with. */
export interface OpenLayerOptions extends BuiltInOptions {
  /** Where snapshots are kept; without it everything is run. */
  readonly store: SnapshotStore | undefined;
  /** Told what a user should know, a line at a time. */
  readonly warn: (line: string) => void;
}

interface StoredLayer extends RestorableLayer {
  readonly key: string;
}

/** What scenarios get besides what layers make. */
const RESERVED_NAMES = ["host", "machine"];
/** With what is stored; with what of it can be used; without. */
const MOST_ATTEMPTS = 3;

/** After each edit of the emulator every layer is another: once is enough. */
const toldOfBuild = new WeakSet<SnapshotStore>();

/**
 * Makes a machine and brings it to a layer. The caller closes it.
 *
 * @throws {TypeError} as {@link planLayers}
 * @throws {SnapshotError} if a page of a layer cannot be read that the layer on it needs
 * @throws what a layer's body throws
 */
export async function openLayer(
  reference: LayerReference,
  options: OpenLayerOptions,
): Promise<OpenedLayer> {
  const ascent = new Ascent(planLayers(reference, options), options);
  try {
    return await ascent.toTheTop();
  } catch (error) {
    ascent.host.machine.close();
    throw error;
  }
}

/**
 * Calls `use` with a machine at a layer, and closes it. If it turns out that what is stored of it cannot
 * be used, that is told and removed, and all is done again with a new machine: pages are read when the
 * guest first uses them, so this shows anywhere.
 *
 * @throws {TypeError} as {@link planLayers}
 * @throws what a layer's body throws, or `use`
 */
export async function withLayer<T>(
  reference: LayerReference,
  options: OpenLayerOptions,
  use: (opened: OpenedLayer) => Promise<T>,
): Promise<T> {
  const plan = planLayers(reference, options);
  for (let attempt = 1;; attempt++) {
    const store = attempt < MOST_ATTEMPTS ? options.store : undefined;
    const ascent = new Ascent(plan, { ...options, store });
    using _host = ascent.host;
    try {
      return await use(await ascent.toTheTop());
    } catch (error) {
      const damage = store === undefined ? undefined : findSnapshotError(error);
      if (damage === undefined) throw error;
      options.warn(`layers are made anew: ${damage.message}`);
      ascent.discardRestored(damage);
    }
  }
}

/** The way up, a layer at a time. */
class Ascent {
  readonly host: Host;
  readonly #plan: LayerPlan;
  readonly #warn: (line: string) => void;
  #store: SnapshotStore | undefined;
  /** Key of the layer below. */
  #below: string | undefined;
  #made: Made = {};
  readonly #outcomes: LayerOutcome[] = [];
  readonly #restoredKeys: string[] = [];

  constructor(plan: LayerPlan, { store, warn }: OpenLayerOptions) {
    this.#plan = plan;
    this.#store = store;
    this.#warn = warn;
    this.host = Host.prepare(plan.host);
  }

  async toTheTop(): Promise<OpenedLayer> {
    const { layers } = this.#plan;
    for (const layer of layers) await this.#climb(layer);
    if (layers.length === 0) await this.host.machine.run({ until: { instructions: 0 } });
    return { host: this.host, made: this.#made, outcomes: this.#outcomes };
  }

  /** Removes from the store what was restored, and the pack that is damaged: others might use it. */
  discardRestored({ reason, file }: SnapshotError): void {
    try {
      for (const key of this.#restoredKeys) this.#store?.remove(key);
      if (reason === "pack-damaged") Deno.removeSync(file);
    } catch (error) {
      // Somebody else has removed it already.
      if (!(error instanceof Deno.errors.NotFound)) this.#warn((error as Error).message);
    }
  }

  async #climb(layer: Layer): Promise<void> {
    const { machine } = this.host;
    const build = this.#store === undefined ? "" : emulatorBuild(project.version);
    const material = this.#below === undefined && this.#store !== undefined
      ? await bootMaterial(hostMachineOptions(this.#plan.host))
      : {};
    machine.beginLayer(this.#candidates(layer.name, material, build));
    const made = await layer.body({ ...this.#made, host: this.host });
    this.#made = { ...this.#made, ...checkMade(layer, made) };
    const end = await machine.endLayer();
    if ("snapshot" in end) {
      this.#below = (end as StoredLayer).key;
      this.#restoredKeys.push(this.#below);
      this.#outcomes.push({ name: layer.name, how: "restored" });
      return;
    }
    if (this.#store !== undefined && end.unrepeatable !== undefined) {
      this.#stopStoring(`layer ${layer.name} is not kept: ${end.unrepeatable}`);
    }
    const actions = end.actions as unknown as readonly StateValue[];
    const isStored = await this.#save({ layer: layer.name, material, actions, build });
    this.#outcomes.push({ name: layer.name, how: isStored ? "stored" : "made" });
  }

  #candidates(layer: string, material: Record<string, string>, build: string): StoredLayer[] {
    const store = this.#store;
    if (store === undefined) return [];
    let records: SnapshotRecord[];
    try {
      records = store.candidates(this.#below, layer)
        .filter((record) => isSame(record.material, material));
    } catch (error) {
      this.#stopStoring(`layer ${layer} is made and not kept: ${(error as Error).message}`);
      return [];
    }
    const ours = records.filter((record) => record.build === build);
    if (records.length > 0 && ours.length === 0 && !toldOfBuild.has(store)) {
      toldOfBuild.add(store);
      this.#warn(
        `layer ${layer}, and others, are made anew: they were made by another build of the emulator`,
      );
    }
    return ours.flatMap((record): StoredLayer[] => {
      try {
        const stored = store.load(record.key);
        if (stored === undefined) return [];
        const { key, snapshot } = stored;
        return [{ key, actions: parseActions(record.actions), snapshot }];
      } catch (error) {
        if (!(error instanceof SnapshotError) && !(error instanceof TypeError)) throw error;
        this.#warn(`layer ${layer} is made anew: ${error.message}`);
        store.remove(record.key);
        return [];
      }
    });
  }

  async #save(made: Omit<SnapshotRecord, "key" | "parent">): Promise<boolean> {
    const store = this.#store;
    if (store === undefined) return false;
    const record = { ...made, parent: this.#below };
    try {
      this.#tellWhatIsReplaced(store, record);
      if (isLogging("cache")) this.#warn(explainMiss(record, store.records()));
      await this.host.machine.store(async (snapshot) => {
        const stored = await store.save(record, snapshot);
        this.#below = stored.key;
        return stored.snapshot;
      });
    } catch (error) {
      this.#stopStoring(`layer ${made.layer} is not kept: ${(error as Error).message}`);
      return false;
    }
    try {
      keepSmall(store);
    } catch (error) {
      this.#warn((error as Error).message);
    }
    return true;
  }

  /** One whose record cannot be read is no candidate: only now it is known what it was. */
  #tellWhatIsReplaced(store: SnapshotStore, record: Omit<SnapshotRecord, "key">): void {
    try {
      store.load(layerKey(record));
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.#warn(`layer ${record.layer} was made anew: ${error.message}`);
    }
  }

  /** What lies on a layer that is not kept is not kept either. */
  #stopStoring(why: string): void {
    this.#warn(why);
    this.#store = undefined;
  }
}

function checkMade(layer: Layer, made: unknown): Made {
  if (made === undefined) return {};
  if (typeof made !== "object" || made === null) {
    throw new TypeError(
      `layer ${layer.name}: its body returns what it made by name, as { guest }, not ${made}`,
    );
  }
  for (const name of RESERVED_NAMES) {
    if (!Object.hasOwn(made, name)) continue;
    throw new TypeError(`layer ${layer.name}: what it made cannot be named ${name}: that is there`);
  }
  return made as Made;
}

function findSnapshotError(error: unknown): SnapshotError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof SnapshotError) return cause;
  }
  return undefined;
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
