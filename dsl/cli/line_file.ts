/**
 * A text file written line by line through a buffer: a trace has millions of short lines.
 *
 * @module
 */

const BUFFER_CHARACTERS = 1 << 18;

/** Writes lines to a file; the file exists, empty, from the start. */
export class LineFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #buffered = 0;

  /** Creates the file, or empties it. */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
  }

  /** Adds a line. */
  write(line: string): void {
    this.#lines.push(line);
    this.#buffered += line.length + 1;
    if (this.#buffered >= BUFFER_CHARACTERS) this.flush();
  }

  /** Hands what is buffered to the system. */
  flush(): void {
    if (this.#lines.length === 0) return;
    writeAll(this.#file, this.#encoder.encode(this.#lines.join("\n") + "\n"));
    this.#lines = [];
    this.#buffered = 0;
  }

  /** Writes the rest and closes the file. */
  [Symbol.dispose](): void {
    try {
      this.flush();
    } finally {
      this.#file.close();
    }
  }
}

/** A file, or a stream of the process. */
export interface ByteSink {
  /** Writes some of the bytes; answers how many. */
  writeSync(bytes: Uint8Array): number;
}

/** Writes all of `bytes`, in as many system calls as it takes. */
export function writeAll(target: ByteSink, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += target.writeSync(bytes.subarray(at));
}
