/**
 * The host's console while a guest has it, and the line that tells that lkvm has ended.
 *
 * @module
 */

import type {
  AnyMatch,
  Console,
  ExpectedPanic,
  ExpectOptions,
  IdleOptions,
  NeverOptions,
  WaitOptions,
} from "../vmm/console.ts";
import type { ConsoleMatch } from "../vmm/transcript.ts";

/** What the host prints when lkvm has ended, with its exit status. */
export const EXITED = /\[lkvm exited with (\d+)\]\n/;

/** A command line with {@link EXITED} after it; as typed, it does not look like that. */
export function withExitReport(command: string): string {
  return `${command}; echo "[lkvm exited"" with $?]"`;
}

/**
 * Console of a guest in the foreground. It is the host's, so its transcript has the host's output too;
 * but an expectation fails at once, with verdict `guest-exited`, when lkvm ends.
 */
export class GuestConsole {
  readonly #console: Console;

  /** @internal Made by `host.lkvm`. */
  constructor(console: Console) {
    this.#console = console;
  }

  /** As `console.expect`; unless told otherwise, it is over when lkvm has ended. */
  async expect(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    return await this.#console.expect(pattern, orGuestExits(options));
  }

  /** As `console.expectAny`; likewise. */
  async expectAny(
    patterns: readonly (string | RegExp)[],
    options?: ExpectOptions,
  ): Promise<AnyMatch>;
  async expectAny<Name extends string>(
    patterns: Readonly<Record<Name, string | RegExp>>,
    options?: ExpectOptions,
  ): Promise<AnyMatch<Name>>;
  async expectAny(
    patterns: readonly (string | RegExp)[] | Readonly<Record<string, string | RegExp>>,
    options: ExpectOptions = {},
  ): Promise<AnyMatch<string | number>> {
    return await this.#console.expectAny(
      patterns as Readonly<Record<string, string | RegExp>>,
      orGuestExits(options),
    );
  }

  /** As `console.expectInOrder`; likewise. */
  async expectInOrder(
    patterns: readonly (string | RegExp)[],
    options: ExpectOptions = {},
  ): Promise<ConsoleMatch[]> {
    return await this.#console.expectInOrder(patterns, orGuestExits(options));
  }

  /** As `console.expectLine`; likewise. */
  async expectLine(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    return await this.#console.expectLine(pattern, orGuestExits(options));
  }

  /** As `console.never`. */
  async never(pattern: string | RegExp, options: NeverOptions): Promise<void> {
    await this.#console.never(pattern, options);
  }

  /** As `console.idle`. */
  async idle(options: IdleOptions = {}): Promise<string> {
    return await this.#console.idle(options);
  }

  /** As `console.expectPanic`. */
  async expectPanic(options: WaitOptions = {}): Promise<ExpectedPanic> {
    return await this.#console.expectPanic(options);
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

function orGuestExits(options: ExpectOptions): ExpectOptions {
  return { unless: EXITED, unlessVerdict: "guest-exited", ...options };
}
