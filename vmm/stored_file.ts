/**
 * A large file of the user's, read when a machine wants it, straight to where it belongs: a copy in
 * between would cost a boot 20 ms, and every machine the memory.
 *
 * @module
 */

import type { StoredBytes } from "./loaders/mod.ts";

/** Smaller files are kept as bytes: to read them twice would cost more than it gives. */
const LEAST_BYTES = 1 << 20;
/** What tells the formats of kernels and archives apart. */
const HEAD_BYTES = 64;

/** A guest that resets its machine finds in RAM what was there at power-on. */
const REMEDY = "leave the file alone while the machine is used, or hand over its bytes";

/** A file on the host, as it was when it was first looked at. */
export class StoredFile implements StoredBytes {
  readonly length: number;
  readonly head: Uint8Array<ArrayBuffer>;
  readonly #path: string | URL;
  readonly #name: string;
  readonly #version: string;

  private constructor(path: string | URL, name: string, info: Deno.FileInfo) {
    this.#path = path;
    this.#name = name;
    this.#version = versionOf(info);
    this.length = info.size;
    this.head = new Uint8Array(Math.min(HEAD_BYTES, info.size));
    this.#read(this.head);
  }

  /**
   * Looks at a file. Answers undefined if it is to be read as a whole: small, or not a regular file.
   *
   * @param name what to call it in errors
   * @throws {Deno.errors.NotFound} if there is no such file
   */
  static at(path: string | URL, name: string): StoredFile | undefined {
    const info = Deno.statSync(path);
    return info.isFile && info.size >= LEAST_BYTES ? new StoredFile(path, name, info) : undefined;
  }

  /** @throws {Error} if the file is not the one it was */
  copyTo(target: Uint8Array): void {
    this.#read(target.subarray(0, this.length));
  }

  /** @throws as {@link copyTo} */
  read(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.length);
    this.#read(bytes);
    return bytes;
  }

  #read(target: Uint8Array): void {
    using file = this.#open();
    for (let at = 0; at < target.length;) {
      const count = file.readSync(target.subarray(at));
      if (count === null) break;
      at += count;
    }
    if (versionOf(file.statSync()) !== this.#version) {
      throw new Error(`${this.#name}: was changed while the machine had use for it; ${REMEDY}`);
    }
  }

  #open(): Deno.FsFile {
    try {
      return Deno.openSync(this.#path);
    } catch (cause) {
      throw new Error(
        `${this.#name}: cannot be read (${(cause as Error).message}); ${REMEDY}`,
        { cause },
      );
    }
  }
}

function versionOf({ dev, ino, size, mtime }: Deno.FileInfo): string {
  return [dev, ino, size, mtime?.getTime()].join();
}
