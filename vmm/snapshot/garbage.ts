/**
 * Removing what nobody needs.
 *
 * @module
 */

import type { ManifestDirectory } from "./manifest_directory.ts";
import type { PackDirectory } from "./pack_directory.ts";
import { cannotWrite, TEMPORARY_PREFIX } from "./publish.ts";
import { SnapshotError } from "./snapshot_error.ts";

/** What was removed. */
export interface Garbage {
  readonly files: number;
  readonly sizeBytes: number;
}

/**
 * Removes temporary files, and packs that no manifest names, if they are older than `graceMs`.
 *
 * Packs stay if there is a manifest that may be good, but not for this release or this user.
 */
export function collectGarbage(
  manifests: ManifestDirectory,
  packs: PackDirectory,
  graceMs: number,
): Garbage {
  const before = Date.now() - graceMs;
  let files = 0;
  let sizeBytes = 0;
  const removeOld = (path: string) => {
    try {
      const { mtime, size } = Deno.statSync(path);
      if (mtime === null || mtime.getTime() > before) return;
      Deno.removeSync(path);
      files++;
      sizeBytes += size;
    } catch (error) {
      // Another process may have removed it.
      if (!(error instanceof Deno.errors.NotFound)) throw cannotWrite(path, error);
    }
  };
  for (const directory of [manifests.path, packs.path]) {
    for (const { name } of Deno.readDirSync(directory)) {
      if (name.startsWith(TEMPORARY_PREFIX)) removeOld(`${directory}/${name}`);
    }
  }
  // Before the manifests are read, so that a pack that is published now is not seen.
  const names = packs.names();
  const needed = neededPacks(manifests);
  if (needed !== undefined) {
    for (const name of names) {
      if (!needed.has(name)) removeOld(packs.pack(name).path);
    }
  }
  return { files, sizeBytes };
}

/** Names of the packs that manifests name; undefined if that cannot be known. */
function neededPacks(manifests: ManifestDirectory): Set<string> | undefined {
  const needed = new Set<string>();
  for (const key of manifests.keys()) {
    try {
      for (const { name } of manifests.read(key)?.ram.packs ?? []) needed.add(name);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      if (error.reason === "unknown-version" || error.reason === "unreadable") return undefined;
    }
  }
  return needed;
}
