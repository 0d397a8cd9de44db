/**
 * The host: Linux with KVM on our machine, driven through its console.
 *
 * @module
 */

import { fixture, hostRootFiles } from "../fixtures/mod.ts";
import type { Console } from "../vmm/console.ts";
import type { FileMap } from "../vmm/initramfs/mod.ts";
import { Machine } from "../vmm/machine.ts";
import type { MachineOptions } from "../vmm/machine_options.ts";
import { EXIT_REPORT, Guest, type GuestOptions, lkvmCommand } from "./guest.ts";
import { commandLine, type CommandResult, PROMPT, runCommand } from "./shell.ts";

/** What a host is made of; what is left out comes from the fixtures. */
export interface HostOptions extends Omit<MachineOptions, "elf" | "initrd"> {
  /** Files to add to the host's root file system, or to replace in it. */
  readonly files?: FileMap;
  /** Called with each byte that the console prints, from the first on. */
  readonly onConsoleByte?: (byte: number) => void;
}

const DEFAULT_BOOTARGS = "console=ttyS0 earlycon=sbi";

/** A machine with host Linux on it. */
export class Host implements Disposable {
  readonly machine: Machine;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /**
   * Builds the machine with the fixtures' firmware, kernel and root file system; nothing has run yet.
   *
   * @throws as `Machine.create`
   */
  static async create(options: HostOptions = {}): Promise<Host> {
    const { files, onConsoleByte, ...machineOptions } = options;
    const machine = await Machine.create({
      firmware: fixture("firmware"),
      kernel: fixture("kernel"),
      bootargs: DEFAULT_BOOTARGS,
      ...machineOptions,
      initrd: { ...hostRootFiles(), ...files },
    });
    if (onConsoleByte !== undefined) machine.console.onByte(onConsoleByte);
    return new Host(machine);
  }

  /** Builds the machine and boots it to its shell's prompt. */
  static async boot(options: HostOptions = {}): Promise<Host> {
    const host = await Host.create(options);
    await host.prompt();
    return host;
  }

  /** The machine's serial console. */
  get console(): Console {
    return this.machine.console;
  }

  /** Waits until the host's shell reads a line. */
  async prompt(): Promise<void> {
    await this.console.expect(PROMPT);
  }

  /**
   * Runs a command in the host's shell; what is interpolated is quoted.
   *
   * @example
   * ```ts ignore
   * const { code, out } = await host.sh`ls ${path}`;
   * ```
   */
  async sh(
    strings: TemplateStringsArray,
    ...values: readonly (string | number | readonly string[])[]
  ): Promise<CommandResult> {
    return await runCommand(this.console, commandLine(strings, ...values));
  }

  /** Starts a guest in the foreground of the host's console. */
  lkvm(options: GuestOptions = {}): Promise<Guest> {
    this.console.send(`${lkvmCommand(options)}; ${EXIT_REPORT}\n`);
    return Promise.resolve(new Guest(this.console));
  }

  [Symbol.dispose](): void {
    this.machine.close();
  }
}
