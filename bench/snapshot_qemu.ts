/**
 * QEMU's own snapshots of a nested guest: `savevm`, `-loadvm` and `loadvm`.
 *
 * A workload is brought to its last prompt and saved into a qcow2 image, which belongs to a drive that
 * no device of the machine uses. Then the guest is restored from it, in fresh processes or in one that
 * runs already, and its shell has to answer. The shell computes what it answers, so that it cannot be
 * the terminal's echo.
 *
 * QEMU 11.1 restores such a guest each time. With 7.2 the shell often never answers: the guest has its
 * timer's compare value again, but nothing that goes off.
 *
 * @module
 */

import type { Qemu } from "./qemu.ts";
import { monitoredArguments, QemuProcess } from "./qemu_process.ts";
import type { LinuxWorkload } from "./workload.ts";

/** Makes and reads images; looked for on the PATH. */
export const QEMU_IMG = "qemu-img";

/** What is typed after a restore, and what it prints. */
export const ECHO_LINE = "echo restored-$((6*7))\n";
export const ECHO_ANSWER = /restored-42\n/;
export const SHELL_PROMPT = /# /;
const SNAPSHOT = "guest";
/** Some thirty times what a restore takes. */
const RESTORE_TIMEOUT_MS = 10_000;

/** Where a snapshot is kept, and how much there is of it. */
export interface SnapshotSize {
  /** RAM that is not zero, and the state of the devices. */
  readonly vmStateBytes: number;
  /** The image with it, as a file. */
  readonly fileBytes: number;
}

/** Whether `qemu-img` can be run. */
export async function hasQemuImg(): Promise<boolean> {
  // What the task allows but the PATH has not counts as not allowed.
  const { state } = await Deno.permissions.query({ name: "run", command: QEMU_IMG });
  return state === "granted";
}

/** The command line of a machine with a drive for its snapshots; with `-loadvm` if it is to be restored. */
export function snapshotArguments(
  workload: LinuxWorkload,
  image: string,
  restore: boolean,
): string[] {
  return [
    ...monitoredArguments(workload),
    "-drive",
    // A comma within a value is written twice (QEMU, "Invocation", on options with properties).
    `if=none,id=snapshots,format=qcow2,file=${image.replaceAll(",", ",,")}`,
    ...(restore ? ["-loadvm", SNAPSHOT] : []),
  ];
}

/**
 * The size of the state saved under a name.
 *
 * @param info what `qemu-img info --output=json` printed
 *
 * @throws {Error} if the image has no such snapshot
 */
export function vmStateBytes(info: string, name: string): number {
  const { snapshots = [] }: {
    snapshots?: { readonly name: string; readonly "vm-state-size": number }[];
  } = JSON.parse(info);
  const snapshot = snapshots.find((candidate) => candidate.name === name);
  if (snapshot === undefined) throw new Error(`The image has no snapshot ${name}`);
  return snapshot["vm-state-size"];
}

async function qemuImg(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(QEMU_IMG, { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${QEMU_IMG} ${args[0]}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

/** A machine that QEMU has saved. */
export class QemuSnapshot implements AsyncDisposable {
  readonly #qemu: Qemu;
  readonly #workload: LinuxWorkload;
  readonly #image: string;
  #warm: QemuProcess | undefined;

  /**
   * How long `savevm` took, as the monitor shows it: the first into a new image. A second into the same
   * image takes several times as long.
   */
  readonly saveMs: number;
  readonly size: SnapshotSize;

  private constructor(
    qemu: Qemu,
    workload: LinuxWorkload,
    image: string,
    saveMs: number,
    size: SnapshotSize,
  ) {
    this.#qemu = qemu;
    this.#workload = workload;
    this.#image = image;
    this.saveMs = saveMs;
    this.size = size;
  }

  /**
   * Runs a workload to its last step, which must be a shell's prompt, and saves the machine.
   *
   * @param folder an empty one, for images
   * @param timeoutSeconds real time that each of the workload's steps may take
   *
   * @throws {Error} if the workload does not come to its end, or the machine cannot be saved
   */
  static async prepare(
    qemu: Qemu,
    workload: LinuxWorkload,
    folder: string,
    timeoutSeconds: number,
  ): Promise<QemuSnapshot> {
    const image = `${folder}/snapshot.qcow2`;
    // The drive's own size does not matter: the state of the machine is beside its contents.
    await qemuImg("create", "-q", "-f", "qcow2", image, "1M");
    const saveMs = await bootAndSave(qemu, workload, image, timeoutSeconds);
    const info = await qemuImg("info", "--output=json", image);
    const { size: fileBytes } = await Deno.stat(image);
    return new QemuSnapshot(qemu, workload, image, saveMs, {
      vmStateBytes: vmStateBytes(info, SNAPSHOT),
      fileBytes,
    });
  }

  /**
   * Restores the guest in a fresh process, which ends thereafter.
   *
   * @returns the time from before the process's start until the guest's shell has answered
   *
   * @throws {Error} if it does not answer
   */
  async restoreToEchoMs(): Promise<number> {
    const startMs = performance.now();
    await using process = this.#restore(this.#image);
    // QEMU reads what is typed once it has restored the machine.
    return await answerEcho(process) - startMs;
  }

  /**
   * Restores the guest in a process that runs already: it has restored the same guest before, which has
   * answered.
   *
   * @returns the time from the command to the monitor until the guest's shell has answered
   *
   * @throws {Error} if it does not answer; the next call has a new process
   */
  warmRestoreToEchoMs(): Promise<number> {
    return this.#inWarmProcess(async (process) => {
      const { startMs } = await process.command(`loadvm ${SNAPSHOT}`);
      return await answerEcho(process) - startMs;
    });
  }

  /**
   * How long the shell takes to answer in the process that runs already, with nothing restored: the part of
   * the other times that is not the restore's.
   *
   * @throws {Error} if it does not answer; the next call has a new process
   */
  echoMs(): Promise<number> {
    return this.#inWarmProcess(async (process) => {
      const startMs = performance.now();
      return await answerEcho(process) - startMs;
    });
  }

  /** Ends what runs; the images stay where they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    const warm = this.#warm;
    this.#warm = undefined;
    await warm?.[Symbol.asyncDispose]();
  }

  #restore(image: string): QemuProcess {
    const args = snapshotArguments(this.#workload, image, true);
    return new QemuProcess(this.#qemu, args, RESTORE_TIMEOUT_MS);
  }

  async #inWarmProcess(act: (process: QemuProcess) => Promise<number>): Promise<number> {
    try {
      return await act(this.#warm ?? await this.#startWarm());
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #startWarm(): Promise<QemuProcess> {
    // A QEMU locks its image; the fresh processes need the other.
    const image = `${this.#image}.warm`;
    await Deno.copyFile(this.#image, image);
    this.#warm = this.#restore(image);
    await answerEcho(this.#warm);
    return this.#warm;
  }
}

async function bootAndSave(
  qemu: Qemu,
  workload: LinuxWorkload,
  image: string,
  timeoutSeconds: number,
): Promise<number> {
  const args = snapshotArguments(workload, image, false);
  await using process = new QemuProcess(qemu, args, timeoutSeconds * 1e3);
  await process.converse(workload);
  const { startMs, endMs } = await process.command(`savevm ${SNAPSHOT}`);
  return endMs - startMs;
}

/** Has the shell answer, and waits until it is ready for more; tells when it had answered. */
async function answerEcho(process: QemuProcess): Promise<number> {
  await process.type(ECHO_LINE);
  await process.expect(ECHO_ANSWER);
  const answeredMs = performance.now();
  await process.expect(SHELL_PROMPT);
  return answeredMs;
}
