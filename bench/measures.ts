/**
 * What is measured.
 *
 * @module
 */

import { buildKernel } from "./cpu/build.ts";
import { checkChecksum, type Kernel, KERNELS } from "./cpu/kernels.ts";
import {
  type BootFiles,
  flow,
  guestCommand,
  guestsInTurn,
  hostBoot,
  hostCommand,
  type HostMachine,
  writeBootFiles,
} from "./linux.ts";
import { checkCommand, DATA_PATH, dataDigest } from "./user_command.ts";
import type { Workload } from "./workload.ts";

/** What a measure runs. */
export interface Prepared {
  readonly workload: Workload;
  /** Throws if the console does not show what it must. */
  check(consoleText: string): void;
}

/** One line of the output. */
export interface Measure {
  /** What `--only` selects it by; before a slash stands the group. */
  readonly name: string;
  /** Whether it is built with the cross compiler. */
  readonly needsCompiler: boolean;
  /**
   * `pairs`: times against QEMU. `memory`: one run of ours, for the size of its process. `guests`: one
   * run of ours, for how that size goes on. `snapshots`: saving and restoring the machine that the
   * workload leads to, against QEMU.
   */
  readonly kind: "pairs" | "memory" | "guests" | "snapshots";
  /** Makes ready what it runs, in a folder of the materials'. */
  prepare(materials: Materials): Promise<Prepared>;
}

/** A folder with what the measures run; what several of them share is made once. */
export class Materials {
  readonly folder: string;
  /** How many guests `guests-50` boots. */
  readonly guests: number;
  #bootFiles: Promise<BootFiles> | undefined;

  constructor(folder: string, guests: number) {
    this.folder = folder;
    this.guests = guests;
  }

  /** The files that Linux measures boot. */
  bootFiles(): Promise<BootFiles> {
    return this.#bootFiles ??= writeBootFiles(this.folder);
  }
}

/** RAM of a machine that runs a kernel of the `cpu` group. */
const PROGRAM_MEM_MIB = 64;
/** A host with a hart and a guest's memory to spare. */
const HOST: HostMachine = { harts: 1, memMiB: 512 };
/** RAM of the host whose process is weighed, and of the one that is saved. */
const MEMORY_MEM_MIB = 1024;

function cpuMeasure(kernel: Kernel): Measure {
  return {
    name: `cpu/${kernel.name}`,
    needsCompiler: true,
    kind: "pairs",
    async prepare({ folder }) {
      const elf = await buildKernel(kernel, folder);
      return {
        workload: { kind: "program", harts: 1, memMiB: PROGRAM_MEM_MIB, elf },
        check: (consoleText) => checkChecksum(kernel, consoleText),
      };
    },
  };
}

function linuxMeasure(
  name: string,
  kind: Measure["kind"],
  workload: (files: BootFiles, materials: Materials) => Workload,
): Measure {
  return {
    name,
    needsCompiler: false,
    kind,
    async prepare(materials) {
      return {
        workload: workload(await materials.bootFiles(), materials),
        // That every step of the workload was answered is the check.
        check() {},
      };
    },
  };
}

const COMMANDS = {
  sha256sum: { line: `sha256sum ${DATA_PATH}`, output: dataDigest },
  gzip: { line: `gzip -c ${DATA_PATH} >/dev/null`, output: () => "" },
} as const;

function commandMeasure(
  where: "user" | "guest",
  name: keyof typeof COMMANDS,
): Measure {
  const { line, output } = COMMANDS[name];
  return {
    name: `${where}-${name}`,
    needsCompiler: false,
    kind: "pairs",
    async prepare(materials) {
      const files = await materials.bootFiles();
      const expected = await output();
      return {
        workload: (where === "user" ? hostCommand : guestCommand)(files, HOST, line),
        check: (consoleText) => checkCommand(consoleText, expected),
      };
    },
  };
}

/** Every measure, in the order of the output. */
export const MEASURES: readonly Measure[] = [
  ...KERNELS.map(cpuMeasure),
  commandMeasure("user", "sha256sum"),
  commandMeasure("user", "gzip"),
  commandMeasure("guest", "sha256sum"),
  commandMeasure("guest", "gzip"),
  linuxMeasure("host-boot", "pairs", (files) => hostBoot(files, HOST)),
  linuxMeasure("flow", "pairs", (files) => flow(files, HOST, 1)),
  linuxMeasure("flow-2", "pairs", (files) => flow(files, { ...HOST, harts: 2 }, 2)),
  linuxMeasure("memory", "memory", (files) => flow(files, { ...HOST, memMiB: MEMORY_MEM_MIB }, 1)),
  linuxMeasure("guests-50", "guests", (files, { guests }) => guestsInTurn(files, HOST, guests)),
  linuxMeasure(
    "snapshot",
    "snapshots",
    (files) => flow(files, { ...HOST, memMiB: MEMORY_MEM_MIB }, 1),
  ),
];
