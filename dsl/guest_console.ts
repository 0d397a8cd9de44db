/**
 * The host's console while a guest has it, and the line that tells that lkvm has ended.
 *
 * @module
 */

import type { Console, ExpectOptions } from "../vmm/console.ts";
import type { ConsoleMatch } from "../vmm/transcript.ts";

/** What the host prints when lkvm has ended, with its exit status. */
export const EXITED = /\[lkvm exited with (\d+)\]\n/;

/** A command line with {@link EXITED} after it; as typed, it does not look like that. */
export function withExitReport(command: string): string {
  return `${command}; echo "[lkvm exited"" with $?]"`;
}

/**
 * Console of a guest in the foreground. It is the host's, so its transcript has the host's output too;
 * but an expectation fails at once, with verdict `unexpected`, when lkvm ends.
 */
export class GuestConsole {
  readonly #console: Console;

  /** @internal Made by `host.lkvm`. */
  constructor(console: Console) {
    this.#console = console;
  }

  /** As `console.expect`; unless told otherwise, it is over when lkvm has ended. */
  async expect(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    return await this.#console.expect(pattern, { unless: EXITED, ...options });
  }

  /** As `console.send`. */
  send(text: string | Uint8Array): void {
    this.#console.send(text);
  }

  /** As `console.sentBytes`. */
  get sentBytes(): number {
    return this.#console.sentBytes;
  }

  /** As `console.drain`. */
  drain(): string {
    return this.#console.drain();
  }

  /** As `console.transcript`. */
  get transcript(): string {
    return this.#console.transcript;
  }
}
