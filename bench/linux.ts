/**
 * The Linux workloads: host boot and guest boot, from the fixtures.
 *
 * @module
 */

import { fixture, hostRootFiles, writeCpio } from "../mod.ts";
import type { LinuxWorkload, Step } from "./workload.ts";

/** Files that both engines boot. */
export interface BootFiles {
  readonly firmware: string;
  readonly kernel: string;
  readonly initrd: string;
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

/** From power-on to the prompt of the host's shell. */
export function hostBoot(
  files: BootFiles,
  machine: { readonly harts: number; readonly memMiB: number },
): LinuxWorkload {
  return {
    kind: "linux",
    ...machine,
    ...files,
    bootargs: BOOTARGS,
    steps: [{ expect: HOST_PROMPT }],
  };
}

/** From power-on to the host's prompt, then by way of lkvm to the prompt of a guest's shell. */
export function flow(
  files: BootFiles,
  machine: { readonly harts: number; readonly memMiB: number; readonly guestCpus: number },
): LinuxWorkload {
  const { guestCpus, ...hostMachine } = machine;
  const lkvm = `/apps/lkvm-static run -m 128 -c ${guestCpus} --console serial ` +
    `-p "${GUEST_PARAMS}" -k /apps/Image`;
  const steps: Step[] = [
    { expect: HOST_PROMPT, send: `${lkvm}\n` },
    { expect: GUEST_PROMPT },
  ];
  return { ...hostBoot(files, hostMachine), steps };
}
