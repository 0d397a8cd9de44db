import { assert, assertEquals, assertThrows } from "@std/assert";
import { createBoardFdt, DEFAULT_ISA } from "./board_fdt.ts";
import { type FdtTree, readDtb, strings, u64, writeDtb } from "./fdt/mod.ts";

const MIB = 1 << 20;

function text(tree: FdtTree, path: string, property: string): string[] {
  const bytes = tree.node(path).get(property)!.encode();
  return new TextDecoder().decode(bytes).split("\0").slice(0, -1);
}

Deno.test("memory and chosen", () => {
  const tree = createBoardFdt({
    harts: 1,
    memBytes: 3072 * MIB,
    bootargs: "console=ttyS0",
    initrd: { start: 0x8820_0000, end: 0x8830_0123 },
  });
  assertEquals(tree.node("/memory@80000000").get("reg"), u64(0x8000_0000, 3072 * MIB));
  const chosen = tree.node("/chosen");
  assertEquals(chosen.get("bootargs"), strings("console=ttyS0"));
  assertEquals(chosen.get("linux,initrd-start"), u64(0x8820_0000));
  assertEquals(chosen.get("linux,initrd-end"), u64(0x8830_0123));
  const [stdoutPath] = text(tree, "/chosen", "stdout-path");
  assertEquals(tree.node(stdoutPath!), tree.node("uart0"));
});

Deno.test("without bootargs and initrd, chosen does not mention them", () => {
  const chosen = createBoardFdt({ harts: 1, memBytes: MIB }).node("/chosen");
  assertEquals([...chosen.properties.keys()], ["stdout-path", "rng-seed"]);
});

Deno.test("harts: one cpu node each, wired to CLINT and PLIC in order", () => {
  const tree = readDtb(writeDtb(createBoardFdt({ harts: 3, memBytes: 64 * MIB })));
  const intc = [0, 1, 2].map((hart) =>
    tree.node(`/cpus/cpu@${hart}/interrupt-controller`).get("phandle")!.encode().toHex()
  );
  const wires = (...interrupts: number[]) =>
    intc.flatMap((controller) =>
      interrupts.map((interrupt) => controller + interrupt.toString(16).padStart(8, "0"))
    ).join("");
  const extended = (path: string) => tree.node(path).get("interrupts-extended")!.encode().toHex();
  assertEquals(extended("/soc/clint@2000000"), wires(3, 7));
  assertEquals(extended("/soc/plic@c000000"), wires(11, 9));
  assertEquals(tree.node("/cpus/cpu-map/cluster0").children.length, 3);
  assertEquals(tree.find("/cpus/cpu@3"), undefined);
});

Deno.test("the ISA string, and its new form", () => {
  const tree = createBoardFdt({ harts: 1, memBytes: 64 * MIB });
  assertEquals(text(tree, "/cpus/cpu@0", "riscv,isa"), [DEFAULT_ISA]);
  assertEquals(text(tree, "/cpus/cpu@0", "riscv,isa-base"), ["rv64i"]);
  const extensions = text(tree, "/cpus/cpu@0", "riscv,isa-extensions");
  assertEquals(extensions.slice(0, 8), ["i", "m", "a", "f", "d", "c", "h", "zicbom"]);
  assert(extensions.includes("sstc") && extensions.includes("svpbmt"));
  assertEquals(text(tree, "/cpus/cpu@0", "mmu-type"), ["riscv,sv57"]);
  for (const name of ["cbom", "cbop", "cboz"]) {
    assertEquals(
      tree.node("/cpus/cpu@0").get(`riscv,${name}-block-size`)?.encode().toHex(),
      "00000040",
    );
  }
});

Deno.test("another ISA string: cache blocks only if it has them", () => {
  const tree = createBoardFdt({ harts: 1, memBytes: MIB, isa: "rv64ima", mmuType: "riscv,sv39" });
  assertEquals(tree.node("/cpus/cpu@0").has("riscv,cboz-block-size"), false);
  assertEquals(text(tree, "/cpus/cpu@0", "riscv,isa-extensions"), ["i", "m", "a"]);
  assertEquals(text(tree, "/cpus/cpu@0", "mmu-type"), ["riscv,sv39"]);
});

Deno.test("virtio-mmio: a node for each plugged slot only, by default for the entropy device", () => {
  const byDefault = createBoardFdt({ harts: 1, memBytes: MIB });
  assertEquals(byDefault.find("/soc/virtio_mmio@10001000"), undefined);
  const rng = byDefault.node("/soc/virtio_mmio@10008000");
  assertEquals(rng.get("interrupts")?.encode().toHex(), "00000008");
  const tree = createBoardFdt({ harts: 1, memBytes: MIB, virtioSlots: [0, 7] });
  const virtio = tree.node("/soc").children.filter((node) => node.name.startsWith("virtio"));
  assertEquals(virtio.map((node) => node.name), ["virtio_mmio@10001000", "virtio_mmio@10008000"]);
  assertEquals(virtio[1]?.get("interrupts")?.encode().toHex(), "00000008");
});

Deno.test("rng-seed: 32 bytes that the seed determines", () => {
  const seed = (value: number) =>
    createBoardFdt({ harts: 1, memBytes: MIB, seed: value }).node("/chosen").get("rng-seed")!
      .encode();
  assertEquals(seed(1).length, 32);
  assertEquals(seed(1), seed(1));
  assert(seed(1).toHex() !== seed(2).toHex());
});

Deno.test("power off and reboot go through the test finisher", () => {
  const tree = readDtb(writeDtb(createBoardFdt({ harts: 1, memBytes: MIB })));
  const finisher = tree.node("/soc/test@100000").get("phandle");
  for (const [path, value] of [["/poweroff", "00005555"], ["/reboot", "00007777"]] as const) {
    assertEquals(tree.node(path).get("regmap"), finisher);
    assertEquals(tree.node(path).get("value")?.encode().toHex(), value);
  }
});

Deno.test("what it refuses", () => {
  assertThrows(() => createBoardFdt({ harts: 0, memBytes: MIB }), RangeError, "0 harts");
  assertThrows(() => createBoardFdt({ harts: 1, memBytes: 5 }), RangeError, "RAM of 5 bytes");
  assertThrows(
    () => createBoardFdt({ harts: 1, memBytes: MIB, isa: "RV64GC" }),
    TypeError,
    'ISA string "RV64GC"',
  );
  assertThrows(
    () => createBoardFdt({ harts: 1, memBytes: MIB, virtioSlots: [8] }),
    RangeError,
    "No virtio-mmio slot 8",
  );
});
