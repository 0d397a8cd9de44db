/**
 * A guest that runs under `lkvm` on the host's console.
 *
 * @module
 */

import type { Console } from "../vmm/console.ts";
import {
  commandLine,
  type CommandOptions,
  type CommandResult,
  PROMPT,
  quote,
  runCommand,
} from "./shell.ts";

/** Options of a guest; each is one of `lkvm run`'s. */
export interface GuestOptions {
  /** Path of the kernel in the host. Default `/apps/Image`. */
  readonly kernel?: string;
  /** RAM in MiB (`-m`). Default 128. */
  readonly memMiB?: number;
  /** Number of VCPUs (`-c`). Default 1. */
  readonly cpus?: number;
  /** Kernel parameters (`-p`), beside those that lkvm adds. Default: an early console. */
  readonly params?: string;
  /** Path of an initramfs in the host (`-i`). */
  readonly initrd?: string;
  /** Path of a disk image in the host, with `,ro` if it is read-only (`-d`). */
  readonly disk?: string;
  /** Network (`-n`). Default: lkvm's own, a user-mode network. */
  readonly network?: "user" | "none";
  /** Console of the guest (`--console`). Default `serial`. */
  readonly console?: "serial" | "virtio";
  /** Name (`--name`). Default: lkvm's own. */
  readonly name?: string;
  /** KVM client to use. Default `/apps/lkvm-static`. */
  readonly binary?: string;
  /** Further arguments, each a word. */
  readonly args?: readonly string[];
}

const EARLY_CONSOLE = "console=ttyS0 earlycon=uart8250,mmio,0x3f8";

/** The command line that starts a guest. */
export function lkvmCommand(options: GuestOptions): string {
  const consoleName = options.console ?? "serial";
  const words = [options.binary ?? "/apps/lkvm-static", "run"];
  words.push("-m", String(options.memMiB ?? 128), "-c", String(options.cpus ?? 1));
  words.push("--console", consoleName);
  const params = options.params ?? (consoleName === "serial" ? EARLY_CONSOLE : "console=hvc0");
  if (params !== "") words.push("-p", params);
  words.push("-k", options.kernel ?? "/apps/Image");
  if (options.initrd !== undefined) words.push("-i", options.initrd);
  if (options.disk !== undefined) words.push("-d", options.disk);
  if (options.network !== undefined) words.push("-n", `mode=${options.network}`);
  if (options.name !== undefined) words.push("--name", options.name);
  words.push(...options.args ?? []);
  return words.map(quote).join(" ");
}

/** A running guest. Its console is the host's: until it ends, what is typed goes to it. */
export class Guest {
  readonly console: Console;
  #atPrompt = false;

  /** @internal Made by `host.lkvm`. */
  constructor(console: Console) {
    this.console = console;
  }

  /** Waits until the guest's shell reads a line. */
  async prompt(options: CommandOptions = {}): Promise<void> {
    if (this.#atPrompt) return;
    await this.console.expect(PROMPT, options);
    this.#atPrompt = true;
  }

  /**
   * Runs a command in the guest's shell, once it is at its prompt.
   *
   * @example
   * ```ts ignore
   * const { code, out } = await guest.sh`uname -m`;
   * ```
   */
  async sh(
    strings: TemplateStringsArray,
    ...values: readonly (string | number | readonly string[])[]
  ): Promise<CommandResult> {
    await this.prompt();
    return await runCommand(this.console, commandLine(strings, ...values));
  }

  /** Powers the guest off from its shell, and returns lkvm's exit status. */
  async powerOff(): Promise<number> {
    await this.prompt();
    this.console.send("poweroff -f\n");
    return await this.exited();
  }

  /** Waits until lkvm ends, and returns its exit status; the host is at its prompt again. */
  async exited(options: CommandOptions = {}): Promise<number> {
    const { groups } = await this.console.expect(/\[lkvm exited with (\d+)\]\n/, options);
    await this.console.expect(PROMPT, options);
    return Number(groups[0]);
  }
}

/** What follows lkvm on the host's command line, to tell its end from anything the guest prints. */
export const EXIT_REPORT = `echo "[lkvm exited"" with $?]"`;
