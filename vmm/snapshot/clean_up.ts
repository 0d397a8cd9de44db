/**
 * Keeping a store small: what was used longest ago goes first.
 *
 * Nothing is locked, so this may happen while other processes use the store. What they may be about
 * to use is left alone for a time of grace. A machine that runs keeps the packs open that it was
 * restored from, so that their removal does it no harm; a process that just looked for a snapshot and
 * finds it gone makes the layer anew.
 *
 * Packs are removed as a whole: one stays as long as a snapshot needs any of its pages.
 *
 * @module
 */

import { type Inventory, type InventoryItem, storeSizeBytes, takeInventory } from "./inventory.ts";
import { ManifestDirectory } from "./manifest_directory.ts";
import type { SnapshotProblem } from "./snapshot_error.ts";
import type { SnapshotStore } from "./store.ts";
import { USE_INTERVAL_MS, UseTimes } from "./use_times.ts";

/** How large a store may become before it is cleaned up by itself. */
export const DEFAULT_MAX_BYTES = 4 * 2 ** 30;
/** What was used within this time stays. Uses are known to an hour, and so this is an hour at least. */
export const DEFAULT_GRACE_MS = 2 * USE_INTERVAL_MS;

/** Packs without a manifest, and leftovers, stay for so long: they may be about to be published. */
const PUBLISHING_MS = 3_600_000;
/** {@link keepSmall} makes room for some saves to come. */
const KEEP_SMALL_SHARE = 0.9;
/** When {@link keepSmall} had nothing to remove, it does not look again for so long. */
const KEEP_SMALL_INTERVAL_MS = 600_000;
/** What is never going to be good again. */
const HOPELESS: readonly SnapshotProblem[] = ["damaged", "not-a-snapshot", "pack-missing"];

/** Limits of {@link cleanUp}. */
export interface CleanUpOptions {
  /** Most bytes that manifests and packs may have. */
  readonly maxBytes?: number;
  /** What has not been used for longer goes. */
  readonly maxAgeMs?: number;
  /** What was used within this time stays, whatever the limits. */
  readonly graceMs?: number;
  readonly nowMs?: number;
}

/** What {@link cleanUp} came to. */
export interface CleanUp {
  /** The snapshots that were removed. */
  readonly removed: readonly InventoryItem[];
  readonly freedBytes: number;
  /** What is left. */
  readonly leftBytes: number;
  /** How many snapshots are over the limits, and stay as they were used a short time ago. */
  readonly spared: number;
}

/**
 * Removes snapshots beyond the limits, then what no snapshot needs.
 *
 * @throws {Error} if something cannot be removed
 */
export function cleanUp(store: SnapshotStore, options: CleanUpOptions = {}): CleanUp {
  const { graceMs = DEFAULT_GRACE_MS, nowMs = Date.now() } = options;
  const uses = new UseTimes(`${store.directory}/used`);
  const before = takeInventory(store.directory);
  const removed: InventoryItem[] = [];
  let spared = 0;
  for (const item of chooseRemovals(before, { ...options, nowMs })) {
    // Looked at again, as somebody may have begun to use it. No grace at all spares nothing.
    const usedMs = Math.max(item.usedMs, uses.lastMs(item.key) ?? 0);
    if (graceMs > 0 && nowMs - usedMs < graceMs) {
      spared++;
      continue;
    }
    store.remove(item.key);
    removed.push(item);
  }
  removePacksOf(store, removed, nowMs);
  store.gc({ graceMs: PUBLISHING_MS });
  const leftBytes = storeSizeBytes(store.directory);
  forgetRemoved(store, uses);
  return { removed, freedBytes: Math.max(0, before.totalBytes - leftBytes), leftBytes, spared };
}

const lookedAt = new WeakMap<SnapshotStore, number>();

/**
 * Cleans a store up if it is larger than it may be; to be called after a save. While it is not, this
 * costs a look at the size of each file.
 *
 * @returns undefined if there was nothing to do
 * @throws {Error} if something cannot be removed
 */
export function keepSmall(
  store: SnapshotStore,
  maxBytes = DEFAULT_MAX_BYTES,
  graceMs = DEFAULT_GRACE_MS,
): CleanUp | undefined {
  if (Date.now() - (lookedAt.get(store) ?? -Infinity) < KEEP_SMALL_INTERVAL_MS) return undefined;
  if (storeSizeBytes(store.directory) <= maxBytes) return undefined;
  const result = cleanUp(store, { maxBytes: maxBytes * KEEP_SMALL_SHARE, graceMs });
  if (result.leftBytes > maxBytes) lookedAt.set(store, Date.now());
  return result;
}

/** What {@link removeSnapshots} came to. */
export interface Removal {
  readonly freedBytes: number;
  /** Snapshots that are left and lie on a removed one. */
  readonly orphans: readonly InventoryItem[];
}

/**
 * Removes these snapshots, used or not, and the packs that only they needed.
 *
 * @throws {Error} if something cannot be removed
 */
export function removeSnapshots(store: SnapshotStore, items: readonly InventoryItem[]): Removal {
  const before = storeSizeBytes(store.directory);
  for (const { key } of items) store.remove(key);
  const after = removePacksOf(store, items, Date.now());
  const freedBytes = Math.max(0, before - storeSizeBytes(store.directory));
  const keys = new Set(items.map(({ key }) => key));
  const orphans = after.items.filter(({ content }) => keys.has(content?.record.parent ?? ""));
  return { freedBytes, orphans };
}

/** The snapshots beyond the limits, those to be removed first at first. */
function chooseRemovals(
  { items, packs, totalBytes, unneededBytes }: Inventory,
  { maxBytes = Infinity, maxAgeMs = Infinity, nowMs }: CleanUpOptions & { nowMs: number },
): InventoryItem[] {
  const users = new Map<string, number>();
  for (const name of items.flatMap((item) => item.packs)) {
    users.set(name, (users.get(name) ?? 0) + 1);
  }
  // While somebody knows better than this release what packs are for, none is removed.
  let foreign = items.filter(isOfUnknownNeeds).length;
  let sizeBytes = totalBytes - (foreign === 0 ? unneededBytes : 0);
  return inOrderOfRemoval(items).filter(({ item, usedMs }) => {
    const isHopeless = item.problem !== undefined && HOPELESS.includes(item.problem.reason);
    if (!isHopeless && sizeBytes <= maxBytes && nowMs - usedMs <= maxAgeMs) return false;
    sizeBytes -= item.manifestBytes;
    if (isOfUnknownNeeds(item) && --foreign === 0) sizeBytes -= unneededBytes;
    for (const name of item.packs) {
      const left = (users.get(name) as number) - 1;
      users.set(name, left);
      if (left === 0) sizeBytes -= packs.get(name) ?? 0;
    }
    return true;
  }).map(({ item, usedMs }) => ({ ...item, usedMs }));
}

/** Those used longest ago first; who uses a snapshot uses those below it, so these come later. */
function inOrderOfRemoval(items: readonly InventoryItem[]) {
  const byKey = new Map(items.map((item) => [item.key, item]));
  const usedMs = new Map(items.map((item) => [item.key, item.usedMs]));
  const heights = new Map<string, number>();
  for (const item of items) {
    // Keys are digests that take in the parent's, so this comes to an end.
    let height = 0;
    for (let at: InventoryItem | undefined = item; at !== undefined; height++) {
      usedMs.set(at.key, Math.max(usedMs.get(at.key) as number, item.usedMs));
      heights.set(at.key, Math.max(heights.get(at.key) ?? 0, height));
      at = byKey.get(at.content?.record.parent ?? "");
    }
  }
  return items.map((item) => ({
    item,
    usedMs: usedMs.get(item.key) as number,
    height: heights.get(item.key) as number,
  })).sort((a, b) => a.usedMs - b.usedMs || a.height - b.height);
}

/** Removes the packs that only these snapshots needed. Answers what is left. */
function removePacksOf(
  store: SnapshotStore,
  removed: readonly InventoryItem[],
  nowMs: number,
): Inventory {
  const after = takeInventory(store.directory);
  if (after.items.some(isOfUnknownNeeds)) return after;
  const newest = new Map<string, number>();
  for (const { packs, savedMs } of removed) {
    for (const name of packs) newest.set(name, Math.max(newest.get(name) ?? 0, savedMs));
  }
  for (const [name, savedMs] of newest) {
    if (!after.packs.has(name)) removePack(`${store.directory}/packs/${name}.pack`, savedMs, nowMs);
  }
  return after;
}

/** A pack is as old as its manifest, give or take the time of writing; or else a save wants it now. */
const WRITING_MS = 10_000;

function removePack(path: string, savedMs: number, nowMs: number): void {
  try {
    const touchedMs = Deno.statSync(path).mtime?.getTime() ?? 0;
    if (touchedMs > savedMs + WRITING_MS && nowMs - touchedMs < PUBLISHING_MS) return;
    Deno.removeSync(path);
  } catch (error) {
    // Gone already, or open in another process on a system that does not allow it: gc comes again.
    if (error instanceof Deno.errors.NotFound || Deno.build.os === "windows") return;
    throw new Error(`Cannot remove ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether a manifest may be good, but not for this release or this user. */
function isOfUnknownNeeds({ problem }: InventoryItem): boolean {
  return problem?.reason === "unknown-version" || problem?.reason === "unreadable";
}

function forgetRemoved(store: SnapshotStore, uses: UseTimes): void {
  const keys = new Set(new ManifestDirectory(`${store.directory}/manifests`).keys());
  for (const key of uses.keys()) if (!keys.has(key)) uses.forget(key);
}
