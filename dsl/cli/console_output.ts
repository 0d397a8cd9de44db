/**
 * The machine's console on standard output, in batches.
 *
 * @module
 */

import type { Console } from "../../vmm/console.ts";
import { type ByteSink, writeAll } from "./line_file.ts";
import { UserError } from "./user_error.ts";

/** Collects what the console prints until {@link ConsoleOutput.flush}. */
export class ConsoleOutput {
  readonly #target: ByteSink;
  #bytes: number[] = [];

  constructor(console: Console, target: ByteSink) {
    this.#target = target;
    console.onByte((byte) => this.#bytes.push(byte));
  }

  /** Writes what was collected. */
  flush(): void {
    if (this.#bytes.length === 0) return;
    const bytes = Uint8Array.from(this.#bytes);
    this.#bytes = [];
    try {
      writeAll(this.#target, bytes);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.BrokenPipe)) throw cause;
      throw new UserError("standard output was closed by its reader", undefined, { cause });
    }
  }
}
