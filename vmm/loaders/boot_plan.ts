/**
 * Where firmware, kernel, initramfs and device tree go in RAM, and whether they fit. It is decided
 * before the first instruction, since a guest that runs out of memory while it boots says so badly
 * or not at all.
 *
 * ```text
 *   ramBase            firmware                    up to the kernel
 *   ramBase + 2 MiB    kernel                      its text_offset; image_size with .bss
 *   kernel + N         initramfs                   N = half of the RAM, at most 128 MiB, as QEMU;
 *                                                  directly below the device tree if too large
 *   end - 2 MiB        device tree                 on a 2 MiB boundary, with room for the firmware
 *                                                  to add to it
 * ```
 *
 * @module
 */

import { unpackedSize } from "../initramfs/initramfs.ts";
import type { LoadedProgram, LoadSegment, StoredBytes } from "./program.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;
const GIB = 1 << 30;
const PAGE_BYTES = 4 * KIB;

/** The kernel maps the device tree early, two large pages from the boundary below it. */
const FDT_ALIGNMENT = 2 * MIB;
/** OpenSBI adds reserved-memory nodes and a PMU node to the tree, in place. */
const FDT_GROWTH_BYTES = 64 * KIB;
/** Largest tree that the kernel's early mapping is sure to cover. */
const FDT_MAX_BYTES = 2 * MIB;
/** Largest distance of the initramfs from the kernel, QEMU's. */
const INITRD_MAX_DISTANCE = 128 * MIB;

/**
 * What Linux keeps to itself besides kernel and firmware: a page structure of 64 bytes for each
 * page, and tables. Measured with 6.12 on QEMU ("reserved" in its log, less the archive): 8.1 MiB of
 * 96, 22.1 of 1024, with a kernel of 5.9 MiB.
 */
const PAGE_STRUCT_BYTES = 64;
const KERNEL_TABLES_BYTES = 1.5 * MIB;
/** What kernel and a first process need to run at all besides the unpacked files. */
const WORKING_BYTES = 6 * MIB;

/** Largest memory that a refusal proposes. */
const MAX_PROPOSED_MIB = 1 << 20;

/** What is to be placed. */
export interface BootPlanInput {
  /** Physical address where RAM begins. */
  readonly ramBase: number;
  /** RAM in bytes. */
  readonly ramSizeBytes: number;
  /** Firmware, see `loadFirmware`. */
  readonly firmware: LoadedProgram;
  /** Kernel, see `loadKernel`. */
  readonly kernel: LoadedProgram;
  /**
   * An initramfs: what it unpacks to must fit too. That is not looked at while its bytes are stored
   * elsewhere: plan again when they are in their place.
   */
  readonly initrd?: Uint8Array | StoredBytes;
  /** What to call the initramfs in errors. Default `initrd`. */
  readonly initrdName?: string;
  /** Length of the flattened device tree in bytes. */
  readonly fdtSizeBytes: number;
  /** Kernel command line; some of its options decide how much the initramfs may fill. */
  readonly bootargs?: string;
}

/** Where everything goes. */
export interface BootPlan {
  /** Physical address of the firmware's first instruction. */
  readonly firmwareEntry: number;
  /** Physical address of the kernel's first instruction. */
  readonly kernelEntry: number;
  /** Physical address for the device tree. */
  readonly fdtAddr: number;
  /** Where the initramfs lies: first byte, and the byte after the last. */
  readonly initrd?: { readonly start: number; readonly end: number };
  /** Everything to copy into RAM but the device tree, which names the initramfs's place. */
  readonly segments: readonly LoadSegment[];
}

/**
 * Places everything in RAM.
 *
 * @throws {RangeError} if something does not fit; the message says how much memory would do
 * @throws {SyntaxError} if the initramfs is malformed
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planBoot } from "./mod.ts";
 *
 * const program = (physAddr: number, sizeBytes: number) => ({
 *   format: "raw" as const,
 *   entry: physAddr,
 *   segments: [{ physAddr, bytes: new Uint8Array(sizeBytes), memSizeBytes: sizeBytes }],
 * });
 * const plan = planBoot({
 *   ramBase: 0x8000_0000,
 *   ramSizeBytes: 128 << 20,
 *   firmware: program(0x8000_0000, 256 << 10),
 *   kernel: program(0x8020_0000, 6 << 20),
 *   fdtSizeBytes: 4000,
 * });
 * assertEquals(plan.fdtAddr, 0x87e0_0000);
 * ```
 */
export function planBoot(input: BootPlanInput): BootPlan {
  checkFirmwareBelowKernel(input);
  if (input.fdtSizeBytes + FDT_GROWTH_BYTES > FDT_MAX_BYTES) {
    throw new RangeError(
      `Device tree of ${input.fdtSizeBytes} bytes: the kernel maps at most ` +
        `${FDT_MAX_BYTES - FDT_GROWTH_BYTES} early`,
    );
  }
  const { initrd } = input;
  if (initrd !== undefined && !(initrd instanceof Uint8Array)) {
    const planned = place(input, input.ramSizeBytes, undefined);
    return typeof planned === "string" ? planBoot({ ...input, initrd: initrd.read() }) : planned;
  }
  const unpackedBytes = initrd &&
    unpackedSize(initrd, {
      name: input.initrdName ?? "initrd",
      maxBytes: Math.max(GIB, input.ramSizeBytes),
    });
  const planned = place(input, input.ramSizeBytes, unpackedBytes);
  if (typeof planned !== "string") return planned;
  const enough = leastMemoryMiB((ramSizeBytes) =>
    typeof place(input, ramSizeBytes, unpackedBytes) !== "string"
  );
  throw new RangeError(
    enough === undefined ? planned : `${planned}: give the machine at least ${enough} MiB`,
  );
}

/** The plan for so much RAM, or why there is none. */
function place(
  input: BootPlanInput,
  ramSizeBytes: number,
  unpackedBytes: number | undefined,
): BootPlan | string {
  const { ramBase, firmware, kernel, initrd, fdtSizeBytes } = input;
  const ramEnd = ramBase + ramSizeBytes;
  const ram = `${formatMiB(ramSizeBytes)} MiB of RAM`;

  for (const [what, program] of [["firmware", firmware], ["kernel", kernel]] as const) {
    const outside = program.segments.find(({ physAddr, memSizeBytes }) =>
      physAddr < ramBase || physAddr + memSizeBytes > ramEnd
    );
    if (outside !== undefined) {
      return `${what} wants ${
        formatRange(outside.physAddr, outside.memSizeBytes)
      }, but ${ram} is ` +
        formatRange(ramBase, ramSizeBytes);
    }
  }

  const kernelStart = startOf(kernel);
  const kernelEnd = endOf(kernel);
  const fdtAddr = alignDown(ramEnd - fdtSizeBytes - FDT_GROWTH_BYTES, FDT_ALIGNMENT);
  if (fdtAddr < kernelEnd) {
    return `device tree of ${fdtSizeBytes} bytes has no room behind the kernel, which ends ` +
      `${formatMiB(kernelEnd - ramBase)} MiB into ${ram}`;
  }

  const plan = {
    firmwareEntry: firmware.entry,
    kernelEntry: kernel.entry,
    fdtAddr,
    segments: [...firmware.segments, ...kernel.segments],
  };
  if (initrd === undefined) return plan;

  const archive = `initramfs of ${formatMiB(initrd.length)} MiB`;
  const preferred = kernelStart + Math.min(ramSizeBytes / 2, INITRD_MAX_DISTANCE);
  let start = alignUp(Math.max(preferred, kernelEnd), PAGE_BYTES);
  if (start + initrd.length > fdtAddr) start = alignDown(fdtAddr - initrd.length, PAGE_BYTES);
  const unpacks = unpackedBytes === undefined
    ? archive
    : `${archive} unpacks to ${formatMiB(unpackedBytes)} MiB`;
  if (start < kernelEnd) {
    return `${unpacks}; ${ram} leaves ${formatMiB(fdtAddr - kernelEnd, Math.floor)} beside the ` +
      "kernel for the archive alone";
  }
  if (unpackedBytes !== undefined) {
    const room = roomForFiles(input, ramSizeBytes);
    if (unpackedBytes > room.bytes) {
      return `${unpacks}; ${ram} leaves ${formatMiB(room.bytes, Math.floor)}${room.reason}`;
    }
  }
  return {
    ...plan,
    initrd: { start, end: start + initrd.length },
    segments: [
      ...plan.segments,
      { physAddr: start, bytes: initrd, memSizeBytes: initrd.length },
    ],
  };
}

/** How much the files of the initramfs may take while the archive is still in memory. */
function roomForFiles(
  { kernel, firmware, initrd, bootargs = "" }: BootPlanInput,
  ramSizeBytes: number,
): { bytes: number; reason: string } {
  const kept = sizeOf(kernel) + sizeOf(firmware) + KERNEL_TABLES_BYTES +
    (ramSizeBytes / PAGE_BYTES) * PAGE_STRUCT_BYTES;
  const free = ramSizeBytes - kept - alignUp(initrd?.length ?? 0, PAGE_BYTES);
  const room = Math.max(0, free - WORKING_BYTES);
  // The first root file system is a tmpfs, which takes at most half of the memory, unless root= or
  // rootfstype= say that it is not (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
  const isTmpfs = !/(^|\s)root=\S/.test(bootargs) &&
    (/(?:^|\s)rootfstype=(\S+)/.exec(bootargs)?.[1] ?? "tmpfs").includes("tmpfs");
  const half = Math.max(0, free / 2);
  return isTmpfs && half < room
    ? { bytes: half, reason: " (a tmpfs gets half of the memory; rootfstype=ramfs lifts that)" }
    : { bytes: room, reason: "" };
}

/** Firmware and kernel say themselves where they go; more memory does not help if they collide. */
function checkFirmwareBelowKernel({ firmware, kernel }: BootPlanInput): void {
  for (const low of firmware.segments) {
    for (const high of kernel.segments) {
      if (
        low.physAddr < high.physAddr + high.memSizeBytes &&
        high.physAddr < low.physAddr + low.memSizeBytes
      ) {
        throw new RangeError(
          `Cannot load kernel at ${formatRange(high.physAddr, high.memSizeBytes)}: overlaps ` +
            `firmware (${formatRange(low.physAddr, low.memSizeBytes)})`,
        );
      }
    }
  }
}

/** The smallest number of MiB that is enough; what is enough stays so with more. */
function leastMemoryMiB(isEnough: (ramSizeBytes: number) => boolean): number | undefined {
  if (!isEnough(MAX_PROPOSED_MIB * MIB)) return undefined;
  let [tooLittle, enough] = [0, MAX_PROPOSED_MIB];
  while (enough - tooLittle > 1) {
    const middle = Math.floor((tooLittle + enough) / 2);
    if (isEnough(middle * MIB)) enough = middle;
    else tooLittle = middle;
  }
  return enough;
}

function startOf(program: LoadedProgram): number {
  return Math.min(...program.segments.map(({ physAddr }) => physAddr));
}

function endOf(program: LoadedProgram): number {
  return Math.max(...program.segments.map(({ physAddr, memSizeBytes }) => physAddr + memSizeBytes));
}

function sizeOf(program: LoadedProgram): number {
  return program.segments.reduce((sum, { memSizeBytes }) => sum + memSizeBytes, 0);
}

function alignDown(address: number, alignment: number): number {
  return Math.floor(address / alignment) * alignment;
}

function alignUp(address: number, alignment: number): number {
  return Math.ceil(address / alignment) * alignment;
}

/** Whole MiB, rounded up unless told otherwise; what is offered is rounded down. */
function formatMiB(sizeBytes: number, round: (value: number) => number = Math.ceil): string {
  return String(round(sizeBytes / MIB));
}

function formatRange(base: number, sizeBytes: number): string {
  const hex = (address: number) => `0x${address.toString(16).padStart(8, "0")}`;
  return `${hex(base)}-${hex(base + sizeBytes - 1)}`;
}
