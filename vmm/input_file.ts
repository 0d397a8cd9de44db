/**
 * What a user may hand over where bytes are wanted: the bytes, or where to read them.
 *
 * @module
 */

import type { FileMap } from "./initramfs/mod.ts";
import { StoredFile } from "./stored_file.ts";

/** Bytes that are made when they are wanted: a machine restored from a snapshot may never want them. */
export interface LazyBytes {
  /** Equal for equal bytes, and for no others: a digest of them, or of all that they are made from. */
  readonly identity: string;
  read(): Uint8Array;
}

/**
 * Bytes, or the path or `file:` URL of a file that holds them. The file is to stay as it is while a
 * machine uses it: large ones are read again when the guest resets the machine.
 */
export type InputFile = Uint8Array | string | URL | LazyBytes;

/** Whether something is {@link LazyBytes}. */
export function isLazyBytes(input: unknown): input is LazyBytes {
  return typeof input === "object" && input !== null && "identity" in input &&
    "read" in input && typeof input.read === "function";
}

/** Whether an initrd is a file map, not an archive. */
export function isFileMap(initrd: InputFile | FileMap | undefined): initrd is FileMap {
  return typeof initrd === "object" && !(initrd instanceof Uint8Array) &&
    !(initrd instanceof URL) && !isLazyBytes(initrd);
}

/** A file's bytes, not read yet if it is large, with the name to call it by in errors. */
export interface NamedInput {
  readonly bytes: Uint8Array | StoredFile;
  readonly name: string;
}

/** A file's bytes with the name to call it by in errors. */
export interface NamedBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * Reads an input.
 *
 * @param role what it is for, `"kernel"`: its name in errors if it has no path
 * @throws {Deno.errors.NotFound} naming role and path if there is no such file
 * @throws {TypeError} if it is empty, or neither bytes nor a path
 */
export async function readInput(input: InputFile, role: string): Promise<NamedBytes> {
  return await take(input, role, (path) => Deno.readFile(path));
}

/**
 * As {@link readInput}, but leaves a large file where it is.
 *
 * @throws as {@link readInput}
 */
export async function openInput(input: InputFile, role: string): Promise<NamedInput> {
  return await take<Uint8Array | StoredFile>(
    input,
    role,
    async (path, name) => StoredFile.at(path, name) ?? await Deno.readFile(path),
  );
}

async function take<Bytes extends { readonly length: number }>(
  input: InputFile,
  role: string,
  read: (path: string | URL, name: string) => Promise<Bytes>,
): Promise<{ readonly bytes: Bytes | Uint8Array; readonly name: string }> {
  if (isLazyBytes(input)) return { bytes: checkNotEmpty(input.read(), role), name: role };
  if (input instanceof Uint8Array) return { bytes: checkNotEmpty(input, role), name: role };
  if (typeof input !== "string" && !(input instanceof URL)) {
    throw new TypeError(`${role}: give bytes, a path or a URL, not ${typeof input}`);
  }
  if (input instanceof URL && input.protocol !== "file:") {
    throw new TypeError(`${role}: ${input.href} is no file: URL; fetch it and give its bytes`);
  }
  const name = `${role} ${input instanceof URL ? input.pathname : input}`;
  try {
    return { bytes: checkNotEmpty(await read(input, name), name), name };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`${name}: there is no such file`);
    }
    if (
      error instanceof Deno.errors.IsADirectory ||
      (error as Error).message?.includes("Is a directory")
    ) {
      throw new TypeError(`${name}: is a directory, give a file`);
    }
    throw error;
  }
}

function checkNotEmpty<Bytes extends { readonly length: number }>(
  bytes: Bytes,
  name: string,
): Bytes {
  if (bytes.length === 0) throw new TypeError(`${name}: is empty`);
  return bytes;
}
