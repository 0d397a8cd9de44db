/**
 * A guest that runs under `lkvm` in the foreground of the host's console.
 *
 * @module
 */

import type { Console } from "../vmm/console.ts";
import type { CommandWord } from "./command_line.ts";
import { EXITED, GuestConsole } from "./guest_console.ts";
import { type CommandOptions, type CommandResult, Shell } from "./shell.ts";

/** Ends the guest, as in kvmtool: Ctrl-A x. */
const ESCAPE_KEY = "\x01x";

/** How a guest is to be driven. */
export interface GuestShellOptions {
  /** What the guest's shell prints before it reads a line. Default: busybox's prompt. */
  readonly prompt?: RegExp;
}

/** A running guest. Until it ends, what is typed on the host's console goes to it. */
export class Guest {
  /** The console; expectations fail at once when lkvm ends. */
  readonly console: GuestConsole;

  readonly #hostConsole: Console;
  readonly #shell: Shell;
  readonly #hostPrompt: () => Promise<void>;
  #exitStatus: number | undefined;

  /** @internal Made by `host.lkvm`. `hostPrompt` waits until the host's shell is back. */
  constructor(
    hostConsole: Console,
    hostPrompt: () => Promise<void>,
    options: GuestShellOptions = {},
  ) {
    this.#hostConsole = hostConsole;
    this.#hostPrompt = hostPrompt;
    this.console = new GuestConsole(hostConsole);
    this.#shell = new Shell(this.console, options.prompt);
  }

  /** lkvm's exit status, once {@link exited} has seen it. */
  get exitStatus(): number | undefined {
    return this.#exitStatus;
  }

  /**
   * Waits until the guest's shell reads a line; returns at once if it does already.
   *
   * @throws {MachineError} with verdict `guest-exited` if lkvm ends first
   */
  async prompt(options: CommandOptions = {}): Promise<void> {
    this.#checkRuns();
    await this.#shell.ready(options);
  }

  /**
   * Runs a command in the guest's shell, once it is at its prompt; what is interpolated is quoted.
   *
   * @example
   * ```ts ignore
   * const { code, out } = await guest.sh`uname -m`;
   * ```
   */
  async sh(
    strings: TemplateStringsArray,
    ...values: readonly CommandWord[]
  ): Promise<CommandResult> {
    await this.prompt();
    return await this.#shell.sh(strings, ...values);
  }

  /** As {@link sh}, for a line that is text already, and with options. */
  async run(line: string, options: CommandOptions = {}): Promise<CommandResult> {
    await this.prompt(options);
    return await this.#shell.run(line, options);
  }

  /** Powers the guest off from its shell, and returns lkvm's exit status. */
  async powerOff(): Promise<number> {
    await this.prompt();
    this.console.send("poweroff -f\n");
    return await this.exited();
  }

  /** Restarts the guest from its shell; lkvm starts it anew. */
  async reboot(): Promise<void> {
    await this.prompt();
    this.console.send("reboot -f\n");
    await this.console.expect(/Restarting system|Linux version/);
  }

  /** Ends the guest from outside, with lkvm's escape key, and returns lkvm's exit status. */
  async stop(): Promise<number> {
    this.#checkRuns();
    this.console.send(ESCAPE_KEY);
    return await this.exited();
  }

  /** Waits until lkvm ends, and returns its exit status; the host is at its prompt again. */
  async exited(options: CommandOptions = {}): Promise<number> {
    if (this.#exitStatus !== undefined) return this.#exitStatus;
    const { groups } = await this.#hostConsole.expect(EXITED, options);
    await this.#hostPrompt();
    this.#exitStatus = Number(groups[0]);
    return this.#exitStatus;
  }

  #checkRuns(): void {
    if (this.#exitStatus === undefined) return;
    throw new TypeError(`The guest has ended, with exit status ${this.#exitStatus} of lkvm`);
  }
}
