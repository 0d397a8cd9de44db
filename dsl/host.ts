/**
 * The host: Linux with KVM on our machine, driven through its console.
 *
 * @module
 */

import { hostRootFiles, lazyFixture } from "../fixtures/mod.ts";
import { fileMapIdentity } from "../vmm/boot_material.ts";
import type { Console } from "../vmm/console.ts";
import { type FileMap, writeCpio } from "../vmm/initramfs/mod.ts";
import type { LazyBytes } from "../vmm/input_file.ts";
import { Machine } from "../vmm/machine.ts";
import type { MachineOptions } from "../vmm/machine_options.ts";
import type { CommandWord } from "./command_line.ts";
import { Guest, type GuestShellOptions } from "./guest.ts";
import { withExitReport } from "./guest_console.ts";
import { type GuestOptions, lkvmCommand } from "./guest_options.ts";
import { type CommandOptions, type CommandResult, Shell } from "./shell.ts";

/** What a host is made of; what is left out comes from the fixtures. */
export interface HostOptions extends Omit<MachineOptions, "elf" | "initrd"> {
  /** Files to add to the host's root file system, or to replace in it. */
  readonly files?: FileMap;
  /** Called with each byte that the console prints, from the first on. */
  readonly onConsoleByte?: (byte: number) => void;
}

const DEFAULT_BOOTARGS = "console=ttyS0 earlycon=sbi";

/**
 * A machine with host Linux on it.
 *
 * @example
 * ```ts ignore
 * using host = await Host.boot({ harts: 2, memMiB: 512 });
 * const { out } = await host.sh`nproc`;
 * const guest = await host.lkvm({ memMiB: 128 });
 * await guest.console.expect("Run /virt/init as init process");
 * await guest.powerOff();
 * ```
 */
export class Host implements Disposable {
  readonly machine: Machine;

  readonly #shell: Shell;
  #guest: Guest | undefined;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.#shell = new Shell(machine.console);
  }

  /**
   * Builds the machine with the fixtures' firmware, kernel and root file system; nothing has run yet.
   *
   * @throws as `Machine.create`
   */
  static async create(options: HostOptions = {}): Promise<Host> {
    return Host.#around(await Machine.create(hostMachineOptions(options)), options);
  }

  /** @internal As {@link create}, but what it boots is read when it first executes. */
  static prepare(options: HostOptions = {}): Host {
    return Host.#around(Machine.prepare(hostMachineOptions(options)), options);
  }

  static #around(machine: Machine, { onConsoleByte }: HostOptions): Host {
    if (onConsoleByte !== undefined) machine.console.onByte(onConsoleByte);
    return new Host(machine);
  }

  /**
   * Builds the machine and boots it to its shell's prompt.
   *
   * @throws as `Machine.create`
   * @throws {MachineError} if the prompt does not come
   */
  static async boot(options: HostOptions = {}): Promise<Host> {
    const host = await Host.create(options);
    try {
      await host.prompt();
      return host;
    } catch (error) {
      host.machine.close();
      throw error;
    }
  }

  /** The machine's serial console. */
  get console(): Console {
    return this.machine.console;
  }

  /** Waits until the host's shell reads a line; returns at once if it does already. */
  async prompt(options: CommandOptions = {}): Promise<void> {
    await this.#shell.ready(options);
  }

  /**
   * Runs a command in the host's shell; what is interpolated is quoted.
   *
   * @throws {TypeError} if a guest has the console
   * @throws {MachineError} if the command does not end
   *
   * @example
   * ```ts ignore
   * const { code, out } = await host.sh`ls ${path}`;
   * ```
   */
  async sh(
    strings: TemplateStringsArray,
    ...values: readonly CommandWord[]
  ): Promise<CommandResult> {
    this.#checkConsoleIsOurs();
    return await this.#shell.sh(strings, ...values);
  }

  /** As {@link sh}, for a line that is text already, and with options. */
  async run(line: string, options: CommandOptions = {}): Promise<CommandResult> {
    this.#checkConsoleIsOurs();
    return await this.#shell.run(line, options);
  }

  /**
   * Starts a guest in the foreground of the host's console, and returns without waiting for it.
   *
   * @param options of the guest, or a whole command line, taken letter for letter
   * @throws {TypeError} if another guest has the console
   */
  // deno-lint-ignore require-await -- a mistake is to reject, not to throw
  async lkvm(options: GuestOptions | string = {}, shell: GuestShellOptions = {}): Promise<Guest> {
    this.#checkConsoleIsOurs();
    const command = typeof options === "string" ? options : lkvmCommand(options);
    this.console.send(`${withExitReport(command)}\n`);
    this.#guest = new Guest(this.console, () => this.prompt(), shell);
    return this.#guest;
  }

  [Symbol.dispose](): void {
    this.machine.close();
  }

  #checkConsoleIsOurs(): void {
    if (this.#guest === undefined || this.#guest.exitStatus !== undefined) return;
    throw new TypeError(
      "A guest has the console: use guest.sh, or end it with guest.powerOff(), guest.stop() or " +
        "guest.exited()",
    );
  }
}

/** Options of the machine for a host: what is left out comes from the fixtures. */
export function hostMachineOptions(options: HostOptions): MachineOptions {
  const { files, onConsoleByte: _, ...machineOptions } = options;
  return {
    firmware: lazyFixture("firmware"),
    kernel: lazyFixture("kernel"),
    bootargs: DEFAULT_BOOTARGS,
    ...machineOptions,
    initrd: rootFileSystem(files),
  };
}

/** Named by what it is made from: packing it takes longer than restoring a machine that had it. */
function rootFileSystem(files: FileMap = {}): LazyBytes {
  return {
    get identity(): string {
      const parts = (["kernel", "busybox", "lkvm"] as const)
        .map((name) => lazyFixture(name).identity);
      return [...parts, fileMapIdentity(files)].join(" ");
    },
    // Not compressed: the machine would spend a hundred million instructions to unpack it.
    read: () => writeCpio({ ...hostRootFiles(), ...files }),
  };
}
