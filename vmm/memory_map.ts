/**
 * The one memory map of the board. The bus, the device tree and the boot loader all take their
 * addresses from here and nowhere else. It is compatible with QEMU's `virt` machine, so the same
 * firmware, kernel and initramfs boot on both; what the board does not have (PCI, flash, fw-cfg) is
 * left free.
 *
 * ```text
 *   0x0000_1000  mrom      60 KiB   reset vector, struct fw_dynamic_info
 *   0x0010_0000  test       4 KiB   test finisher: power off, reset, fail code
 *   0x0010_1000  rtc        4 KiB   goldfish RTC                            irq 11
 *   0x0200_0000  clint     64 KiB   ACLINT: MSWI, MTIMER
 *   0x0c00_0000  plic       6 MiB   interrupt controller, 96 sources
 *   0x1000_0000  uart0    256 B     16550A                                  irq 10
 *   0x1000_1000  virtio0    4 KiB   eight virtio-mmio slots, 4 KiB apart    irq 1
 *        ...
 *   0x1000_8000  virtio7    4 KiB   entropy device                          irq 8
 *   0x8000_0000  ram                as large as the machine is given
 * ```
 *
 * @module
 */

/** A named, contiguous range of physical addresses. */
export interface MemoryRegion {
  /** Name in errors and traces, unique in a map. */
  readonly name: string;
  /** Physical address of the first byte. */
  readonly base: number;
  /** Length in bytes, at least 1. */
  readonly sizeBytes: number;
}

/** A region of the board whose chip is wired to an input of the PLIC. */
export interface InterruptingRegion extends MemoryRegion {
  /** Interrupt source number at the PLIC; 0 does not exist (PLIC 1.0.0, section 1). */
  readonly irq: number;
}

/** Physical address of the first byte of RAM. */
export const RAM_BASE = 0x8000_0000;

/** Number of interrupt sources of the PLIC (`riscv,ndev`), as QEMU's `virt` has them. */
export const PLIC_SOURCES = 96;

/** How many virtio-mmio devices can be plugged. */
export const VIRTIO_SLOTS = 8;

/** Slot of the entropy device: the last, where QEMU's `virt` plugs its first virtio-mmio device. */
export const RNG_SLOT: number = VIRTIO_SLOTS - 1;

/** Everything on the board except RAM. */
export const BOARD = {
  mrom: { name: "mrom", base: 0x1000, sizeBytes: 0xf000 },
  test: { name: "test", base: 0x10_0000, sizeBytes: 0x1000 },
  rtc: { name: "rtc", base: 0x10_1000, sizeBytes: 0x1000, irq: 11 },
  clint: { name: "clint", base: 0x200_0000, sizeBytes: 0x1_0000 },
  plic: { name: "plic", base: 0xc00_0000, sizeBytes: 0x60_0000 },
  uart0: { name: "uart0", base: 0x1000_0000, sizeBytes: 0x100, irq: 10 },
} as const satisfies Record<string, MemoryRegion | InterruptingRegion>;

/**
 * Region of one virtio-mmio slot.
 *
 * @throws {RangeError} if there is no such slot
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { virtioSlot } from "./memory_map.ts";
 *
 * assertEquals(virtioSlot(7), { name: "virtio7", base: 0x1000_8000, sizeBytes: 0x1000, irq: 8 });
 * ```
 */
export function virtioSlot(slot: number): InterruptingRegion {
  if (!Number.isInteger(slot) || slot < 0 || slot >= VIRTIO_SLOTS) {
    throw new RangeError(
      `No virtio-mmio slot ${slot}: the board has slots 0 to ${VIRTIO_SLOTS - 1}`,
    );
  }
  return {
    name: `virtio${slot}`,
    base: 0x1000_1000 + 0x1000 * slot,
    sizeBytes: 0x1000,
    irq: 1 + slot,
  };
}

/**
 * Region of the machine's RAM.
 *
 * @throws {RangeError} if the size is no positive multiple of a page
 */
export function ramRegion(sizeBytes: number): MemoryRegion {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % 4096 !== 0) {
    throw new RangeError(`RAM of ${sizeBytes} bytes: give a positive multiple of 4096`);
  }
  return { name: "ram", base: RAM_BASE, sizeBytes };
}

/** Prints the addresses of a region, first and last, as `0x10000000-0x100000ff`. */
export function formatRegionRange(region: MemoryRegion): string {
  const hex = (address: number) => `0x${address.toString(16).padStart(8, "0")}`;
  return `${hex(region.base)}-${hex(region.base + region.sizeBytes - 1)}`;
}

/**
 * Checks that `region` can be added to `mapped` without touching any of them.
 *
 * @throws {RangeError} naming both regions and their addresses if they overlap, or if the region is
 * empty or its addresses are no safe integers
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { BOARD, checkMappable } from "./memory_map.ts";
 *
 * const gpio = { name: "gpio", base: 0x1000_0080, sizeBytes: 0x100 };
 * assertThrows(
 *   () => checkMappable(gpio, Object.values(BOARD)),
 *   RangeError,
 *   "Cannot map gpio at 0x10000080-0x1000017f: overlaps uart0 (0x10000000-0x100000ff)",
 * );
 * ```
 */
export function checkMappable(region: MemoryRegion, mapped: Iterable<MemoryRegion>): void {
  const { name, base, sizeBytes } = region;
  if (!Number.isSafeInteger(base) || base < 0) {
    throw new RangeError(`Cannot map ${name}: base ${base} is not an address`);
  }
  if (
    !Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || !Number.isSafeInteger(base + sizeBytes)
  ) {
    throw new RangeError(`Cannot map ${name} at 0x${base.toString(16)}: size ${sizeBytes} bytes`);
  }
  for (const other of mapped) {
    if (base < other.base + other.sizeBytes && other.base < base + sizeBytes) {
      throw new RangeError(
        `Cannot map ${name} at ${formatRegionRange(region)}: ` +
          `overlaps ${other.name} (${formatRegionRange(other)})`,
      );
    }
  }
}

/**
 * Checks a whole map: every region against those before it.
 *
 * @throws {RangeError} as {@link checkMappable}
 */
export function checkNoOverlaps(regions: Iterable<MemoryRegion>): void {
  const mapped: MemoryRegion[] = [];
  for (const region of regions) {
    checkMappable(region, mapped);
    mapped.push(region);
  }
}
