/**
 * Constants of the flattened devicetree, version 17 (Devicetree Specification 0.4, chapter 5).
 *
 * @module
 */

/** First word of a flattened tree (5.2). */
export const FDT_MAGIC = 0xd00d_feed;
/** Version written; the reader takes any that is compatible with it. */
export const FDT_VERSION = 17;
/** Oldest version whose readers understand what is written, and oldest version read. */
export const FDT_LAST_COMP_VERSION = 16;
/** Length of the version 17 header in bytes. */
export const HEADER_SIZE = 40;

/** Byte offsets of the header's big-endian words (5.2). */
export const HEADER = {
  magic: 0x00,
  totalsize: 0x04,
  off_dt_struct: 0x08,
  off_dt_strings: 0x0c,
  off_mem_rsvmap: 0x10,
  version: 0x14,
  last_comp_version: 0x18,
  boot_cpuid_phys: 0x1c,
  size_dt_strings: 0x20,
  size_dt_struct: 0x24,
} as const;

/** Tokens of the structure block (5.4.1). */
export const FDT_BEGIN_NODE = 1;
export const FDT_END_NODE = 2;
export const FDT_PROP = 3;
export const FDT_NOP = 4;
export const FDT_END = 9;
