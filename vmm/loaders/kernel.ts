/**
 * Loading by magic: what the user calls a kernel or a firmware can be one of several formats.
 *
 * @module
 */

import { compressionAt } from "../initramfs/initramfs.ts";
import { gunzip } from "../initramfs/gzip.ts";
import { isElf, loadElf } from "./elf.ts";
import { isImage, loadImage } from "./image.ts";
import { hasMagic, type LoadedProgram, type LoadSegment } from "./program.ts";

const MIB = 1 << 20;

/** `zimg` behind `MZ`: a compressed EFI kernel (`vmlinuz.efi`), which needs EFI to unpack itself. */
const EFI_ZBOOT_MAGIC = [0x7a, 0x69, 0x6d, 0x67];

/** Where a program goes that does not say so itself, and what to call it. */
export interface LoadOptions {
  /** Physical address where RAM begins. */
  readonly ramBase: number;
  /** What to call the file in errors. Default `kernel` or `firmware`. */
  readonly name?: string;
  /** Unpack at most this much from a compressed kernel. Default 256 MiB. */
  readonly maxUnpackedBytes?: number;
}

/**
 * Loads a kernel: `Image`, `Image.gz`, or an ELF executable with physical addresses.
 *
 * @throws {SyntaxError} if it is none of these, or is malformed
 * @throws {RangeError} if it is for another machine, or unpacks to more than allowed
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { loadKernel } from "./mod.ts";
 *
 * assertThrows(
 *   () => loadKernel(new Uint8Array(4096), { ramBase: 0x8000_0000, name: "vmlinuz" }),
 *   SyntaxError,
 *   "vmlinuz: no RISC-V kernel",
 * );
 * ```
 */
export function loadKernel(bytes: LoadSegment["bytes"], options: LoadOptions): LoadedProgram {
  const { ramBase, name = "kernel", maxUnpackedBytes = 256 * MIB } = options;
  const compression = compressionAt(headOf(bytes));
  if (compression === "gzip") {
    const unpacked = gunzip(readAll(bytes), maxUnpackedBytes, name);
    return loadUnpacked(unpacked, ramBase, `${name} (unpacked)`);
  }
  return loadUnpacked(bytes, ramBase, name);
}

function loadUnpacked(
  bytes: LoadSegment["bytes"],
  ramBase: number,
  name: string,
): LoadedProgram {
  const head = headOf(bytes);
  if (isElf(head)) return loadElf(readAll(bytes), name);
  const compression = compressionAt(head);
  if (compression !== undefined && !isImage(head)) {
    throw new SyntaxError(
      `${name}: compressed with ${compression}: unpack it first, or pack it with gzip`,
    );
  }
  if (hasMagic(head, EFI_ZBOOT_MAGIC, 4)) {
    throw new SyntaxError(
      `${name}: a compressed EFI kernel (vmlinuz.efi), and there is no EFI here: ` +
        "give the file arch/riscv/boot/Image",
    );
  }
  return loadImage(bytes, ramBase, name);
}

function headOf(bytes: LoadSegment["bytes"]): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.head;
}

function readAll(bytes: LoadSegment["bytes"]): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.read();
}

/**
 * Loads firmware: a flat binary that goes to the start of RAM, or an ELF executable.
 *
 * @throws {SyntaxError} if it is empty, malformed, or obviously something else
 * @throws {RangeError} if it is an executable for another machine
 */
export function loadFirmware(bytes: Uint8Array, options: LoadOptions): LoadedProgram {
  const { ramBase, name = "firmware" } = options;
  if (bytes.length === 0) throw new SyntaxError(`${name}: the file is empty`);
  if (isElf(bytes)) return loadElf(bytes, name);
  if (isImage(bytes)) {
    throw new SyntaxError(`${name}: this is a Linux kernel: give it as the kernel`);
  }
  const compression = compressionAt(bytes);
  if (compression === "gzip" || compression === "xz" || compression === "zstd") {
    throw new SyntaxError(`${name}: compressed with ${compression}: unpack it first`);
  }
  const segment = { physAddr: ramBase, bytes, memSizeBytes: bytes.length };
  return { format: "raw", entry: ramBase, segments: [segment] };
}
