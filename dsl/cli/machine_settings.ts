/**
 * From settings to the options of `Machine.create`: files by path, and fixtures for what is not named.
 *
 * @module
 */

import type { MachineOptions } from "../../vmm/machine_options.ts";
import type { BootSettings, ElfSettings } from "./options.ts";

/** Options for the machine that the user asked for. */
export async function machineOptions(
  settings: BootSettings | ElfSettings,
): Promise<MachineOptions> {
  const common: MachineOptions = {
    harts: settings.harts,
    memMiB: settings.memMiB,
    ...(settings.isa === undefined ? {} : { isa: settings.isa }),
    ...(settings.dtb === undefined ? {} : { fdt: settings.dtb }),
    ...(settings.seed === undefined ? {} : { seed: settings.seed }),
  };
  if (settings.kind === "elf") return { ...common, elf: settings.elf };
  // Loaded late: a bare-metal program needs none of them.
  const { fixture, hostRootFiles } = await import("../../fixtures/mod.ts");
  return {
    ...common,
    firmware: settings.firmware ?? fixture("firmware"),
    kernel: settings.kernel ?? fixture("kernel"),
    ...(settings.initrd === null ? {} : { initrd: settings.initrd ?? hostRootFiles() }),
    bootargs: settings.append,
  };
}
