/**
 * Commands in a shell that sits on a serial console.
 *
 * A command is sent between two marks that the shell prints and the typed line does not contain, so
 * that neither the echo of the line nor the prompt is taken for output.
 *
 * @module
 */

import type { Console } from "../vmm/console.ts";

/** What a command did. */
export interface CommandResult {
  /** Exit status. */
  readonly code: number;
  /** What it printed, without a newline at the end. */
  readonly out: string;
}

/** Options of a command. */
export interface CommandOptions {
  /** How long it may take, in milliseconds of virtual time. Default 60,000. */
  readonly timeoutMs?: number;
}

/** A busybox prompt: what the shell prints before it reads a line. */
export const PROMPT = /(?:^|\n)[^\n]*# $/;

/**
 * Quotes a word for a POSIX shell.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quote } from "./shell.ts";
 *
 * assertEquals(quote("it's"), `'it'\\''s'`);
 * assertEquals(quote("/apps/Image"), "/apps/Image");
 * ```
 */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Puts a command line together from a template: what is interpolated is quoted, lists are words. */
export function commandLine(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | readonly string[])[]
): string {
  return strings.reduce((line, text, index) => {
    const value = values[index - 1]!;
    const words = Array.isArray(value) ? value.map(quote).join(" ") : quote(String(value));
    return line + words + text;
  });
}

/** Runs one command line and waits for its end. The shell is at its prompt. */
export async function runCommand(
  console: Console,
  line: string,
  options: CommandOptions = {},
): Promise<CommandResult> {
  if (/[\n\0]/.test(line)) throw new TypeError(`A command is one line: ${JSON.stringify(line)}`);
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  console.send(`echo "@<"@; ${line}; echo "@"$?">@"\n`);
  await console.expect("\n@<@\n", timeout);
  const end = await console.expect(/@(\d+)>@\n/, timeout);
  await console.expect(PROMPT, timeout);
  return { code: Number(end.groups[0]), out: end.before.replace(/\n$/, "") };
}
