/**
 * What a user may hand over where bytes are wanted: the bytes, or where to read them.
 *
 * @module
 */

/** Bytes, or the path or `file:` URL of a file that holds them. */
export type InputFile = Uint8Array | string | URL;

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
  if (input instanceof Uint8Array) return checkNotEmpty({ bytes: input, name: role });
  if (typeof input !== "string" && !(input instanceof URL)) {
    throw new TypeError(`${role}: give bytes, a path or a URL, not ${typeof input}`);
  }
  if (input instanceof URL && input.protocol !== "file:") {
    throw new TypeError(`${role}: ${input.href} is no file: URL; fetch it and give its bytes`);
  }
  const name = `${role} ${input instanceof URL ? input.pathname : input}`;
  try {
    return checkNotEmpty({ bytes: await Deno.readFile(input), name });
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

function checkNotEmpty(input: NamedBytes): NamedBytes {
  if (input.bytes.length === 0) throw new TypeError(`${input.name}: is empty`);
  return input;
}
