import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { reg } from "../core/conformance/assembler.ts";
import { Program } from "../core/testing/bare_program.ts";
import { gzip, writeCpio } from "./initramfs/mod.ts";
import { Machine } from "./machine.ts";
import { FINISH, finish } from "./machine_test_support.ts";
import { RAM_BASE } from "./memory_map.ts";
import { StoredFile } from "./stored_file.ts";

const MIB = 1 << 20;
const KERNEL_BYTES = MIB + 1000;

/** Bytes that no compression shortens, the same each time. */
function noise(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** A kernel header (boot-image-header.rst) before noise. */
function makeKernel(): Uint8Array<ArrayBuffer> {
  const bytes = noise(KERNEL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, BigInt(2 * MIB), true);
  view.setBigUint64(16, BigInt(2 * MIB), true);
  view.setBigUint64(24, 0n, true);
  view.setUint32(32, 2, true);
  bytes.set([0x52, 0x53, 0x43, 0x05], 56);
  return bytes;
}

/** Firmware that counts its starts, spoils the kernel, and resets the machine once. */
function makeFirmware(): Uint8Array {
  const program = new Program();
  program.constant(reg.s0, BigInt(RAM_BASE + MIB)).op("lw", reg.s1, 0, reg.s0)
    .op("addi", reg.s1, reg.s1, 1).op("sw", reg.s1, 0, reg.s0);
  program.constant(reg.s2, BigInt(RAM_BASE + 2 * MIB)).op("lw", reg.s3, 64, reg.s2)
    .op("sw", 0, 64, reg.s2);
  program.op("addi", reg.t2, 0, 2).branch("beq", reg.s1, reg.t2, "done");
  finish(program, FINISH.reset);
  program.label("wait").jump("wait");
  program.label("done").end();
  return program.finish();
}

const kernel = makeKernel();
const firmware = makeFirmware();
const archive = writeCpio({ "/init": { content: noise(MIB + 5000), mode: 0o755 } });

/** Runs `body` with a folder that holds the files. */
async function withFiles(
  files: Readonly<Record<string, Uint8Array>>,
  body: (path: (name: string) => string) => Promise<void>,
): Promise<void> {
  for (const [name, { length }] of Object.entries(files)) {
    if (name !== "small") assert(length >= MIB, `${name} is too small to be left where it is`);
  }
  const folder = Deno.makeTempDirSync({ dir: "/tmp" });
  const path = (name: string) => `${folder}/${name}`;
  try {
    for (const [name, bytes] of Object.entries(files)) Deno.writeFileSync(path(name), bytes);
    await body(path);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

for (
  const [what, initrd] of [
    ["plain", archive],
    ["gzip'd", gzip(archive)],
    ["in two parts", new Uint8Array([...archive, ...gzip(archive)])],
  ] as const
) {
  Deno.test(`a machine from large files is the one from their bytes: initrd ${what}`, async () => {
    await withFiles({ kernel, initrd }, async (path) => {
      const options = { memMiB: 64, firmware, jit: false } as const;
      using stored = await Machine.create({
        ...options,
        kernel: path("kernel"),
        initrd: path("initrd"),
      });
      using given = await Machine.create({ ...options, kernel, initrd });
      assertEquals(stored.dtb, given.dtb);
      assertEquals(await stored.stateHash(), await given.stateHash());
    });
  });
}

Deno.test("a packed kernel is unpacked from its file", async () => {
  await withFiles({ kernel: gzip(kernel) }, async (path) => {
    using stored = await Machine.create({ memMiB: 64, firmware, kernel: path("kernel") });
    using given = await Machine.create({ memMiB: 64, firmware, kernel });
    assertEquals(await stored.stateHash(), await given.stateHash());
  });
});

Deno.test("large files are refused with the words for their bytes", async () => {
  const refusal = async (options: Parameters<typeof Machine.create>[0]) => {
    const error = await assertRejects(() => Machine.create({ firmware, ...options })) as Error;
    return {
      kind: error.constructor,
      message: error.message.replace(/\/\S+\/(?=kernel|initrd)/, ""),
    };
  };
  const text = new Uint8Array(2 * MIB).fill(0x41);
  const short = kernel.slice();
  new DataView(short.buffer).setBigUint64(16, BigInt(MIB), true);
  const cases: readonly (readonly [string, number, Uint8Array, Uint8Array])[] = [
    ["no RISC-V kernel", 64, text, archive],
    ["the file is damaged or has something appended", 64, short, archive],
    ["begin neither a cpio archive", 64, kernel, text],
    ["bytes are left", 64, kernel, archive.subarray(0, archive.length - 600)],
    ["the file is damaged or truncated", 64, kernel, gzip(archive).fill(0, 5000, 6000)],
    ["beside the kernel for the archive alone", 5, kernel, archive],
    [
      "unpacks to 32 MiB; 16 MiB of RAM leaves",
      16,
      kernel,
      gzip(writeCpio({
        "/a": { content: noise(MIB + 5000) },
        "/b": { content: new Uint8Array(30 * MIB) },
      })),
    ],
  ];
  for (const [reason, memMiB, badKernel, initrd] of cases) {
    await withFiles({ kernel: badKernel, initrd }, async (path) => {
      const stored = await refusal({ memMiB, kernel: path("kernel"), initrd: path("initrd") });
      const given = await refusal({ memMiB, kernel: badKernel, initrd });
      assertEquals(stored.kind, given.kind, reason);
      const unnamed = stored.message.replace(/(kernel|initrd) \1/g, "$1");
      assertEquals(unnamed, given.message, reason);
      assertStringIncludes(given.message, reason);
    });
  }
});

Deno.test("a reset loads the files anew", async () => {
  await withFiles({ kernel, initrd: archive }, async (path) => {
    using machine = await Machine.create({
      memMiB: 64,
      firmware,
      kernel: path("kernel"),
      initrd: path("initrd"),
    });
    assertEquals(await machine.run(), { reason: "idle" });
    assertEquals(machine.harts.get(0, `x${reg.s1}`), 2n);
    const word = new DataView(kernel.buffer).getInt32(64, true);
    assertEquals(machine.harts.get(0, `x${reg.s3}`), BigInt.asUintN(64, BigInt(word)));
  });
});

Deno.test("a reset fails if a file is not what it was", async () => {
  await withFiles({ kernel }, async (path) => {
    using machine = await Machine.create({ memMiB: 64, firmware, kernel: path("kernel") });
    Deno.writeFileSync(path("other"), noise(KERNEL_BYTES));
    Deno.renameSync(path("other"), path("kernel"));
    const error = await assertRejects(() => machine.run(), Error) as Error;
    assertStringIncludes(error.message, `kernel ${path("kernel")}: was changed`);
    assertStringIncludes(error.message, "or hand over its bytes");
  });
});

Deno.test("a reset fails with the file's name and a remedy if it is gone", async () => {
  await withFiles({ kernel }, async (path) => {
    using machine = await Machine.create({ memMiB: 64, firmware, kernel: path("kernel") });
    Deno.removeSync(path("kernel"));
    const error = await assertRejects(() => machine.run(), Error) as Error;
    assertStringIncludes(error.message, `kernel ${path("kernel")}: cannot be read`);
    assertStringIncludes(error.message, "or hand over its bytes");
  });
});

Deno.test("small files are read as a whole; of others the first bytes are known", async () => {
  await withFiles({ small: kernel.subarray(0, MIB - 1), large: kernel }, (path) => {
    assertEquals(StoredFile.at(path("small"), "kernel"), undefined);
    assertEquals(StoredFile.at("/tmp", "kernel"), undefined);
    assertThrows(() => StoredFile.at(path("none"), "kernel"), Deno.errors.NotFound);
    const file = StoredFile.at(path("large"), "kernel")!;
    assertEquals(file.length, KERNEL_BYTES);
    assertEquals(file.head, kernel.slice(0, 64));
    assertEquals(file.read(), kernel);
    const target = new Uint8Array(KERNEL_BYTES + 10).fill(7);
    file.copyTo(target);
    assertEquals(target.subarray(0, KERNEL_BYTES), kernel);
    assertEquals(target.subarray(KERNEL_BYTES), new Uint8Array(10).fill(7));
    return Promise.resolve();
  });
});
