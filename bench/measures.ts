/**
 * What is measured.
 *
 * @module
 */

import { buildKernel } from "./cpu/build.ts";
import { checkChecksum, type Kernel, KERNELS } from "./cpu/kernels.ts";
import { type BootFiles, flow, hostBoot, writeBootFiles } from "./linux.ts";
import type { Workload } from "./workload.ts";

/** One line of the output. */
export interface Measure {
  /** What `--only` selects it by; before a slash stands the group. */
  readonly name: string;
  /** Whether it is built with the cross compiler. */
  readonly needsCompiler: boolean;
  /** `pairs`: times against QEMU. `memory`: one run of ours, for the size of its process. */
  readonly kind: "pairs" | "memory";
  /** Makes ready what it runs, in a folder of the materials'. */
  prepare(materials: Materials): Promise<Workload>;
  /** Throws if the console does not show what it must. */
  check(consoleText: string): void;
}

/** A folder with what the measures run; what several of them share is made once. */
export class Materials {
  readonly folder: string;
  #bootFiles: Promise<BootFiles> | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The files that Linux measures boot. */
  bootFiles(): Promise<BootFiles> {
    return this.#bootFiles ??= writeBootFiles(this.folder);
  }
}

/** RAM of a machine that runs a kernel of the `cpu` group. */
const PROGRAM_MEM_MIB = 64;
/** RAM of a host. */
const HOST_MEM_MIB = 512;
/** RAM of the host whose process is weighed. */
const MEMORY_MEM_MIB = 1024;

function cpuMeasure(kernel: Kernel): Measure {
  return {
    name: `cpu/${kernel.name}`,
    needsCompiler: true,
    kind: "pairs",
    async prepare({ folder }) {
      const elf = await buildKernel(kernel, folder);
      return { kind: "program", harts: 1, memMiB: PROGRAM_MEM_MIB, elf };
    },
    check(consoleText) {
      checkChecksum(kernel, consoleText);
    },
  };
}

function linuxMeasure(
  name: string,
  kind: Measure["kind"],
  workload: (files: BootFiles) => Workload,
): Measure {
  return {
    name,
    needsCompiler: false,
    kind,
    async prepare(materials) {
      return workload(await materials.bootFiles());
    },
    // That every step of the workload was answered is the check.
    check() {},
  };
}

/** Every measure, in the order of the output. */
export const MEASURES: readonly Measure[] = [
  ...KERNELS.map(cpuMeasure),
  linuxMeasure(
    "host-boot",
    "pairs",
    (files) => hostBoot(files, { harts: 1, memMiB: HOST_MEM_MIB }),
  ),
  linuxMeasure(
    "flow",
    "pairs",
    (files) => flow(files, { harts: 1, memMiB: HOST_MEM_MIB, guestCpus: 1 }),
  ),
  linuxMeasure(
    "flow-2",
    "pairs",
    (files) => flow(files, { harts: 2, memMiB: HOST_MEM_MIB, guestCpus: 2 }),
  ),
  linuxMeasure(
    "memory",
    "memory",
    (files) => flow(files, { harts: 1, memMiB: MEMORY_MEM_MIB, guestCpus: 1 }),
  ),
];
