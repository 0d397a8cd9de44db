/**
 * The Linux workloads: host boot, guest boot, and commands in host and guest, from the fixtures.
 *
 * @module
 */

import { fixture, hostRootFiles, writeCpio } from "../mod.ts";
import { timedCommandSteps } from "./user_command.ts";
import type { LinuxWorkload, Step } from "./workload.ts";

/** Files that both engines boot. */
export interface BootFiles {
  readonly firmware: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** What host Linux runs on. */
export interface HostMachine {
  readonly harts: number;
  readonly memMiB: number;
}

const BOOTARGS = "console=ttyS0 earlycon=sbi";
const HOST_PROMPT = "~ # ";
/** The kernel's last message but one, then the prompt of a shell that begins at `/`. */
const GUEST_PROMPT = "Mounting[^]*/ # ";
const GUEST_PARAMS = "console=ttyS0 earlycon=uart8250,mmio,0x3f8";

/** Writes the fixtures into `folder`, where both engines read them. */
export async function writeBootFiles(folder: string): Promise<BootFiles> {
  const files = {
    firmware: `${folder}/fw_dynamic.bin`,
    kernel: `${folder}/Image`,
    initrd: `${folder}/initramfs.cpio`,
  };
  await Deno.writeFile(files.firmware, fixture("firmware"));
  await Deno.writeFile(files.kernel, fixture("kernel"));
  await Deno.writeFile(files.initrd, writeCpio(hostRootFiles()));
  return files;
}

/** The line that starts a guest, without its end. */
function lkvmLine(guestCpus: number): string {
  return `/apps/lkvm-static run -m 128 -c ${guestCpus} --console serial ` +
    `-p "${GUEST_PARAMS}" -k /apps/Image`;
}

function linux(files: BootFiles, machine: HostMachine, steps: readonly Step[]): LinuxWorkload {
  return { kind: "linux", ...machine, ...files, bootargs: BOOTARGS, steps };
}

/** From power-on to the prompt of the host's shell. */
export function hostBoot(files: BootFiles, machine: HostMachine): LinuxWorkload {
  return linux(files, machine, [{ expect: HOST_PROMPT }]);
}

/** From power-on to the host's prompt, then by way of lkvm to the prompt of a guest's shell. */
export function flow(files: BootFiles, machine: HostMachine, guestCpus: number): LinuxWorkload {
  return linux(files, machine, [
    { expect: HOST_PROMPT, send: `${lkvmLine(guestCpus)}\n` },
    { expect: GUEST_PROMPT },
  ]);
}

/** A command in the host's shell; its time alone. */
export function hostCommand(
  files: BootFiles,
  machine: HostMachine,
  command: string,
): LinuxWorkload {
  return linux(files, machine, timedCommandSteps(HOST_PROMPT, command));
}

/** A command in the shell of a guest with one VCPU; its time alone. */
export function guestCommand(
  files: BootFiles,
  machine: HostMachine,
  command: string,
): LinuxWorkload {
  return linux(files, machine, [
    { expect: HOST_PROMPT, send: `${lkvmLine(1)}\n` },
    ...timedCommandSteps(GUEST_PROMPT, command),
  ]);
}

/** So many guests one after the other, each to its prompt and off; the process is weighed after each. */
export function guestsInTurn(
  files: BootFiles,
  machine: HostMachine,
  guests: number,
): LinuxWorkload {
  // As typed, the line does not look like what it prints.
  const line = `${lkvmLine(1)}; echo "guest"" ended: $?"\n`;
  const steps: Step[] = [{ expect: HOST_PROMPT, send: line }];
  for (let guest = 1; guest <= guests; guest++) {
    steps.push({ expect: GUEST_PROMPT, send: "poweroff -f\n" });
    const isLast = guest === guests;
    steps.push({
      expect: `guest ended: 0\\n[^]*${HOST_PROMPT}`,
      note: "weigh",
      ...(isLast ? {} : { send: line }),
    });
  }
  return { ...linux(files, machine, steps), residentRam: true };
}
