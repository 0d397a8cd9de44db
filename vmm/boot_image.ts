/**
 * From a machine's options to what lies in its memory at power-on: programs and device tree in RAM,
 * reset vector in ROM.
 *
 * @module
 */

import { createBoardFdt } from "./board_fdt.ts";
import { type FdtTree, readDtb, writeDtb } from "./fdt/mod.ts";
import { isFileMap, type NamedInput, openInput, readInput } from "./input_file.ts";
import { writeCpio } from "./initramfs/mod.ts";
import {
  type BootPlanInput,
  createResetVector,
  type LoadedElf,
  type LoadedProgram,
  loadElf,
  loadFirmware,
  loadKernel,
  type LoadSegment,
  planBareMetal,
  planBoot,
} from "./loaders/mod.ts";
import type { CheckedOptions } from "./machine_options.ts";
import { RAM_BASE } from "./memory_map.ts";

const MIB = 1 << 20;
/** Room for the address of the initramfs, which is known only after the tree's size is. */
const PLACEHOLDER_INITRD = { start: RAM_BASE, end: RAM_BASE + 1 };

/** Everything that a machine holds at power-on. */
export interface BootImage {
  /** What to copy into RAM. */
  readonly segments: readonly LoadSegment[];
  /** The reset vector. */
  readonly rom: Uint8Array;
  /** The flattened device tree, also among the segments. */
  readonly dtb: Uint8Array<ArrayBuffer>;
  /** The bare-metal program, if that is what runs. */
  readonly elf?: LoadedElf;
  /**
   * Checks what could not be before it was in RAM.
   *
   * @throws as `createBootImage`
   */
  checkLoaded?(bytesAt: (physAddr: number, sizeBytes: number) => Uint8Array): void;
}

async function readInitrd(initrd: CheckedOptions["initrd"]): Promise<NamedInput | undefined> {
  if (initrd === undefined) return undefined;
  // Not compressed: the machine would spend a hundred million instructions to unpack it.
  if (isFileMap(initrd)) return { bytes: writeCpio(initrd), name: "initrd" };
  return await openInput(initrd, "initrd");
}

/** Makes the device tree for given places; a tree handed over by the user is taken as it is. */
async function fdtMaker(
  options: CheckedOptions,
): Promise<(initrd?: { start: number; end: number }) => Uint8Array<ArrayBuffer>> {
  const { fdt } = options;
  if (fdt !== undefined && typeof fdt !== "function") {
    const { bytes, name } = await readInput(fdt, "fdt");
    let tree: FdtTree;
    try {
      tree = readDtb(bytes);
    } catch (error) {
      throw new SyntaxError(`${name}: ${(error as Error).message}`, { cause: error });
    }
    return () => writeDtb(tree);
  }
  return (initrd) => {
    const tree = createBoardFdt({
      harts: options.harts,
      memBytes: options.memMiB * MIB,
      ...(options.bootargs === undefined ? {} : { bootargs: options.bootargs }),
      ...(initrd === undefined ? {} : { initrd }),
      isa: options.isa,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
    const edited: unknown = fdt?.(tree);
    if (edited instanceof Promise) {
      throw new TypeError("fdt: the function that edits the tree is not to be async");
    }
    return writeDtb(tree);
  };
}

/**
 * Reads and places everything.
 *
 * @throws {RangeError} if something does not fit in RAM, with the memory that would do
 * @throws {SyntaxError} if a file is malformed, naming it
 */
export async function createBootImage(options: CheckedOptions): Promise<BootImage> {
  const makeDtb = await fdtMaker(options);
  return options.elf === undefined
    ? await createKernelImage(options, makeDtb)
    : await createBareMetalImage(options, makeDtb());
}

async function createKernelImage(
  options: CheckedOptions,
  makeDtb: (initrd?: { start: number; end: number }) => Uint8Array<ArrayBuffer>,
): Promise<BootImage> {
  const ramBase = RAM_BASE;
  const firmwareFile = await readInput(options.firmware!, "firmware");
  const firmware = loadFirmware(firmwareFile.bytes, { ramBase, name: firmwareFile.name });
  const initrd = await readInitrd(options.initrd);
  let kernel: LoadedProgram = { format: "raw", entry: ramBase + 2 * MIB, segments: [] };
  if (options.kernel !== undefined) {
    const file = await openInput(options.kernel, "kernel");
    kernel = loadKernel(file.bytes, { ramBase, name: file.name });
  }
  const input: BootPlanInput = {
    ramBase,
    ramSizeBytes: options.memMiB * MIB,
    firmware,
    kernel,
    fdtSizeBytes: makeDtb(initrd && PLACEHOLDER_INITRD).length,
    ...(initrd === undefined ? {} : { initrd: initrd.bytes, initrdName: initrd.name }),
    ...(options.bootargs === undefined ? {} : { bootargs: options.bootargs }),
  };
  const plan = planBoot(input);
  const dtb = makeDtb(plan.initrd);
  const { start, end } = plan.initrd ?? { start: 0, end: 0 };
  return {
    segments: [...plan.segments, { physAddr: plan.fdtAddr, bytes: dtb, memSizeBytes: dtb.length }],
    rom: createResetVector({
      entry: plan.firmwareEntry,
      fdtAddr: plan.fdtAddr,
      next: { nextAddr: plan.kernelEntry },
    }),
    dtb,
    ...(initrd === undefined || initrd.bytes instanceof Uint8Array ? {} : {
      checkLoaded: (bytesAt) => {
        planBoot({ ...input, initrd: bytesAt(start, end - start) });
      },
    }),
  };
}

async function createBareMetalImage(
  options: CheckedOptions,
  dtb: Uint8Array<ArrayBuffer>,
): Promise<BootImage> {
  const file = await readInput(options.elf!, "elf");
  const elf = loadElf(file.bytes, file.name);
  const { fdtAddr } = planBareMetal({
    ramBase: RAM_BASE,
    ramSizeBytes: options.memMiB * MIB,
    program: elf,
    fdtSizeBytes: dtb.length,
    name: file.name,
  });
  return {
    segments: [...elf.segments, { physAddr: fdtAddr, bytes: dtb, memSizeBytes: dtb.length }],
    rom: createResetVector({ entry: elf.entry, fdtAddr }),
    dtb,
    elf,
  };
}
