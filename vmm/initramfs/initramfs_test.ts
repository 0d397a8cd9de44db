import { assertEquals, assertThrows } from "@std/assert";
import { gunzip, gzip, packInitramfs, readInitramfs, unpackedSize, writeCpio } from "./mod.ts";

const A = writeCpio({ "a": { content: new Uint8Array(5000) }, "link": { link: "a" } });
const B = writeCpio({ "b": { content: "x" }, "empty": { content: "" } });

function join(...chunks: Uint8Array[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}

function paths(initramfs: Uint8Array): string[] {
  return readInitramfs(initramfs).entries.map(({ path }) => path);
}

Deno.test("unpacked size counts pages of regular files", () => {
  assertEquals(unpackedSize(A), 8192);
  assertEquals(unpackedSize(B), 4096);
  assertEquals(unpackedSize(gzip(A)), 8192);
});

Deno.test("archives behind each other: plain, compressed, with zeros between", () => {
  const zeros = new Uint8Array(512);
  const all = ["a", "link", "b", "empty"];
  assertEquals(paths(join(A, B)), all);
  assertEquals(paths(join(A, zeros, gzip(B))), all);
  assertEquals(paths(join(gzip(A), gzip(B))), all);
  assertEquals(paths(join(gzip(A), zeros, gzip(B), zeros)), all);
  assertEquals(paths(join(gzip(A), B)), all, "a plain archive directly behind a compressed one");
  assertEquals(paths(gzip(join(A, zeros, B))), all);
});

Deno.test("a path that comes twice counts as it was last", () => {
  const again = writeCpio({ "a": { content: "short" } });
  assertEquals(unpackedSize(join(A, again)), 4096);
});

Deno.test("compressions of the kernel alone end what is known", () => {
  const zstd = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]);
  assertEquals(unpackedSize(zstd), undefined);
  const { entries, unreadCompression } = readInitramfs(join(B, zstd));
  assertEquals([entries.length, unreadCompression], [2, "zstd"]);
});

Deno.test("packing gives the same bytes whatever the time and the host", () => {
  const packed = packInitramfs({ "init": { content: "x" } });
  assertEquals(packed.subarray(0, 4).toHex(), "1f8b0800");
  assertEquals(packed.subarray(4, 8).toHex(), "00000000", "time");
  assertEquals(packed[9], 255, "operating system");
  assertEquals(gunzip(packed, 1 << 20), writeCpio({ "init": { content: "x" } }));
});

Deno.test("gzip headers with name, comment, extra field and checksum", () => {
  const packed = gzip(new Uint8Array([1, 2, 3]));
  const header = packed.slice(0, 10);
  header[3] = 2 | 4 | 8 | 16;
  const fields = join(
    new Uint8Array([3, 0, 9, 9, 9]),
    new TextEncoder().encode("name\0comment\0"),
    new Uint8Array([0, 0]),
  );
  assertEquals(gunzip(join(header, fields, packed.subarray(10)), 100), new Uint8Array([1, 2, 3]));
  assertEquals(gunzip(join(packed, packed, new Uint8Array(7)), 100).length, 6, "two, and padding");
});

Deno.test("what it refuses", () => {
  const refused = (initramfs: Uint8Array, message: string) =>
    assertThrows(() => readInitramfs(initramfs, { name: "initrd.img" }), SyntaxError, message);
  refused(new Uint8Array(0), "initrd.img: 0 bytes without a cpio archive");
  refused(new Uint8Array(100), "initrd.img: 100 bytes without a cpio archive");
  refused(new TextEncoder().encode("hello"), "initrd.img: offset 0: bytes 68656c6c begin neither");
  refused(join(A, new Uint8Array([7])), `offset ${A.length}: bytes 07 begin neither`);
  refused(gzip(A).subarray(0, 30), "the file is damaged or truncated");
  refused(gzip(A).subarray(0, -8), "gzip data ends without CRC32 and ISIZE");
  refused(gzip(A.subarray(0, 200)), "initrd.img (offset 0, unpacked): offset ");
  refused(gzip(new Uint8Array([1])), "(offset 0, unpacked): offset 0: magic of an entry");
  const [crc, size, method, flags] = [gzip(A), gzip(A), gzip(A), gzip(A)];
  crc[crc.length - 8]! ^= 1;
  refused(crc, "CRC32 does not match");
  size[size.length - 1]! ^= 1;
  refused(size, "ISIZE does not match");
  method[2] = 7;
  refused(method, "offset 2: gzip method 7");
  flags[3] = 0x80;
  refused(flags, "offset 3: gzip flags 128");
});

Deno.test("an archive made to fill memory is refused before it does", () => {
  const bomb = gzip(new Uint8Array(50 << 20));
  assertThrows(
    () => unpackedSize(bomb, { maxBytes: 1 << 20 }),
    RangeError,
    "initramfs: offset 10: unpacks to more than 1048576 bytes",
  );
  const half = gzip(join(writeCpio({ a: { content: new Uint8Array(600) } })));
  assertThrows(
    () => unpackedSize(join(half, half), { maxBytes: 1500 }),
    RangeError,
    "unpacks to more",
  );
});
