/**
 * Holds devices against those of QEMU's `virt` board through QEMU's qtest protocol: a script of
 * register accesses is run on our devices first, then replayed on QEMU's without any guest code, and
 * what was read is compared. Virtual time stands still in both. Used by oracle tests alone.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { AccessWidth, Device } from "../core/device.ts";

/** The oracle; oracle tests are skipped where it is missing. */
export const QEMU = "qemu-system-riscv64";

/** Why the oracle cannot be used here, or `undefined` if it can. */
export function qemuMissing(): string | undefined {
  const permission = Deno.permissions.querySync({ name: "run", command: QEMU });
  if (permission.state !== "granted") return `no permission to run ${QEMU}`;
  try {
    new Deno.Command(QEMU, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${QEMU} is not installed`;
    throw error;
  }
}

/** Smallest command line with time stopped, the date of our RTC, and nobody on the serial line. */
const QEMU_ARGS = [
  ..."-S -M virt -smp 2 -m 32 -bios none -display none -monitor none -serial null".split(" "),
  ..."-rtc base=2025-01-01T00:00:00,clock=vm -qtest stdio -qtest-log none".split(" "),
];

const SUFFIX = { 1: "b", 2: "w", 4: "l" } as const;

interface Step {
  readonly command: string;
  /** What our device read, and the bits of it that QEMU must agree on. */
  readonly read?: { readonly value: number; readonly mask: number };
}

/** A device with the address at which QEMU has its twin. */
export interface MappedDevice {
  readonly base: number;
  readonly device: Device;
}

/** A script of register accesses, as run on our devices. */
export class QtestScript {
  readonly #steps: Step[] = [];

  write({ base, device }: MappedDevice, offset: number, width: AccessWidth, value: number): void {
    device.write(offset, width, value);
    this.#steps.push({ command: `write${SUFFIX[width]} ${base + offset} ${value}` });
  }

  /** Reads our device; only the bits of `mask` will be compared. */
  read(
    { base, device }: MappedDevice,
    offset: number,
    width: AccessWidth,
    mask = 0xffff_ffff,
  ): number {
    const value = device.read(offset, width);
    this.#steps.push({ command: `read${SUFFIX[width]} ${base + offset}`, read: { value, mask } });
    return value;
  }

  /** Replays the script on QEMU, with further arguments, and compares each value read. */
  async assertSameOnQemu(moreArgs: readonly string[] = []): Promise<void> {
    const answers = await replay(this.#steps.map((step) => step.command), moreArgs);
    for (const [index, { command, read }] of this.#steps.entries()) {
      const answer = answers[index] ?? "";
      if (!answer.startsWith("OK")) throw new Error(`QEMU answers "${answer}" to "${command}"`);
      if (read === undefined) continue;
      const theirs = (Number(answer.split(" ")[1]) & read.mask) >>> 0;
      const ours = (read.value & read.mask) >>> 0;
      if (theirs === ours) continue;
      const before = this.#steps.slice(Math.max(0, index - 8), index).map((step) => step.command);
      assertEquals(ours, theirs, `step ${index}, "${command}", after\n${before.join("\n")}\n`);
    }
  }
}

/** Runs the commands in one QEMU and returns its answers, one line each. */
async function replay(
  commands: readonly string[],
  moreArgs: readonly string[],
): Promise<string[]> {
  const qemu = startQemu(moreArgs);
  const writer = qemu.stdin.getWriter();
  const sent = writer.write(new TextEncoder().encode(commands.join("\n") + "\n"));
  const answers: string[] = [];
  let rest = "";
  for await (const text of qemu.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    answers.push(...lines);
    if (answers.length >= commands.length) break;
  }
  await sent;
  await writer.close();
  try {
    qemu.kill();
  } catch (error) {
    // It has ended by itself already.
    if (!(error instanceof TypeError)) throw error;
  }
  await qemu.status;
  return answers;
}

/** Stores to QEMU's board what is expected to end QEMU, and returns its exit code. */
export async function qemuExitCode(
  address: number,
  width: AccessWidth,
  value: number,
): Promise<number> {
  const qemu = startQemu();
  const writer = qemu.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`write${SUFFIX[width]} ${address} ${value}\n`));
  const [{ code }] = await Promise.all([qemu.status, qemu.stdout.cancel()]);
  await writer.close().catch(() => {}); // The pipe may be gone with QEMU.
  return code;
}

function startQemu(moreArgs: readonly string[] = []) {
  return new Deno.Command(QEMU, {
    args: [...QEMU_ARGS, ...moreArgs],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}
