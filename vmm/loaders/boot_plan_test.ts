import { assertEquals, assertThrows } from "@std/assert";
import { gzip, writeCpio } from "../initramfs/mod.ts";
import { type BootPlanInput, type LoadedProgram, planBareMetal, planBoot } from "./mod.ts";

const MIB = 1 << 20;
const RAM_BASE = 0x8000_0000;

function program(physAddr: number, memSizeBytes: number): LoadedProgram {
  const segment = { physAddr, bytes: new Uint8Array(64), memSizeBytes };
  return { format: "raw", entry: physAddr, segments: [segment] };
}

function input(ramMiB: number, more: Partial<BootPlanInput> = {}): BootPlanInput {
  return {
    ramBase: RAM_BASE,
    ramSizeBytes: ramMiB * MIB,
    firmware: program(RAM_BASE, 300 << 10),
    kernel: program(RAM_BASE + 2 * MIB, 6 * MIB),
    fdtSizeBytes: 5000,
    ...more,
  };
}

/** An archive of so many MiB, with one file; uncompressed unless told otherwise. */
function initrd(sizeMiB: number, pack = (archive: Uint8Array) => archive): Uint8Array {
  return pack(writeCpio({ "/big": { content: new Uint8Array(sizeMiB * MIB) } }));
}

/** What only a kernel can unpack. */
function xz(sizeMiB: number): Uint8Array {
  const bytes = new Uint8Array(sizeMiB * MIB);
  bytes.set([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
  return bytes;
}

Deno.test("places are those of QEMU's virt", () => {
  const archive = initrd(1);
  const plan = planBoot(input(256, { initrd: archive }));
  assertEquals(plan.firmwareEntry, 0x8000_0000);
  assertEquals(plan.kernelEntry, 0x8020_0000);
  assertEquals(plan.fdtAddr, 0x8fe0_0000);
  assertEquals(plan.initrd, { start: 0x8820_0000, end: 0x8820_0000 + archive.length });
  assertEquals(plan.segments.map(({ physAddr }) => physAddr), [
    0x8000_0000,
    0x8020_0000,
    0x8820_0000,
  ]);
  assertEquals(planBoot(input(2048, { initrd: archive })).initrd?.start, 0x8820_0000);
  assertEquals(planBoot(input(64, { initrd: archive })).initrd?.start, 0x8220_0000);
  assertEquals(planBoot(input(64)).initrd, undefined);
});

Deno.test("an initramfs too large for its usual place ends at the device tree", () => {
  const { initrd, fdtAddr } = planBoot(input(64, { initrd: xz(30) }));
  assertEquals(fdtAddr, 0x83e0_0000);
  assertEquals(initrd, { start: 0x8200_0000, end: 0x83e0_0000 });
});

Deno.test("what the initramfs unpacks to must fit: tmpfs takes half of the memory", () => {
  const archive = initrd(97, gzip);
  const error = assertThrows(() => planBoot(input(64, { initrd: archive })), RangeError);
  assertEquals(
    error.message,
    "initramfs of 1 MiB unpacks to 97 MiB; 64 MiB of RAM leaves 27 (a tmpfs gets half of the " +
      "memory; rootfstype=ramfs lifts that): give the machine at least 206 MiB",
  );
  planBoot(input(206, { initrd: archive }));
  assertThrows(() => planBoot(input(205, { initrd: archive })), RangeError, "at least 206 MiB");
});

Deno.test("the archive is in memory while it is unpacked", () => {
  const archive = initrd(40);
  assertThrows(
    () => planBoot(input(128, { initrd: archive })),
    RangeError,
    "128 MiB of RAM leaves 39",
  );
  assertThrows(() => planBoot(input(128, { initrd: archive })), RangeError, "at least 130 MiB");
});

Deno.test("with a ramfs as first root the files may take all that is left", () => {
  const archive = initrd(20, gzip);
  for (const bootargs of ["rootfstype=ramfs", "quiet root=/dev/vda"]) {
    planBoot(input(40, { initrd: archive, bootargs }));
    assertThrows(
      () => planBoot(input(30, { initrd: archive, bootargs })),
      RangeError,
      "unpacks to 20 MiB; 30 MiB of RAM leaves 15: give the machine at least 35 MiB",
    );
  }
  for (const bootargs of ["rootfstype=tmpfs", "noroot=1 myrootfstype=ramfs", ""]) {
    assertThrows(() => planBoot(input(40, { initrd: archive, bootargs })), RangeError, "half");
  }
});

Deno.test("an archive too large for the RAM", () => {
  assertThrows(
    () => planBoot(input(32, { initrd: initrd(31) })),
    RangeError,
    "unpacks to 31 MiB; 32 MiB of RAM leaves 22 beside the kernel for the archive alone: give the",
  );
});

Deno.test("what only the kernel can unpack is placed without a guess about its size", () => {
  assertEquals(planBoot(input(64, { initrd: xz(1) })).initrd?.start, 0x8220_0000);
});

Deno.test("an initramfs that is none", () => {
  assertThrows(
    () => planBoot(input(64, { initrd: new Uint8Array([1, 2, 3]) })),
    SyntaxError,
    "initrd: offset 0: bytes 010203 begin neither a cpio archive nor compressed data",
  );
});

Deno.test("a kernel, firmware or device tree that does not fit", () => {
  assertThrows(
    () => planBoot(input(4)),
    RangeError,
    "kernel wants 0x80200000-0x807fffff, but 4 MiB of RAM is 0x80000000-0x803fffff: give the " +
      "machine at least 9 MiB",
  );
  assertThrows(
    () => planBoot(input(64, { kernel: program(0x1000, 4096) })),
    RangeError,
    "kernel wants 0x00001000-0x00001fff, but 64 MiB of RAM is 0x80000000-0x83ffffff",
  );
  assertThrows(
    () => planBoot(input(64, { firmware: program(RAM_BASE, 3 * MIB) })),
    RangeError,
    "Cannot load kernel at 0x80200000-0x807fffff: overlaps firmware (0x80000000-0x802fffff)",
  );
  assertThrows(
    () => planBoot(input(9, { kernel: program(RAM_BASE + 2 * MIB, 7 * MIB) })),
    RangeError,
    "device tree of 5000 bytes has no room behind the kernel, which ends 9 MiB into 9 MiB of RAM",
  );
  assertThrows(() => planBoot(input(64, { fdtSizeBytes: 2 * MIB })), RangeError, "maps at most");
});

Deno.test("bare metal: the device tree goes as high as the program leaves room", () => {
  const at = (...segments: [physAddr: number, sizeBytes: number][]) => ({
    ramBase: RAM_BASE,
    ramSizeBytes: MIB,
    program: {
      format: "elf" as const,
      entry: RAM_BASE,
      segments: segments.map(([physAddr, memSizeBytes]) =>
        program(physAddr, memSizeBytes).segments[0]!
      ),
    },
    fdtSizeBytes: 5000,
  });
  assertEquals(planBareMetal(at([RAM_BASE, 4096])).fdtAddr, 0x800f_e000);
  assertEquals(
    planBareMetal(at([RAM_BASE, 4096], [0x800f_f000, 4096])).fdtAddr,
    0x800f_d000,
    "below a segment at the end of RAM",
  );
  assertEquals(planBareMetal(at([0x8000_8000, MIB - 0x8000])).fdtAddr, 0x8000_6000);
  assertThrows(() => planBareMetal(at([RAM_BASE, MIB])), RangeError, "has no room in RAM");
  assertThrows(
    () => planBareMetal(at([0x1_0000, 16])),
    RangeError,
    "Program: has a segment at 0x00010000-0x0001000f; RAM is 0x80000000-0x800fffff",
  );
});
