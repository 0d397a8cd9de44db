/**
 * Putting a file into the store: under its name there is either nothing or all of it, whenever the
 * process or the computer stops.
 *
 * @module
 */

/** How names of files start that are not published. */
export const TEMPORARY_PREFIX = ".tmp-";

const REMEDIES: readonly (readonly [test: RegExp, what: string, remedy: string])[] = [
  [/os error 28\b/, "the disk is full", "free some space there or use another cache folder"],
  [/os error 122\b/, "the disk quota is used up", "free some space or use another cache folder"],
  [/os error 27\b/, "the file would be too large", "raise the limit or use another cache folder"],
  [/os error 30\b/, "the file system is read-only", "use a cache folder that can be written to"],
];

/** A file that is written but has no name yet. */
export class PendingFile {
  readonly #directory: string;
  readonly #temporary: string;
  readonly #path: string;

  private constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#path = `${directory}/${name}`;
    this.#temporary = `${directory}/${TEMPORARY_PREFIX}${Deno.pid}-${crypto.randomUUID()}`;
  }

  /**
   * Writes a file to the disk.
   *
   * @throws {Error} which says what, where, and what to do; nothing is left behind
   */
  static async write(
    directory: string,
    name: string,
    bytes: Uint8Array,
  ): Promise<PendingFile> {
    const pending = new PendingFile(directory, name);
    try {
      using file = Deno.openSync(pending.#temporary, { write: true, createNew: true });
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.syncData();
    } catch (error) {
      pending.discard();
      throw cannotWrite(pending.#path, error);
    }
    return pending;
  }

  /** Gives it its name, on the disk too. Throws as {@link write}. */
  async publish(): Promise<void> {
    try {
      Deno.renameSync(this.#temporary, this.#path);
      await syncDirectory(this.#directory);
    } catch (error) {
      this.discard();
      throw cannotWrite(this.#path, error);
    }
  }

  /** Removes it, unless it has its name. */
  discard(): void {
    try {
      Deno.removeSync(this.#temporary);
    } catch {
      // It is not there, or the folder has become read-only: gc removes it some day.
    }
  }
}

/** An error about a file that could not be written: what, where, and what to do. */
export function cannotWrite(path: string, cause: unknown): Error {
  const { message } = cause as Error;
  for (const [test, what, remedy] of REMEDIES) {
    if (test.test(message)) return new Error(`Cannot write ${path}: ${what}; ${remedy}`, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.NotCapable) {
    return new Error(
      `Cannot write ${path}: permission denied (${message}); ` +
        "allow it, or use a cache folder that can be written to",
      { cause },
    );
  }
  if (cause instanceof Deno.errors.NotFound) {
    return new Error(
      `Cannot write ${path}: its folder is gone; leave the cache folder alone while it is used`,
      { cause },
    );
  }
  return new Error(
    `Cannot write ${path}: ${message}; check the cache folder or use another one`,
    { cause },
  );
}

/** A name is on the disk only when its folder is. */
async function syncDirectory(directory: string): Promise<void> {
  // Windows keeps names durable itself, and opens no folders.
  if (Deno.build.os === "windows") return;
  using folder = Deno.openSync(directory);
  await folder.sync();
}
