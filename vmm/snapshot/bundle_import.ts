/**
 * Taking the snapshots of a bundle into a store.
 *
 * All of the file is checked before anything is stored. What cannot be checked is whether a machine
 * really comes to the state that a snapshot has from what its key says: that takes running it
 * (`--verify-snapshots`). So import what you trust.
 *
 * @module
 */

import { Bundle } from "./bundle.ts";
import type { SnapshotRecord } from "./record.ts";
import { SnapshotError } from "./snapshot_error.ts";
import type { SnapshotStore } from "./store.ts";

/** What became of a snapshot. */
export interface ImportedLayer {
  readonly record: SnapshotRecord;
  /** Stored, in place of another one or not; or left out, as there was one as good. */
  readonly how: "stored" | "replaced" | "kept";
}

/**
 * Imports a bundle. A snapshot that is there already stays if it can be used and is of the same build,
 * or of the emulator's own.
 *
 * @param build the emulator's
 * @throws {BundleError} if the file is no bundle or damaged; nothing is stored then
 * @throws {Error} if the store cannot be written to
 */
export async function importBundle(
  store: SnapshotStore,
  path: string,
  build: string,
): Promise<ImportedLayer[]> {
  using bundle = Bundle.open(path);
  bundle.verify();
  const imported: ImportedLayer[] = [];
  const images = bundle.images();
  for (const { record, machine } of bundle.layers) {
    const ram = images.next().value;
    const found = usableBuild(store, record.key);
    if (found === record.build || found === build) {
      imported.push({ record, how: "kept" });
      continue;
    }
    await store.save(record, { ...machine, ram });
    imported.push({ record, how: found === undefined ? "stored" : "replaced" });
  }
  return imported;
}

/** Build of a snapshot that is there and can be used. */
function usableBuild(store: SnapshotStore, key: string): string | undefined {
  try {
    return store.load(key)?.build;
  } catch (error) {
    if (error instanceof SnapshotError) return undefined;
    throw error;
  }
}
