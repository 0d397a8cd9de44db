/**
 * The first root file system of a kernel: file map to cpio archive and back.
 *
 * @module
 */

export { type CpioEntry, readCpio } from "./cpio_reader.ts";
export { FILE_TYPE, type FileMap, type FileMapEntry, writeCpio } from "./cpio_writer.ts";
export { gunzip, gzip } from "./gzip.ts";
export {
  type InitramfsContents,
  packInitramfs,
  readInitramfs,
  unpackedSize,
  type UnpackOptions,
} from "./initramfs.ts";
