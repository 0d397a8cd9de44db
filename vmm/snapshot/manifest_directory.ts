/**
 * The manifests of a store: one file for each key.
 *
 * @module
 */

import { isHexDigest } from "./hex.ts";
import type { Manifest } from "./manifest.ts";
import { readManifest, readRecord } from "./manifest_file.ts";
import type { SnapshotRecord } from "./record.ts";
import { SnapshotError } from "./snapshot_error.ts";

const SUFFIX = ".cbor";

interface CachedRecord {
  readonly stamp: string;
  /** Undefined if the file cannot be used. */
  readonly record: SnapshotRecord | undefined;
}

/** The folder of manifests. */
export class ManifestDirectory {
  readonly path: string;
  readonly #records = new Map<string, CachedRecord>();

  constructor(path: string) {
    this.path = path;
  }

  /** Name of the file of a key. */
  fileName(key: string): string {
    return `${key}${SUFFIX}`;
  }

  /** Path of the file of a key. */
  filePath(key: string): string {
    return `${this.path}/${this.fileName(key)}`;
  }

  /** Keys of all manifests, whether they can be used or not. */
  keys(): string[] {
    const keys: string[] = [];
    for (const { name } of Deno.readDirSync(this.path)) {
      const key = name.slice(0, -SUFFIX.length);
      if (name.endsWith(SUFFIX) && isHexDigest(key)) keys.push(key);
    }
    return keys.sort();
  }

  /**
   * A text that changes when the manifest is replaced; undefined if there is none.
   *
   * @throws {SnapshotError} if nobody can tell
   */
  stamp(key: string): string | undefined {
    const info = this.#stat(key);
    return info && stampOf(info);
  }

  /**
   * Reads a manifest.
   *
   * @returns undefined if there is none
   * @throws {SnapshotError} if it cannot be used
   */
  read(key: string): Manifest | undefined {
    return readManifest(this.filePath(key), key);
  }

  /** Records of the manifests that can be used, newest first. */
  records(): SnapshotRecord[] {
    const found: { readonly record: SnapshotRecord; readonly time: number }[] = [];
    for (const key of this.keys()) {
      const info = this.#stat(key);
      const record = info && this.#record(key, stampOf(info));
      if (record) found.push({ record, time: info.mtime?.getTime() ?? 0 });
    }
    return found.sort((a, b) => b.time - a.time).map(({ record }) => record);
  }

  #record(key: string, stamp: string): SnapshotRecord | undefined {
    const cached = this.#records.get(key);
    if (cached?.stamp === stamp) return cached.record;
    let record: SnapshotRecord | undefined;
    try {
      record = readRecord(this.filePath(key), key);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
    }
    this.#records.set(key, { stamp, record });
    return record;
  }

  #stat(key: string): Deno.FileInfo | undefined {
    const path = this.filePath(key);
    try {
      return Deno.statSync(path);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return undefined;
      const detail = `it cannot be read (${(cause as Error).message})`;
      throw new SnapshotError("unreadable", path, detail, { cause });
    }
  }
}

function stampOf({ dev, ino, size, mtime }: Deno.FileInfo): string {
  return [dev, ino, size, mtime?.getTime()].join();
}
