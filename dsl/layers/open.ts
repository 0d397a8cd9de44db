/**
 * Brings a machine to a layer: from snapshots as far as there are any, by running from there on.
 *
 * @module
 */

import { bootMaterial } from "../../vmm/boot_material.ts";
import { emulatorBuild } from "../../vmm/emulator_build.ts";
import type { RestorableLayer } from "../../vmm/machine.ts";
import { SnapshotError } from "../../vmm/snapshot/snapshot_error.ts";
import type { SnapshotStore } from "../../vmm/snapshot/store.ts";
import { parseActions } from "../../vmm/tape.ts";
import type { StateValue } from "../../core/device.ts";
import project from "../../deno.json" with { type: "json" };
import { Host, hostMachineOptions } from "../host.ts";
import {
  type BuiltInOptions,
  type Layer,
  type LayerReference,
  layersUpTo,
  type Made,
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

/**
 * Makes a machine and brings it to a layer. The caller closes it.
 *
 * @throws {TypeError} if the layer is not known
 * @throws what a layer's body throws
 */
export async function openLayer(
  reference: LayerReference,
  options: OpenLayerOptions,
): Promise<OpenedLayer> {
  const layers = layersUpTo(reference, options);
  const host = Host.prepare(options.host);
  try {
    const ascent = new Ascent(host, options);
    for (const layer of layers) await ascent.climb(layer);
    if (layers.length === 0) await host.machine.run({ until: { instructions: 0 } });
    return { host, made: ascent.made, outcomes: ascent.outcomes };
  } catch (error) {
    host.machine.close();
    throw error;
  }
}

/** The way up, a layer at a time. */
class Ascent {
  made: Made = {};
  readonly outcomes: LayerOutcome[] = [];
  readonly #host: Host;
  readonly #options: OpenLayerOptions;
  #store: SnapshotStore | undefined;
  /** Key of the layer below. */
  #below: string | undefined;

  constructor(host: Host, options: OpenLayerOptions) {
    this.#host = host;
    this.#options = options;
    this.#store = options.store;
  }

  async climb(layer: Layer): Promise<void> {
    const { machine } = this.#host;
    const build = emulatorBuild(project.version);
    const material = this.#below === undefined && this.#store !== undefined
      ? await bootMaterial(hostMachineOptions(this.#options.host))
      : {};
    machine.beginLayer(this.#candidates(layer.name, material, build));
    const made = await layer.body({ ...this.made, host: this.#host });
    this.made = { ...this.made, ...made };
    const end = await machine.endLayer();
    if ("snapshot" in end) {
      this.#below = (end as StoredLayer).key;
      this.outcomes.push({ name: layer.name, how: "restored" });
      return;
    }
    if (this.#store !== undefined && end.unrepeatable !== undefined) {
      this.#stopStoring(`layer ${layer.name} is not kept: ${end.unrepeatable}`);
    }
    const actions = end.actions as unknown as readonly StateValue[];
    const isStored = await this.#save({ layer: layer.name, material, actions, build });
    this.outcomes.push({ name: layer.name, how: isStored ? "stored" : "made" });
  }

  #candidates(layer: string, material: Record<string, string>, build: string): StoredLayer[] {
    const store = this.#store;
    if (store === undefined) return [];
    return store.candidates(this.#below, layer).flatMap((record): StoredLayer[] => {
      if (record.build !== build || !isSame(record.material, material)) return [];
      try {
        const stored = store.load(record.key);
        if (stored === undefined) return [];
        const { key, snapshot } = stored;
        return [{ key, actions: parseActions(record.actions), snapshot }];
      } catch (error) {
        if (!(error instanceof SnapshotError) && !(error instanceof TypeError)) throw error;
        this.#options.warn(`layer ${layer} is made anew: ${error.message}`);
        store.remove(record.key);
        return [];
      }
    });
  }

  async #save(record: {
    readonly layer: string;
    readonly material: Record<string, string>;
    readonly actions: readonly StateValue[];
    readonly build: string;
  }): Promise<boolean> {
    const store = this.#store;
    if (store === undefined) return false;
    try {
      await this.#host.machine.store(async (snapshot) => {
        const stored = await store.save({ ...record, parent: this.#below }, snapshot);
        this.#below = stored.key;
        return stored.snapshot;
      });
      return true;
    } catch (error) {
      this.#stopStoring(`layer ${record.layer} is not kept: ${(error as Error).message}`);
      return false;
    }
  }

  /** What lies on a layer that is not kept is not kept either. */
  #stopStoring(why: string): void {
    this.#options.warn(why);
    this.#store = undefined;
  }
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
