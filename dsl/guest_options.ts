/**
 * What a guest is made of, and the command line of the KVM client that follows from it.
 *
 * @module
 */

import { quote } from "./command_line.ts";

/** Options of a guest; each is one of `lkvm run`'s. */
export interface GuestOptions {
  /** Path of the kernel in the host (`-k`). Default `/apps/Image`. */
  readonly kernel?: string;
  /** RAM in MiB (`-m`). Default 128. */
  readonly memMiB?: number;
  /** Number of VCPUs (`-c`). Default 1. */
  readonly cpus?: number;
  /** Kernel parameters (`-p`), beside those that lkvm adds. Default: an early console. */
  readonly params?: string;
  /** Path of an initramfs in the host (`-i`). */
  readonly initrd?: string;
  /** Paths of disk images in the host, each with `,ro` behind it if it is read-only (`-d`). */
  readonly disk?: string | readonly string[];
  /** Network (`-n`). Default: lkvm's own, a user-mode network. */
  readonly network?: "user" | "none";
  /** Console of the guest (`--console`). Default `serial`. */
  readonly console?: "serial" | "virtio";
  /** Name (`--name`). Default: lkvm's own, which has its process id. */
  readonly name?: string;
  /** KVM client to use. Default `/apps/lkvm-static`. */
  readonly binary?: string;
  /** Further arguments, each a word. */
  readonly args?: readonly string[];
}

const EARLY_CONSOLE = "console=ttyS0 earlycon=uart8250,mmio,0x3f8";

/**
 * The command line that starts a guest; to run one in the background, for example.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lkvmCommand } from "./guest_options.ts";
 *
 * assertEquals(
 *   lkvmCommand({ memMiB: 64, network: "none", params: "quiet" }),
 *   "/apps/lkvm-static run -m 64 -c 1 --console serial -p quiet -k /apps/Image -n mode=none",
 * );
 * ```
 */
export function lkvmCommand(options: GuestOptions = {}): string {
  const { console: consoleName = "serial", disk = [] } = options;
  const words = [options.binary ?? "/apps/lkvm-static", "run"];
  words.push("-m", String(options.memMiB ?? 128), "-c", String(options.cpus ?? 1));
  words.push("--console", consoleName);
  const params = options.params ?? (consoleName === "serial" ? EARLY_CONSOLE : "");
  if (params !== "") words.push("-p", params);
  words.push("-k", options.kernel ?? "/apps/Image");
  if (options.initrd !== undefined) words.push("-i", options.initrd);
  for (const image of typeof disk === "string" ? [disk] : disk) words.push("-d", image);
  if (options.network !== undefined) words.push("-n", `mode=${options.network}`);
  if (options.name !== undefined) words.push("--name", options.name);
  words.push(...options.args ?? []);
  return words.map(quote).join(" ");
}
