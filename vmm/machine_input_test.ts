// Files that are missing, empty, damaged or of the wrong kind: one error that names the file, the place
// in it, and what to do; nothing has been executed then.

import { assertEquals, assertRejects } from "@std/assert";
import { gunzip } from "./initramfs/gzip.ts";
import { writeCpio } from "./initramfs/mod.ts";
import { makeElf, makeImage } from "./loaders/program_test_support.ts";
import { Machine } from "./machine.ts";
import type { MachineOptions } from "./machine_options.ts";

const MIB = 1 << 20;
const firmware = new Uint8Array(64).fill(0x13);
const kernel = makeImage();
const elf = makeElf();

// deno-lint-ignore no-explicit-any
type ErrorClass = new (...args: any[]) => Error;

/** Checks class and beginning of the error that `Machine.create` throws. */
async function refused(
  options: Record<string, unknown>,
  errorClass: ErrorClass,
  ...parts: readonly string[]
): Promise<void> {
  const error = await assertRejects(
    () => Machine.create({ memMiB: 64, ...options } as MachineOptions),
    errorClass,
  ) as Error;
  assertEquals(error.message.startsWith(parts[0]!), true, `${parts[0]} ... in: ${error.message}`);
  for (const part of parts) {
    assertEquals(error.message.includes(part), true, `${part} in: ${error.message}`);
  }
  assertEquals(error.message.includes("\n"), false, error.message);
}

/** A copy with some bytes changed. */
function damaged(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy.set(values, at);
  return copy;
}

const ROLES: readonly (readonly [role: string, rest: Record<string, unknown>])[] = [
  ["firmware", { kernel }],
  ["kernel", { firmware }],
  ["initrd", { firmware, kernel }],
  ["elf", {}],
  ["fdt", { elf }],
];

for (const [role, rest] of ROLES) {
  Deno.test(`${role}: a missing file is named by its path`, async () => {
    const path = "no/such/file.bin";
    await refused(
      { ...rest, [role]: path },
      Deno.errors.NotFound,
      `${role} ${path}: there is no such file`,
    );
    const url = new URL("./no_such_file.bin", import.meta.url);
    await refused(
      { ...rest, [role]: url },
      Deno.errors.NotFound,
      `${role} ${url.pathname}: there is no such file`,
    );
  });

  Deno.test(`${role}: a directory is no file`, async () => {
    const url = new URL("./fdt", import.meta.url);
    await refused(
      { ...rest, [role]: url.pathname },
      TypeError,
      `${role} ${url.pathname}: is a directory, give a file`,
    );
  });

  Deno.test(`${role}: an empty file`, async () => {
    await refused({ ...rest, [role]: new Uint8Array(0) }, TypeError, `${role}: is empty`);
  });

  Deno.test(`${role}: something that is no file`, async () => {
    await refused({ ...rest, [role]: 5 }, TypeError, `${role}: give bytes, a path or a URL`);
  });
}

Deno.test("a damaged file that was given by path is called by its path", async () => {
  const url = new URL("./machine_input_test.ts", import.meta.url);
  for (const role of ["kernel", "elf", "fdt", "initrd"]) {
    const rest = role === "elf" ? {} : role === "fdt" ? { elf } : { firmware, kernel };
    await refused({ ...rest, [role]: url }, SyntaxError, `${role} ${url.pathname}: `);
  }
});

Deno.test("kernel: what is no Image", async () => {
  const check = (bytes: Uint8Array, errorClass: ErrorClass, ...parts: string[]) =>
    refused({ firmware, kernel: bytes }, errorClass, ...parts);
  await check(new Uint8Array(40).fill(1), SyntaxError, "kernel: 40 bytes", "header alone has 64");
  await check(
    damaged(kernel, 56, 0),
    SyntaxError,
    "kernel: no RISC-V kernel",
    "magic2 at offset 56",
  );
  await check(damaged(kernel, 34, 1), RangeError, "kernel: version at offset 32 is 1.2");
  await check(damaged(kernel, 24, 1), RangeError, "kernel: flags at offset 24 say big-endian");
  await check(
    damaged(kernel, 16, 16, 0),
    SyntaxError,
    "kernel: 4096 bytes",
    "image_size at offset 16",
  );
  await check(damaged(kernel, 15, 1), SyntaxError, "kernel: text_offset at offset 8");
});

Deno.test("kernel: damaged compression", async () => {
  const stream = new Blob([kernel]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  assertEquals(gunzip(packed, MIB, "kernel"), kernel);
  using machine = await Machine.create({ memMiB: 64, firmware, kernel: packed });
  assertEquals(machine.instructions, 0);
  for (const length of [3, 12, packed.length - 9, packed.length - 1]) {
    await refused(
      { firmware, kernel: packed.subarray(0, length) },
      SyntaxError,
      "kernel: offset ",
      "damaged or truncated",
    );
  }
  const trailer = packed.length - 8;
  await refused(
    { firmware, kernel: damaged(packed, trailer, packed[trailer]! ^ 1) },
    SyntaxError,
    "kernel: offset ",
  );
});

Deno.test("firmware: a kernel or a compressed file in its place", async () => {
  await refused(
    { firmware: kernel, kernel },
    SyntaxError,
    "firmware: this is a Linux kernel: give it as the kernel",
  );
  await refused(
    { firmware: damaged(firmware, 0, 0x1f, 0x8b, 8), kernel },
    SyntaxError,
    "firmware: compressed with gzip: unpack it first",
  );
});

Deno.test("elf: each damaged field is named by its offset", async () => {
  const check = (bytes: Uint8Array, errorClass: ErrorClass, ...parts: string[]) =>
    refused({ elf: bytes }, errorClass, ...parts);
  await check(damaged(elf, 0, 0), SyntaxError, "elf: offset 0: no ELF file");
  await check(elf.subarray(0, 40), SyntaxError, "elf: offset 0: 40 bytes");
  await check(damaged(elf, 4, 1), RangeError, "elf: offset 4: class 1");
  await check(damaged(elf, 5, 2), RangeError, "elf: offset 4: ", "data 2");
  await check(damaged(elf, 16, 1), RangeError, "elf: offset 16: e_type 1", "link it first");
  await check(damaged(elf, 18, 62), RangeError, "elf: offset 18: e_machine 62");
  await check(damaged(elf, 24, 0, 0, 0, 0x10), SyntaxError, "elf: offset 24: e_entry 0x10000000");
  await check(damaged(elf, 39, 1), SyntaxError, "elf: offset 32: ", "truncated");
  await check(damaged(elf, 54, 57), SyntaxError, "elf: offset 54: ", "57 bytes");
  await check(damaged(elf, 56, 0), SyntaxError, "elf: offset 56: no PT_LOAD segment");
  await check(elf.subarray(0, 100), SyntaxError, "elf: offset 32: ", "truncated");
  await check(
    damaged(elf, 64 + 32, 0xff, 0xff),
    SyntaxError,
    "elf: offset 96: segment of 0xffff bytes",
  );
});

Deno.test("elf: linked for somewhere else, or too large for the memory", async () => {
  const at = (paddr: bigint, memSize: number) =>
    makeElf({ segments: [{ vaddr: paddr, paddr, bytes: new Uint8Array(4), memSize }] });
  await refused(
    { elf: at(0x1000n, 16) },
    RangeError,
    "elf: has a segment at 0x00001000-0x0000100f; RAM is 0x80000000-0x83ffffff",
  );
  await refused({ elf: at(0x8000_0000n, 65 * MIB) }, RangeError, "elf: ", "more memory");
  await refused({ elf: at(0x8000_0000n, 64 * MIB) }, RangeError, "Device tree of ", "no room");
});

Deno.test("fdt: a damaged tree", async () => {
  using machine = await Machine.create({ memMiB: 1, elf });
  const dtb = machine.dtb;
  const check = (bytes: Uint8Array, ...parts: string[]) =>
    refused({ elf, fdt: bytes }, SyntaxError, ...parts);
  await check(damaged(dtb, 0, 0), "fdt: ", "offset 0: ");
  await check(dtb.subarray(0, 20), "fdt: ", "20 bytes");
  await check(dtb.subarray(0, dtb.length - 4), "fdt: ", "offset 4: ");
  await check(damaged(dtb, 8, 0xff, 0xff), "fdt: ", "offset 8: ");
  await check(damaged(dtb, 24, 0, 0, 0, 99), "fdt: ", "offset 20: ", "last_comp_version 99");
  const structure = new DataView(dtb.buffer).getUint32(8);
  await check(damaged(dtb, structure + 3, 7), "fdt: ", `offset ${structure}: `);
});

Deno.test("initrd: what is no archive, and one that is cut off", async () => {
  const check = (bytes: Uint8Array, ...parts: string[]) =>
    refused({ firmware, kernel, initrd: bytes }, SyntaxError, ...parts);
  const archive = writeCpio({
    "/init": { content: "#!/bin/sh\n" },
    "/motd": { content: "hello\n" },
  });
  await check(new Uint8Array([1, 2, 3, 4, 5]), "initrd: offset 0: bytes 01020304 begin neither");
  await check(archive.subarray(0, 60), "initrd: ", "offset 0");
  await check(archive.subarray(0, 200), "initrd: ", "offset ");
  await check(damaged(archive, 54, 0x5a), "initrd: ", "offset ");
});

Deno.test("initrd: a file map with a bad path", async () => {
  for (const path of ["/a/../../b", "/a\0b"]) {
    await assertRejects(
      () => Machine.create({ memMiB: 64, firmware, kernel, initrd: { [path]: { content: "x" } } }),
      TypeError,
      "File map path",
    );
  }
});

Deno.test("an initramfs that cannot fit names the memory that would do", async () => {
  const initrd = { "/big": { content: new Uint8Array(30 * MIB) } };
  const error = await assertRejects(
    () => Machine.create({ memMiB: 32, firmware, kernel, initrd }),
    RangeError,
    "initramfs of 31 MiB",
  ) as Error;
  const enough = Number(/give the machine at least (\d+) MiB$/.exec(error.message)?.[1]);
  using machine = await Machine.create({ memMiB: enough, firmware, kernel, initrd });
  assertEquals(machine.instructions, 0);
  await assertRejects(
    () => Machine.create({ memMiB: enough - 1, firmware, kernel, initrd }),
    RangeError,
    `at least ${enough} MiB`,
  );
});

Deno.test("a URL that is no file, and an edit function that is async", async () => {
  await refused(
    { elf: new URL("https://example.com/program.elf") },
    TypeError,
    "elf: https://example.com/program.elf is no file: URL",
  );
  await refused({ elf, fdt: () => Promise.resolve() }, TypeError, "fdt: the function that edits");
});
