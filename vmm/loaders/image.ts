/**
 * Linux kernel images for RISC-V (`Documentation/arch/riscv/boot-image-header.rst`): a flat binary
 * whose first 64 bytes say how much memory it wants and how far from the start of RAM.
 *
 * @module
 */

import { hasMagic, type LoadedProgram, type LoadSegment } from "./program.ts";

/** `RSC\x05` in the field `magic2`. */
const MAGIC2 = [0x52, 0x53, 0x43, 0x05];
const HEADER_SIZE = 64;

/** Byte offsets of the header's fields, all little-endian. */
const FIELD = {
  text_offset: 8,
  image_size: 16,
  flags: 24,
  version: 32,
  magic2: 56,
} as const;

/** Flag: the kernel is big-endian. */
const FLAG_BIG_ENDIAN = 1n;

/** Largest `text_offset` and `image_size` believed; a real kernel has some tens of MiB. */
const MAX_SIZE = 1 << 30;

/** A checked kernel header. */
export interface ImageHeader {
  /** Distance of the kernel from the start of RAM in bytes, 2 MiB for 64-bit kernels. */
  readonly textOffset: number;
  /** Memory that the kernel uses from its first byte, with what is not in the file (`.bss`). */
  readonly imageSizeBytes: number;
  /** Version of the header, `0.2` as `{ major: 0, minor: 2 }`. */
  readonly version: { readonly major: number; readonly minor: number };
}

/** Whether the bytes have the magic of a RISC-V Linux `Image`. */
export function isImage(bytes: Uint8Array): boolean {
  return hasMagic(bytes, MAGIC2, FIELD.magic2);
}

/**
 * Reads and checks the header of an `Image`.
 *
 * @param bytes the file, or its first 64 bytes
 * @param name what to call the file in errors
 * @param fileSizeBytes length of the file
 * @throws {SyntaxError} if the magic is wrong, the file is shorter than its header, or a field
 * contradicts the file
 * @throws {RangeError} if the kernel is big-endian or its header has a major version other than 0
 */
export function readImageHeader(
  bytes: Uint8Array,
  name = "kernel",
  fileSizeBytes = bytes.length,
): ImageHeader {
  if (bytes.length < HEADER_SIZE) {
    throw new SyntaxError(
      `${name}: ${bytes.length} bytes, a kernel header alone has ${HEADER_SIZE}`,
    );
  }
  if (!isImage(bytes)) {
    throw new SyntaxError(
      `${name}: no RISC-V kernel: magic2 at offset ${FIELD.magic2} is not "RSC\\x05"; ` +
        "give the file arch/riscv/boot/Image",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = (field: "text_offset" | "image_size"): number => {
    const value = view.getBigUint64(FIELD[field], true);
    if (value > BigInt(MAX_SIZE)) {
      throw new SyntaxError(
        `${name}: ${field} at offset ${FIELD[field]} is 0x${value.toString(16)}: more than 1 GiB`,
      );
    }
    return Number(value);
  };

  const flags = view.getBigUint64(FIELD.flags, true);
  if ((flags & FLAG_BIG_ENDIAN) !== 0n) {
    throw new RangeError(
      `${name}: flags at offset ${FIELD.flags} say big-endian; harts are little-endian`,
    );
  }
  const version = view.getUint32(FIELD.version, true);
  const major = version >>> 16;
  if (major !== 0) {
    throw new RangeError(
      `${name}: version at offset ${FIELD.version} is ${major}.${version & 0xffff}; 0.x is known`,
    );
  }
  const textOffset = size("text_offset");
  if (textOffset % 4096 !== 0) {
    throw new SyntaxError(
      `${name}: text_offset at offset ${FIELD.text_offset} is 0x${textOffset.toString(16)}: ` +
        "not a multiple of a page",
    );
  }
  const imageSizeBytes = size("image_size");
  if (fileSizeBytes > imageSizeBytes) {
    throw new SyntaxError(
      `${name}: ${fileSizeBytes} bytes, but image_size at offset ${FIELD.image_size} is ` +
        `${imageSizeBytes}: the file is damaged or has something appended`,
    );
  }
  return { textOffset, imageSizeBytes, version: { major, minor: version & 0xffff } };
}

/**
 * Places an `Image` in RAM.
 *
 * @param ramBase physical address where RAM begins
 * @throws as {@linkcode readImageHeader}
 */
export function loadImage(
  bytes: LoadSegment["bytes"],
  ramBase: number,
  name = "kernel",
): LoadedProgram {
  const head = bytes instanceof Uint8Array ? bytes : bytes.head;
  const { textOffset, imageSizeBytes } = readImageHeader(head, name, bytes.length);
  const physAddr = ramBase + textOffset;
  return {
    format: "image",
    entry: physAddr,
    segments: [{ physAddr, bytes, memSizeBytes: imageSizeBytes }],
  };
}
