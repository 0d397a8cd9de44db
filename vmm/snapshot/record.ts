/**
 * What is known about a stored snapshot besides the machine: which layer it is, on which other, and
 * everything its key is made of in clear, so that a miss can say which field differs.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import type { MachineSnapshot } from "./snapshot.ts";

/** What a key is made of. */
export interface LayerMaterial {
  /** Key of the layer below; undefined for the lowest. */
  readonly parent: string | undefined;
  /** Name of the layer, for example `"host-prompt"`. */
  readonly layer: string;
  /** Key material: hashes of inputs, options, the emulator's build, ... */
  readonly material: { readonly [field: string]: string };
  /** What was done to the machine since the layer below, in order; opaque to the store. */
  readonly actions: readonly StateValue[];
}

/** What is known about a stored snapshot besides the machine. */
export interface SnapshotRecord extends LayerMaterial {
  /** Lower-case hex SHA-256 of the rest but `build`; see `layerKey`. */
  readonly key: string;
  /** Build of the emulator that made it, an opaque string. */
  readonly build: string;
}

/** A snapshot with its record. */
export interface StoredSnapshot extends SnapshotRecord {
  readonly snapshot: MachineSnapshot;
}
