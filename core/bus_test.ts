import { assertEquals, assertThrows } from "@std/assert";
import { Bus } from "./bus.ts";
import { ProbeDevice } from "./testing/probe_device.ts";

Deno.test("an overlap names both devices and their ranges", () => {
  const bus = new Bus();
  bus.map("plic", 0x0c00_0000, new ProbeDevice({ sizeBytes: 0x60_0000 }));
  assertThrows(
    () => bus.map("uart0", 0x0c5f_ffff, new ProbeDevice({ sizeBytes: 0x100 })),
    RangeError,
    "Cannot map uart0 (0x0c5fffff-0x0c6000fe): overlaps plic (0x0c000000-0x0c5fffff)",
  );
  assertThrows(
    () => bus.map("rtc", 0x0bff_ff01, new ProbeDevice({ sizeBytes: 0x100 })),
    RangeError,
    "Cannot map rtc (0x0bffff01-0x0c000000): overlaps plic (0x0c000000-0x0c5fffff)",
  );
  assertEquals(bus.mappings.map(({ name }) => name), ["plic"]);
});

Deno.test("neighbours may touch, and are listed in order of address", () => {
  const bus = new Bus();
  bus.map("b", 0x1100, new ProbeDevice({ sizeBytes: 0x100 }));
  bus.map("c", 0x1200, new ProbeDevice({ sizeBytes: 0x100 }));
  bus.map("a", 0x1000, new ProbeDevice({ sizeBytes: 0x100 }));
  assertEquals(bus.mappings.map(({ name }) => name), ["a", "b", "c"]);
});

Deno.test("an access reaches the device that holds all of it, at its offset", () => {
  const bus = new Bus();
  const low = new ProbeDevice({ sizeBytes: 0x100, onRead: (offset) => 0x1000 + offset });
  const high = new ProbeDevice({ sizeBytes: 0x100, onRead: (offset) => 0x2000 + offset });
  bus.map("low", 0x1_0000, low);
  bus.map("high", 0x1_0100, high);
  assertEquals(bus.read(0x1_00fc, 4), 0x10fc);
  assertEquals(bus.read(0x1_0100, 4), 0x2000);
  assertEquals(bus.write(0x1_01ff, 1, 0x55), true);
  assertEquals(high.accesses.at(-1), { kind: "write", offset: 0xff, width: 1, value: 0x55 });
  // Across the boundary belongs to neither.
  assertEquals(bus.read(0x1_00fe, 4), undefined);
  assertEquals(bus.write(0x1_01fe, 4, 0), false);
  assertEquals(low.accesses.length, 1);
});

Deno.test("unmapped addresses and widths that a device does not take are access faults", () => {
  const bus = new Bus();
  const device = new ProbeDevice({ sizeBytes: 0x10, accessWidths: [4] });
  bus.map("words", 0x1000, device);
  assertEquals(bus.read(0x1000, 1), undefined);
  assertEquals(bus.read(0x1000, 2), undefined);
  assertEquals(bus.write(0x1000, 2, 1), false);
  for (const address of [0, 0xfff, 0x1010, 0xffff_ffff, 2 ** 52, 2 ** 56 - 4]) {
    assertEquals(bus.read(address, 4), undefined);
    assertEquals(bus.write(address, 4, 0), false);
  }
  assertEquals(device.accesses, []);
});
