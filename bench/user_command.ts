/**
 * A command of user space over a file of 32 MiB, in the shell of a host or a guest, and its time alone.
 *
 * The file is made in the machine, on a tmpfs: busybox's own binary over and over. That compresses as
 * code does, and the repetition does not help, for gzip looks back 32 KiB. What is in it depends on the
 * fixture alone, so its digest is known here.
 *
 * @module
 */

import { fixture } from "../mod.ts";
import type { Step } from "./workload.ts";

/** Size of the file. */
export const DATA_BYTES = 32 << 20;
/** Where it is. */
export const DATA_PATH = "/tmp/data";

/** What prints `begins` and `ended`: as typed, the line does not look like it. */
const BEGINS = 'echo "command"" begins"';
const ENDED = 'echo "command"" ended: $?"';

/** The line that makes the file, with kernel messages kept off the console from then on. */
function prepareLine(): string {
  const copies = Math.ceil(DATA_BYTES / fixture("busybox").length);
  return [
    "dmesg -n 1",
    // A guest has no tmpfs; its root is the host's, and slow.
    "mount -t tmpfs tmpfs /tmp",
    "cp /bin/busybox /tmp/part",
    `for i in $(seq ${copies}); do cat /tmp/part; done >${DATA_PATH}`,
    "rm /tmp/part",
    `truncate -s ${DATA_BYTES} ${DATA_PATH}`,
    `echo data: $(stat -c %s ${DATA_PATH})`,
  ].join("; ");
}

/** Steps that make the file once the shell is at its prompt, and time a command over it. */
export function timedCommandSteps(prompt: string, command: string): Step[] {
  return [
    { expect: prompt, send: `${prepareLine()}\n` },
    { expect: `data: ${DATA_BYTES}\n`, send: `${BEGINS}; ${command}; ${ENDED}\n` },
    { expect: "command begins\n", note: "start" },
    { expect: "command ended: \\d+\n", note: "stop" },
  ];
}

/** SHA-256 of the file, in hexadecimal. */
export async function dataDigest(): Promise<string> {
  const part = fixture("busybox");
  const data = new Uint8Array(DATA_BYTES);
  for (let offset = 0; offset < DATA_BYTES; offset += part.length) {
    data.set(part.subarray(0, DATA_BYTES - offset), offset);
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex();
}

/**
 * Checks that the command succeeded, and printed what it must.
 *
 * @param output what must be among the lines before its end
 * @throws {Error} if not
 */
export function checkCommand(consoleText: string, output: string): void {
  const match = /^command begins\n([^]*)^command ended: (\d+)$/m.exec(consoleText);
  if (match === null) throw new Error("the command's marks are not on the console");
  const [, printed, status] = match;
  if (status !== "0") throw new Error(`the command ended with exit status ${status}`);
  if (!printed!.includes(output)) {
    throw new Error(`the command printed ${JSON.stringify(printed)}, expected ${output}`);
  }
}
