/**
 * What the command line talks to.
 *
 * @module
 */

import { type ByteSink, writeAll } from "./line_file.ts";
import type { InputSource } from "./terminal.ts";

/** Input and output of a command. */
export interface CliStreams {
  readonly stdin: InputSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

/** Writes text. */
export function writeText(sink: ByteSink, text: string): void {
  writeAll(sink, new TextEncoder().encode(text));
}

/** One line to the user. */
export function say({ stderr }: CliStreams, line: string): void {
  writeText(stderr, `himawari: ${line}\n`);
}
