import { assertEquals, assertThrows } from "@std/assert";
import { gzip } from "../initramfs/mod.ts";
import { loadFirmware, loadImage, loadKernel, readImageHeader } from "./mod.ts";
import { makeElf, makeImage } from "./program_test_support.ts";

const RAM_BASE = 0x8000_0000;

Deno.test("an Image goes to its text_offset and takes its image_size", () => {
  const bytes = makeImage(4096, 10_000);
  assertEquals(readImageHeader(bytes), {
    textOffset: 0x20_0000,
    imageSizeBytes: 10_000,
    version: { major: 0, minor: 2 },
  });
  assertEquals(loadImage(bytes, RAM_BASE), {
    format: "image",
    entry: 0x8020_0000,
    segments: [{ physAddr: 0x8020_0000, bytes, memSizeBytes: 10_000 }],
  });
});

/** Damage by name: what is done to a good Image, and the error that names it. */
const DAMAGES: readonly [string, (view: DataView) => void, ErrorConstructor, string][] = [
  ["magic", (v) => v.setUint32(56, 0), SyntaxError, 'magic2 at offset 56 is not "RSC\\x05"'],
  ["big-endian", (v) => v.setUint8(24, 1), RangeError, "flags at offset 24 say big-endian"],
  ["version", (v) => v.setUint32(32, 0x10000, true), RangeError, "version at offset 32 is 1.0"],
  ["image_size", (v) => v.setUint32(16, 100, true), SyntaxError, "4096 bytes, but image_size at"],
  [
    "huge image_size",
    (v) => v.setUint32(20, 1),
    SyntaxError,
    "image_size at offset 16 is 0x1000000",
  ],
  [
    "huge text_offset",
    (v) => v.setUint8(15, 1),
    SyntaxError,
    "text_offset at offset 8 is 0x1000000",
  ],
  ["odd text_offset", (v) => v.setUint8(8, 1), SyntaxError, "text_offset at offset 8 is 0x200001"],
];

for (const [name, damage, errorClass, message] of DAMAGES) {
  Deno.test(`what an Image header refuses: ${name}`, () => {
    const bytes = makeImage();
    damage(new DataView(bytes.buffer));
    assertThrows(() => loadImage(bytes, RAM_BASE, "Image"), errorClass, message);
  });
}

Deno.test("what an Image header refuses: a short file", () => {
  assertThrows(() => readImageHeader(makeImage().subarray(0, 63)), SyntaxError, "kernel: 63 bytes");
});

Deno.test("a kernel is recognised by its magic", () => {
  const image = makeImage();
  assertEquals(loadKernel(image, { ramBase: RAM_BASE }).format, "image");
  assertEquals(loadKernel(makeElf(), { ramBase: RAM_BASE }).format, "elf");
  const unpacked = loadKernel(gzip(image), { ramBase: RAM_BASE });
  assertEquals(unpacked.segments[0]?.bytes, image);
});

Deno.test("what is no kernel, by name and with what to do", () => {
  const refused = (bytes: Uint8Array, message: string, errorClass = SyntaxError) =>
    assertThrows(() => loadKernel(bytes, { ramBase: RAM_BASE, name: "vm" }), errorClass, message);
  refused(new Uint8Array(0), "vm: 0 bytes, a kernel header alone has 64");
  refused(
    new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
    "vm: compressed with xz: unpack it first",
  );
  refused(new TextEncoder().encode("MZ\0\0zimg" + "\0".repeat(64)), "a compressed EFI kernel");
  refused(gzip(new Uint8Array(100)), "vm (unpacked): no RISC-V kernel");
  refused(gzip(makeImage()).subarray(0, 50), "the file is damaged or truncated");
  const damaged = gzip(makeImage());
  damaged[damaged.length - 6]! ^= 1;
  refused(damaged, "CRC32 does not match");
});

Deno.test("a compressed kernel that would fill memory is refused", () => {
  assertThrows(
    () =>
      loadKernel(gzip(new Uint8Array(1 << 20)), { ramBase: RAM_BASE, maxUnpackedBytes: 1 << 16 }),
    RangeError,
    "unpacks to more than 65536 bytes",
  );
});

Deno.test("firmware: flat to the start of RAM, or ELF; not a kernel", () => {
  const bytes = new Uint8Array([0x13, 0, 0, 0]);
  assertEquals(loadFirmware(bytes, { ramBase: RAM_BASE }), {
    format: "raw",
    entry: RAM_BASE,
    segments: [{ physAddr: RAM_BASE, bytes, memSizeBytes: 4 }],
  });
  assertEquals(loadFirmware(makeElf(), { ramBase: RAM_BASE }).format, "elf");
  const refused = (bytes: Uint8Array, message: string) =>
    assertThrows(() => loadFirmware(bytes, { ramBase: RAM_BASE }), SyntaxError, message);
  refused(new Uint8Array(0), "firmware: the file is empty");
  refused(makeImage(), "this is a Linux kernel: give it as the kernel");
  refused(gzip(bytes), "compressed with gzip");
});
