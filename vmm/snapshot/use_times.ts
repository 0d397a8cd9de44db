/**
 * When each snapshot was last used, for gc: an empty file for each key, whose time of change it is.
 *
 * The manifest's own times will not do. Its time of change says when it was saved, by which snapshots
 * are ordered and replaced ones are told; its time of access changes whenever anybody looks for
 * candidates, or never, as the file system is mounted.
 *
 * @module
 */

import { isHexDigest } from "./hex.ts";

/** A use is written down if the last one is as long ago: a load costs no more than a look most times. */
export const USE_INTERVAL_MS = 3_600_000;

/** The folder of these files; it need not be there. */
export class UseTimes {
  readonly path: string;
  /** When this process last looked at each. */
  readonly #lookedMs = new Map<string, number>();

  constructor(path: string) {
    this.path = path;
  }

  /** Writes down that a snapshot is used now. Where that cannot be, it seems to be used less often. */
  note(key: string, nowMs = Date.now()): void {
    if (nowMs - (this.#lookedMs.get(key) ?? -Infinity) < USE_INTERVAL_MS) return;
    this.#lookedMs.set(key, nowMs);
    if (nowMs - (this.lastMs(key) ?? -Infinity) < USE_INTERVAL_MS) return;
    try {
      Deno.mkdirSync(this.path, { recursive: true });
      Deno.writeFileSync(this.#filePath(key), new Uint8Array());
      Deno.utimeSync(this.#filePath(key), new Date(nowMs), new Date(nowMs));
    } catch {
      // A full disk or a folder that can only be read is no reason not to restore a machine.
    }
  }

  /** When a snapshot was last used, to an hour; undefined if it never was. */
  lastMs(key: string): number | undefined {
    try {
      return Deno.statSync(this.#filePath(key)).mtime?.getTime();
    } catch {
      return undefined;
    }
  }

  /** Removes what is noted of a snapshot. */
  forget(key: string): void {
    this.#lookedMs.delete(key);
    try {
      Deno.removeSync(this.#filePath(key));
    } catch {
      // It was never used, or gc removes it some day.
    }
  }

  /** Keys of the snapshots of which there is a note. */
  keys(): string[] {
    try {
      return [...Deno.readDirSync(this.path)].map(({ name }) => name).filter(isHexDigest).sort();
    } catch {
      return [];
    }
  }

  #filePath(key: string): string {
    return `${this.path}/${key}`;
  }
}
