// The device tree of a machine: the board's own, edited by the user, or the user's own.

import { assertEquals, assertRejects } from "@std/assert";
import { reg } from "../core/conformance/assembler.ts";
import { bytes, empty, equalTrees, FdtTree, type FdtValue, readDtb, writeDtb } from "./fdt/mod.ts";
import { makeImage } from "./loaders/program_test_support.ts";
import { Machine } from "./machine.ts";
import { bareElf, bareMachine } from "./machine_test_support.ts";

const MIB = 1 << 20;
const elf = bareElf((a) => a.end());
const firmware = new Uint8Array(64).fill(0x13);

/** Bytes of a property; none if it is absent. */
function bytesOf(value: FdtValue | undefined): Uint8Array {
  return value?.encode() ?? new Uint8Array(0);
}

function textOf(value: FdtValue | undefined): string {
  return new TextDecoder().decode(bytesOf(value));
}

/** The tree that lies in the machine's memory, where a1 points at the start. */
async function treeInMemory(machine: Machine): Promise<FdtTree> {
  await machine.run({ until: "idle" });
  const address = Number(machine.harts.get(0, `x${reg.a1}`));
  return readDtb(machine.harts.ramAt(address, machine.dtb.length)!.slice());
}

Deno.test("the default tree describes the options", async () => {
  using machine = await bareMachine((a) => a.end(), {
    harts: 3,
    memMiB: 2,
    bootargs: "quiet console=ttyS0",
  });
  const { fdt } = machine;
  const memory = fdt.root.children.find(({ name }) => name.startsWith("memory@"))!;
  assertEquals(memory.name, "memory@80000000");
  assertEquals(
    bytesOf(memory.get("reg")),
    new Uint8Array([0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0]),
  );
  const cpus = fdt.node("/cpus").children.map(({ name }) => name);
  assertEquals(cpus.filter((name) => name.startsWith("cpu@")), ["cpu@0", "cpu@1", "cpu@2"]);
  assertEquals(textOf(fdt.node("/chosen").get("bootargs")), "quiet console=ttyS0\0");
  assertEquals(equalTrees(await treeInMemory(machine), fdt), true);
});

Deno.test("the seed decides the guest's random seed, and nothing else does", async () => {
  const seedOf = async (seed?: number | bigint) => {
    using machine = await Machine.create({
      memMiB: 1,
      elf,
      ...(seed === undefined ? {} : { seed }),
    });
    return bytesOf(machine.fdt.node("/chosen").get("rng-seed")).join();
  };
  const seeds = [await seedOf(), await seedOf(0), await seedOf(1), await seedOf(1n << 63n)];
  assertEquals(seeds[0], seeds[1]);
  assertEquals(new Set(seeds).size, 3);
  assertEquals(await seedOf(1), seeds[2]);
});

Deno.test("an edit function adds, changes and removes", async () => {
  let calls = 0;
  using machine = await bareMachine((a) => a.end(), {
    fdt: (tree) => {
      calls++;
      tree.root.addNode("extra", { "himawari,answer": 42, "himawari,flag": empty() });
      tree.root.set("model", "changed");
      tree.node("/soc").removeNode(
        tree.node("/soc").children.find(({ name }) => name.startsWith("rtc@"))!.name,
      );
    },
  });
  assertEquals(calls, 1);
  const tree = await treeInMemory(machine);
  assertEquals(bytesOf(tree.node("/extra").get("himawari,answer")), new Uint8Array([0, 0, 0, 42]));
  assertEquals(tree.node("/extra").get("himawari,flag")?.parts, []);
  assertEquals(textOf(tree.root.get("model")), "changed\0");
  assertEquals(tree.node("/soc").children.some(({ name }) => name.startsWith("rtc@")), false);
});

Deno.test("an edit that makes the tree larger moves it, not out of RAM", async () => {
  const big = new Uint8Array(300_000).fill(7);
  using machine = await bareMachine((a) => a.end(), {
    fdt: (tree) => tree.root.addNode("blob", { data: bytes(big) }),
  });
  assertEquals(bytesOf((await treeInMemory(machine)).node("/blob").get("data")), big);
  await assertRejects(
    () =>
      bareMachine((a) => a.end(), {
        fdt: (tree) => tree.root.set("data", bytes(new Uint8Array(MIB))),
      }),
    RangeError,
    "no room in RAM",
  );
});

Deno.test("an error in the edit function comes through as it is", async () => {
  const mistake = new Error("my own mistake");
  const error = await assertRejects(() =>
    bareMachine((a) => a.end(), {
      fdt: () => {
        throw mistake;
      },
    })
  );
  assertEquals(error, mistake);
});

Deno.test("a whole tree replaces the board's", async () => {
  const own = new FdtTree();
  own.root.set("#address-cells", 2).set("#size-cells", 2).set("compatible", "my,board");
  own.root.addNode("chosen", { bootargs: "mine" });
  using machine = await Machine.create({
    memMiB: 1,
    elf,
    fdt: writeDtb(own),
    bootargs: "not used",
  });
  assertEquals(equalTrees(machine.fdt, own), true);
  assertEquals(equalTrees(await treeInMemory(machine), own), true);
});

Deno.test("with a kernel the tree names the initramfs, where the archive lies", async () => {
  using machine = await Machine.create({
    memMiB: 64,
    firmware,
    kernel: makeImage(),
    initrd: { "/init": { content: "hello" } },
  });
  const chosen = machine.fdt.node("/chosen");
  const word = (name: string) => {
    const value = bytesOf(chosen.get(name));
    return Number(new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0));
  };
  const [start, end] = [word("linux,initrd-start"), word("linux,initrd-end")];
  const archive = machine.harts.ramAt(start, end - start)!;
  assertEquals(new TextDecoder().decode(archive.subarray(0, 6)), "070701");
  assertEquals(new TextDecoder().decode(archive).includes("TRAILER!!!"), true);
});
