/**
 * The snapshot store of this process.
 *
 * @module
 */

import { cacheDirectory } from "../../vmm/snapshot/cache_directory.ts";
import { SnapshotStore } from "../../vmm/snapshot/store.ts";

let opened: { readonly store: SnapshotStore | undefined } | undefined;

/**
 * The store in the user's cache folder; undefined if there is none, it may not be used, or it cannot be
 * made. Why is told once.
 */
export function sharedStore(warn: (line: string) => void): SnapshotStore | undefined {
  opened ??= { store: open(warn) };
  return opened.store;
}

function open(warn: (line: string) => void): SnapshotStore | undefined {
  const path = cacheDirectory();
  if (path === undefined) return undefined;
  const missing = (["read", "write"] as const).filter((name) =>
    Deno.permissions.querySync({ name, path }).state !== "granted"
  );
  if (missing.length > 0) {
    const flags = missing.map((name) => `--allow-${name}=${path}`).join(" ");
    warn(`machines are booted each time: snapshots are kept with ${flags}`);
    return undefined;
  }
  try {
    return SnapshotStore.open(path);
  } catch (error) {
    warn(`machines are booted each time: ${(error as Error).message}`);
    return undefined;
  }
}

/** Says something on standard error, where test reporters do not look. */
export function warnOnStderr(line: string): void {
  console.error(`himawari: ${line}`);
}
