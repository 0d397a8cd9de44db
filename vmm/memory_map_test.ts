import { assertEquals, assertThrows } from "@std/assert";
import {
  BOARD,
  checkMappable,
  checkNoOverlaps,
  formatRegionRange,
  RAM_BASE,
  ramRegion,
  VIRTIO_SLOTS,
  virtioSlot,
} from "./memory_map.ts";

const SLOTS = Array.from({ length: VIRTIO_SLOTS }, (_, slot) => virtioSlot(slot));

Deno.test("no two regions of the board overlap", () => {
  checkNoOverlaps([...Object.values(BOARD), ...SLOTS, ramRegion(64 * 2 ** 30)]);
});

Deno.test("every interrupt source has one owner", () => {
  const sources = [...SLOTS, BOARD.uart0, BOARD.rtc].map((region) => region.irq);
  assertEquals(sources.toSorted((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]);
});

Deno.test("an overlap names both regions", () => {
  assertThrows(
    () => checkMappable({ name: "gpu", base: 0xbff_ff00, sizeBytes: 0x200 }, [BOARD.plic]),
    RangeError,
    "Cannot map gpu at 0x0bffff00-0x0c0000ff: overlaps plic (0x0c000000-0x0c5fffff)",
  );
});

Deno.test("regions may touch", () => {
  checkMappable({ name: "before", base: BOARD.plic.base - 16, sizeBytes: 16 }, [BOARD.plic]);
  checkMappable(
    { name: "after", base: BOARD.plic.base + BOARD.plic.sizeBytes, sizeBytes: 1 },
    [BOARD.plic],
  );
});

Deno.test("what is no region", () => {
  assertThrows(
    () => checkMappable({ name: "x", base: -1, sizeBytes: 1 }, []),
    RangeError,
    "base -1",
  );
  assertThrows(() => checkMappable({ name: "x", base: 0, sizeBytes: 0 }, []), RangeError, "size 0");
  assertThrows(
    () => virtioSlot(8),
    RangeError,
    "No virtio-mmio slot 8: the board has slots 0 to 7",
  );
  assertThrows(() => ramRegion(5000), RangeError, "RAM of 5000 bytes");
});

Deno.test("ranges print with eight digits at least", () => {
  assertEquals(formatRegionRange(BOARD.uart0), "0x10000000-0x100000ff");
  assertEquals(
    formatRegionRange({ name: "ram", base: RAM_BASE, sizeBytes: 8 * 2 ** 30 }),
    "0x80000000-0x27fffffff",
  );
});
