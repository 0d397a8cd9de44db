/**
 * Finds a Linux kernel in memory by where its trap handler is, and its symbols
 * (Linux, `Documentation/arch/riscv/boot-image-header.rst`).
 *
 * @module
 */

import type { AddressSpace } from "./address_space.ts";
import { findKallsyms } from "./kallsyms.ts";
import type { SymbolTable } from "./symbol_table.ts";

/** The kernel's image is mapped on such a boundary. */
const IMAGE_ALIGNMENT = 0x20_0000n;
/** It is not larger. */
const LARGEST_IMAGE = 0x800_0000n;
const HEADER_BYTES = 64;
const HEADER = { image_size: 16, magic: 48 } as const;
const MAGIC = "RISCV\0\0\0";
const PAGE_BYTES = 4096;
const ASCII = new TextDecoder("latin1");

/** Symbols of the kernel that has an address in its code, if it has them in memory. */
export function findKernelSymbols(space: AddressSpace, code: bigint): SymbolTable | undefined {
  const first = code - code % IMAGE_ALIGNMENT;
  for (let at = first; at > first - LARGEST_IMAGE && at > 0n; at -= IMAGE_ALIGNMENT) {
    const header = space.read(at, HEADER_BYTES);
    if (header === undefined) return undefined;
    if (ASCII.decode(header.subarray(HEADER.magic, HEADER.magic + 8)) !== MAGIC) continue;
    const size = new DataView(header.buffer).getBigUint64(HEADER.image_size, true);
    if (size > LARGEST_IMAGE) return undefined;
    return findKallsyms(readAsFarAsThere(space, at, Number(size)));
  }
  return undefined;
}

/** Memory that the kernel gave back after its start may be gone from its page tables: zeros then. */
function readAsFarAsThere(space: AddressSpace, start: bigint, sizeBytes: number): Uint8Array {
  const image = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += PAGE_BYTES) {
    const page = space.read(start + BigInt(at), Math.min(PAGE_BYTES, sizeBytes - at));
    if (page !== undefined) image.set(page, at);
  }
  return image;
}
