/**
 * What there is in a store: every snapshot with its sizes and times, and what nobody needs.
 *
 * @module
 */

import { FrameCache } from "./frame_cache.ts";
import type { Manifest } from "./manifest.ts";
import { ManifestDirectory } from "./manifest_directory.ts";
import { PackDirectory } from "./pack_directory.ts";
import type { SnapshotRecord } from "./record.ts";
import type { MachineShape } from "./snapshot.ts";
import { SnapshotError } from "./snapshot_error.ts";
import { UseTimes } from "./use_times.ts";

/** A snapshot as the store has it. */
export interface InventoryItem {
  readonly key: string;
  /** Undefined if its manifest cannot be used. */
  readonly content: InventoryContent | undefined;
  /** Why it cannot be used, as far as can be told without reading its pages. */
  readonly problem: SnapshotError | undefined;
  readonly savedMs: number;
  /** When it was last saved or loaded, to an hour. */
  readonly usedMs: number;
  /** What would be free without it: its manifest, and packs that no other snapshot names. */
  readonly ownBytes: number;
  /** Packs that it names and others name too. */
  readonly sharedBytes: number;
  readonly manifestBytes: number;
  /** Names of the packs with its pages, those of the snapshot below left out. */
  readonly packs: readonly string[];
}

/** What a manifest says, pages left out. */
export interface InventoryContent {
  readonly record: SnapshotRecord;
  readonly shape: MachineShape;
  readonly instructions: number;
  readonly virtualNs: number;
}

/** All of a store. */
export interface Inventory {
  /** Those saved last come first. */
  readonly items: readonly InventoryItem[];
  /** Size of each pack that a snapshot names, by name. */
  readonly packs: ReadonlyMap<string, number>;
  /** Everything in the folders of manifests and packs. */
  readonly totalBytes: number;
  /** What no snapshot names: packs and leftovers. */
  readonly unneededBytes: number;
}

/**
 * Looks at a store without changing it. A folder that is not there is an empty store.
 *
 * @throws {Error} if the folder cannot be read
 */
export function takeInventory(directory: string): Inventory {
  const { manifests, packs, uses } = foldersOf(directory);
  const totalBytes = storeSizeBytes(directory);
  if (totalBytes === 0) return { items: [], packs: new Map(), totalBytes, unneededBytes: 0 };
  const found: Found[] = [];
  for (const key of manifests.keys()) {
    const info = statOf(manifests.filePath(key));
    if (info === undefined) continue;
    const savedMs = info.mtime?.getTime() ?? 0;
    const usedMs = Math.max(savedMs, uses.lastMs(key) ?? 0);
    const manifest = readOrProblem(manifests, key);
    // Another process may have removed it meanwhile.
    if (manifest !== undefined) found.push({ key, manifest, savedMs, usedMs, size: info.size });
  }
  const users = new Map<string, number>();
  for (const { manifest } of found) {
    for (const name of packsOf(manifest)) users.set(name, (users.get(name) ?? 0) + 1);
  }
  const sizes = new Map<string, number>();
  for (const name of users.keys()) sizes.set(name, statOf(packs.pack(name).path)?.size ?? 0);
  const paths = {
    manifest: (key: string) => manifests.filePath(key),
    pack: (name: string) => packs.pack(name).path,
  };
  const items = found.map((one) => itemOf(one, users, sizes, problemOf(one, found, sizes, paths)));
  items.sort((a, b) => b.savedMs - a.savedMs || (a.key < b.key ? -1 : 1));
  const neededBytes = sum(sizes.values()) + sum(items.map(({ manifestBytes }) => manifestBytes));
  return { items, packs: sizes, totalBytes, unneededBytes: Math.max(0, totalBytes - neededBytes) };
}

/**
 * Size of all manifests, packs and leftovers of a store, without reading any of them.
 *
 * @throws {Error} if the folder cannot be read
 */
export function storeSizeBytes(directory: string): number {
  const { manifests, packs } = foldersOf(directory);
  let sizeBytes = 0;
  for (const { path } of [manifests, packs]) {
    try {
      for (const { name } of Deno.readDirSync(path)) {
        sizeBytes += statOf(`${path}/${name}`)?.size ?? 0;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return sizeBytes;
}

interface Found {
  readonly key: string;
  readonly manifest: Manifest | SnapshotError;
  readonly savedMs: number;
  readonly usedMs: number;
  readonly size: number;
}

function foldersOf(directory: string) {
  return {
    manifests: new ManifestDirectory(`${directory}/manifests`),
    packs: new PackDirectory(`${directory}/packs`, new FrameCache(0)),
    uses: new UseTimes(`${directory}/used`),
  };
}

function readOrProblem(
  manifests: ManifestDirectory,
  key: string,
): Manifest | SnapshotError | undefined {
  try {
    return manifests.read(key);
  } catch (error) {
    if (error instanceof SnapshotError) return error;
    throw error;
  }
}

/** Names of the packs of a manifest, each once. */
function packsOf(manifest: Manifest | SnapshotError): string[] {
  if (manifest instanceof SnapshotError) return [];
  return [...new Set(manifest.ram.packs.map(({ name }) => name))];
}

interface Paths {
  manifest(key: string): string;
  pack(name: string): string;
}

/** What is wrong with a snapshot itself; the one below it may be unusable too. */
function problemOf(
  { key, manifest }: Found,
  found: readonly Found[],
  sizes: ReadonlyMap<string, number>,
  paths: Paths,
): SnapshotError | undefined {
  if (manifest instanceof SnapshotError) return manifest;
  const gone = manifest.ram.packs.find(({ name }) => !sizes.get(name));
  if (gone !== undefined) {
    return new SnapshotError("pack-missing", paths.pack(gone.name), "it is gone");
  }
  const { record: { parent = "" }, ram: { base } } = manifest;
  if (base === undefined || found.some((other) => other.key === parent)) return undefined;
  const detail = `the snapshot below it, ${parent}, is gone`;
  return new SnapshotError("base-missing", paths.manifest(key), detail);
}

function itemOf(
  { key, manifest, savedMs, usedMs, size }: Found,
  users: ReadonlyMap<string, number>,
  sizes: ReadonlyMap<string, number>,
  problem: SnapshotError | undefined,
): InventoryItem {
  const packs = packsOf(manifest);
  const isOwn = (name: string) => users.get(name) === 1;
  const sizeOf = (names: readonly string[]) => sum(names.map((name) => sizes.get(name) ?? 0));
  return {
    key,
    content: manifest instanceof SnapshotError ? undefined : contentOf(manifest),
    problem,
    savedMs,
    usedMs,
    ownBytes: size + sizeOf(packs.filter(isOwn)),
    sharedBytes: sizeOf(packs.filter((name) => !isOwn(name))),
    manifestBytes: size,
    packs,
  };
}

function contentOf({ record, machine }: Manifest): InventoryContent {
  const { shape, instructions, virtualNs } = machine;
  return { record, shape, instructions, virtualNs };
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
