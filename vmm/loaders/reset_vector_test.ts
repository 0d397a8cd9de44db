import { assertEquals } from "@std/assert";
import { ANY_BOOT_HART, createResetVector, encodeFwDynamicInfo, NEXT_MODE } from "./mod.ts";

Deno.test("the reset vector is QEMU's, word by word", () => {
  const rom = createResetVector({
    entry: 0x8000_0000,
    fdtAddr: 0x83e0_0000,
    next: { nextAddr: 0x8020_0000 },
  });
  const view = new DataView(rom.buffer);
  const words = Array.from({ length: rom.length / 4 }, (_, i) => view.getUint32(4 * i, true));
  // Read from QEMU 7.2 (xp /22wx 0x1000) with 64 MiB; next_addr is the kernel's.
  assertEquals(words, [
    ...[0x00000297, 0x02828613, 0xf1402573, 0x0202b583, 0x0182b283, 0x00028067],
    ...[0x80000000, 0, 0x83e00000, 0],
    ...[0x4942534f, 0, 2, 0, 0x80200000, 0, 1, 0, 0, 0, 0, 0],
  ]);
});

Deno.test("fw_dynamic_info has six 64-bit words", () => {
  const info = encodeFwDynamicInfo({
    nextAddr: 0x1_0000_0000,
    nextMode: NEXT_MODE.M,
    options: 1,
    bootHart: ANY_BOOT_HART,
  });
  assertEquals([...new BigUint64Array(info.buffer)], [
    0x4942534fn,
    2n,
    0x1_0000_0000n,
    3n,
    1n,
    0xffff_ffff_ffff_ffffn,
  ]);
});

Deno.test("without firmware there is no fw_dynamic_info", () => {
  assertEquals(createResetVector({ entry: 0x8000_0000, fdtAddr: 0x8010_0000 }).length, 40);
});
