/**
 * Snapshots on disk.
 *
 * ```text
 * manifests/<key>.cbor    what a machine is, and where its pages are
 * packs/<digest>.pack     pages, each once for all snapshots
 * used/<key>              when a snapshot was last used
 * ```
 *
 * Any number of processes may use a store at once. Nothing is locked: files get their names when
 * they are whole and on the disk, a pack before the manifests that need it, and names stand for
 * contents or keys, so that the last writer does no harm.
 *
 * @module
 */

import { type PageContent, RamImage } from "../../core/ram_image.ts";
import { Chunks, StoredPage } from "./chunks.ts";
import { FrameCache } from "./frame_cache.ts";
import { collectGarbage, type Garbage } from "./garbage.ts";
import { isHexDigest } from "./hex.ts";
import { layerKey } from "./layer_key.ts";
import { type Manifest, MAX_IMAGE_PAGES, type PageTable, ZERO_CHUNK } from "./manifest.ts";
import { ManifestDirectory } from "./manifest_directory.ts";
import { encodeManifest } from "./manifest_file.ts";
import { PackDirectory } from "./pack_directory.ts";
import { type BaseImage, type CollectedPages, collectPages } from "./page_collector.ts";
import { cannotWrite, PendingFile } from "./publish.ts";
import type { SnapshotRecord, StoredSnapshot } from "./record.ts";
import type { MachineSnapshot } from "./snapshot.ts";
import { SnapshotError } from "./snapshot_error.ts";
import { UseTimes } from "./use_times.ts";
import { type StoreProblem, verifyStore } from "./verify.ts";

/** How much of decompressed pages is kept, so that restoring again costs nothing. */
const CACHE_BYTES = 256 * 2 ** 20;
/** Most layers on each other. */
const MAX_DEPTH = 256;
/** How often a save starts over because packs that it refers to were removed meanwhile. */
const SAVE_ATTEMPTS = 3;
/** For so long gc leaves alone what another process may be about to use. */
const GRACE_MS = 3_600_000;

interface Loaded extends BaseImage {
  /** Changes when the manifest is replaced. */
  readonly stamp: string | undefined;
  readonly stored: StoredSnapshot;
  readonly table: PageTable;
  /** What it is the difference from. */
  readonly base: Loaded | undefined;
  /** How many layers it is made of. */
  readonly depth: number;
}

/**
 * A folder with snapshots.
 *
 * @example
 * ```ts ignore
 * const store = SnapshotStore.open("/tmp/snapshots");
 * const { key } = await store.save({ parent, layer: "host-prompt", material, actions, build }, snapshot);
 * console.log(store.load(key)?.snapshot.instructions);
 * ```
 */
export class SnapshotStore {
  readonly directory: string;
  readonly #manifests: ManifestDirectory;
  readonly #cache = new FrameCache(CACHE_BYTES);
  readonly #packs: PackDirectory;
  readonly #uses: UseTimes;
  readonly #loaded = new Map<string, Loaded>();

  private constructor(directory: string) {
    this.directory = directory;
    this.#manifests = new ManifestDirectory(`${directory}/manifests`);
    this.#packs = new PackDirectory(`${directory}/packs`, this.#cache);
    this.#uses = new UseTimes(`${directory}/used`);
  }

  /**
   * Opens a store, and makes its folders if they are not there.
   *
   * @throws {Error} if they cannot be made
   */
  static open(directory: string): SnapshotStore {
    const store = new SnapshotStore(directory);
    for (const { path } of [store.#manifests, store.#packs]) {
      try {
        Deno.mkdirSync(path, { recursive: true });
      } catch (error) {
        throw cannotWrite(path, error);
      }
    }
    return store;
  }

  /**
   * Writes a snapshot. When it resolves, the snapshot survives a power failure.
   *
   * If the parent is stored, the page table holds only the pages that differ from the parent's.
   *
   * @returns the snapshot as {@link load} gives it: its pages come from the store
   * @throws {Error} if it cannot be written: says what, where and what to do. Nothing is stored then.
   * @throws {TypeError | RangeError} if the snapshot or its record cannot be expressed
   */
  async save(
    record: Omit<SnapshotRecord, "key">,
    snapshot: MachineSnapshot,
  ): Promise<StoredSnapshot> {
    checkExpressible(record, snapshot);
    const { parent, layer, material, actions, build } = record;
    const { shape, components, instructions, virtualNs } = snapshot;
    const key = layerKey(record);
    const base = this.#baseFor(parent, snapshot.ram.pageCount);
    for (let attempt = 1; attempt <= SAVE_ATTEMPTS; attempt++) {
      this.#refreshPacks();
      const collected = collectPages(snapshot.ram, base, this.#packs);
      const manifest: Manifest = {
        record: { key, parent, layer, material, actions, build },
        machine: { shape, components, instructions, virtualNs },
        ram: collected.table,
      };
      if (await this.#write(manifest, collected)) return this.#attach(manifest, base).stored;
    }
    throw new Error(
      `Cannot write ${this.#manifests.filePath(key)}: packs that it needs are removed all the ` +
        "time; let only one process clean up the cache",
    );
  }

  /**
   * Reads a snapshot. Its pages are read when first asked for, which throws a {@link SnapshotError}
   * if they cannot be had. The same key gives the same object, unless somebody replaces the snapshot.
   *
   * @returns undefined if there is none
   * @throws {SnapshotError} if there is one that cannot be used
   */
  load(key: string): StoredSnapshot | undefined {
    const loaded = this.#load(key, 1);
    if (loaded !== undefined) this.#uses.note(key);
    return loaded?.stored;
  }

  /** Records of the snapshots of a layer on a parent, newest first. Unusable ones are left out. */
  candidates(parent: string | undefined, layer: string): SnapshotRecord[] {
    return this.records().filter((record) => record.parent === parent && record.layer === layer);
  }

  /** Records of all snapshots, newest first. Unusable ones are left out. */
  records(): SnapshotRecord[] {
    return this.#manifests.records();
  }

  /**
   * Removes a snapshot; those saved as the difference from it cannot be used any more. Its pages
   * stay until {@link gc}. Harmless if there is none.
   *
   * @throws {Error} if it cannot be removed
   */
  remove(key: string): void {
    if (!isHexDigest(key)) return;
    this.#loaded.delete(key);
    this.#uses.forget(key);
    const path = this.#manifests.filePath(key);
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw cannotWrite(path, error);
    }
  }

  /** Checks every manifest and every page of every pack, reading all anew. Answers what is wrong. */
  verify(): StoreProblem[] {
    const fresh = new SnapshotStore(this.directory);
    try {
      return verifyStore(fresh.#manifests, fresh.#packs, (key) => fresh.#load(key, 1));
    } finally {
      fresh.close();
    }
  }

  /**
   * Removes packs that no snapshot needs, and files that a killed process left behind.
   *
   * @param options.graceMs how old they have to be, as others may be about to use them: an hour
   */
  gc({ graceMs = GRACE_MS }: { readonly graceMs?: number } = {}): Garbage {
    return collectGarbage(this.#manifests, this.#packs, graceMs);
  }

  /** Closes files and forgets what was loaded. A page that is asked for later opens its file anew. */
  close(): void {
    this.#packs.close();
    this.#cache.clear();
    this.#loaded.clear();
  }

  #load(key: string, depth: number): Loaded | undefined {
    const stamp = isHexDigest(key) ? this.#manifests.stamp(key) : undefined;
    const cached = this.#loaded.get(key);
    if (stamp !== undefined && cached?.stamp === stamp) {
      this.#checkPacks(cached.table);
      // With a base that was loaded anew it has to share all that did not change with that one.
      if (this.#baseOf(cached.stored, cached.table, depth) === cached.base) return cached;
    }
    this.#loaded.delete(key);
    if (stamp === undefined) return undefined;
    const manifest = this.#manifests.read(key);
    if (manifest === undefined) return undefined;
    this.#checkPacks(manifest.ram);
    return this.#attach(manifest, this.#baseOf(manifest.record, manifest.ram, depth), stamp);
  }

  /** The image that a manifest is the difference from; undefined if it is none. */
  #baseOf(
    { key, parent }: SnapshotRecord,
    { base: image, pageCount }: PageTable,
    depth: number,
  ): Loaded | undefined {
    if (image === undefined) return undefined;
    const path = this.#manifests.filePath(key);
    if (parent === undefined || depth >= MAX_DEPTH) {
      throw new SnapshotError(
        "damaged",
        path,
        "it is the difference from nothing, or from too much",
      );
    }
    let base: Loaded | undefined;
    try {
      base = this.#load(parent, depth + 1);
    } catch (cause) {
      if (!(cause instanceof SnapshotError)) throw cause;
      const detail = `the snapshot below it cannot be used: ${cause.file}: ${cause.detail}`;
      throw new SnapshotError("base-missing", path, detail, { cause });
    }
    if (base === undefined) {
      throw new SnapshotError("base-missing", path, `the snapshot below it, ${parent}, is gone`);
    }
    const { image: found } = base;
    if (base.ram.pageCount !== pageCount || !image.every((byte, n) => byte === found[n])) {
      const detail = `the snapshot below it, ${parent}, has been replaced by one that differs`;
      throw new SnapshotError("base-changed", path, detail);
    }
    return base;
  }

  /** The image that a snapshot can be saved as the difference from. */
  #baseFor(parent: string | undefined, pageCount: number): Loaded | undefined {
    if (parent === undefined) return undefined;
    try {
      const base = this.#load(parent, 1);
      return base?.ram.pageCount === pageCount && base.depth < MAX_DEPTH - 1 ? base : undefined;
    } catch (error) {
      if (error instanceof SnapshotError) return undefined;
      throw error;
    }
  }

  /** Makes the snapshot that a manifest describes, and remembers it. */
  #attach(
    { record, machine, ram: table }: Manifest,
    base: Loaded | undefined,
    stamp = this.#manifests.stamp(record.key),
  ): Loaded {
    const packs = table.packs.map(({ name }) => this.#packs.pack(name));
    const chunks = new Chunks(table.digests, packs, table.chunkPacks, table.chunkPages);
    const below = base?.ram ?? RamImage.zeros(table.pageCount);
    const ram = below.with(pageContents(table, chunks));
    const stored: StoredSnapshot = { ...record, snapshot: { ...machine, ram } };
    const { image } = table;
    const loaded = { stamp, stored, ram, image, table, base, depth: (base?.depth ?? 0) + 1 };
    this.#loaded.set(record.key, loaded);
    return loaded;
  }

  #checkPacks({ packs }: PageTable): void {
    for (const { name, sizeBytes } of packs) this.#packs.pack(name).checkSize(sizeBytes);
  }

  #refreshPacks(): void {
    try {
      this.#packs.refresh();
    } catch (error) {
      throw cannotWrite(this.#packs.path, error);
    }
  }

  /** Writes what was collected, packs first. Answers false if a pack of the store is gone. */
  async #write(manifest: Manifest, { newPacks, oldPacks }: CollectedPages): Promise<boolean> {
    const bytes = encodeManifest(manifest);
    // From now on gc takes them for young.
    if (!oldPacks.every((pack) => pack.touch())) return false;
    const written = await Promise.allSettled([
      ...newPacks.map(({ name, bytes }) => {
        const { path } = this.#packs;
        return PendingFile.write(path, this.#packs.fileName(name), bytes);
      }),
      PendingFile.write(
        this.#manifests.path,
        this.#manifests.fileName(manifest.record.key),
        bytes,
      ),
    ]);
    const pending = written.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    try {
      for (const one of written) if (one.status === "rejected") throw one.reason;
      for (const file of pending) await file.publish();
    } catch (error) {
      for (const file of pending) file.discard();
      throw error;
    }
    for (const { name, digests } of newPacks) {
      this.#packs.add(this.#packs.pack(name), digests);
    }
    return true;
  }
}

/** The changes of a page table; pages with the same chunk have the same content object. */
function* pageContents(
  { pages, pageChunks }: PageTable,
  chunks: Chunks,
): Generator<[page: number, content: PageContent | undefined]> {
  const contents = new Array<PageContent | undefined>(chunks.count).fill(undefined);
  for (let n = 0; n < pages.length; n++) {
    const chunk = pageChunks[n] as number;
    const content = chunk === ZERO_CHUNK
      ? undefined
      : contents[chunk] ??= new StoredPage(chunks, chunk);
    yield [pages[n] as number, content];
  }
}

function checkExpressible(record: Omit<SnapshotRecord, "key">, snapshot: MachineSnapshot): void {
  const { ram: { pageCount }, instructions, virtualNs } = snapshot;
  if (record.parent !== undefined && !isHexDigest(record.parent)) {
    throw new RangeError(`Cannot save a snapshot: its parent ${record.parent} is no key`);
  }
  if (pageCount > MAX_IMAGE_PAGES) {
    throw new RangeError(
      `Cannot save a snapshot of ${pageCount} pages, only of ${MAX_IMAGE_PAGES}`,
    );
  }
  for (const [name, value] of Object.entries({ instructions, virtualNs })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Cannot save a snapshot: ${name} is ${value}, beyond 0 to 2^53 - 1`);
    }
  }
}
