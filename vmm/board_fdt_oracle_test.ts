/**
 * Our device tree against the one that QEMU's `virt` prints: what both have must agree.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { createBoardFdt } from "./board_fdt.ts";
import { type FdtNode, type FdtTree, readDtb, writeDtb } from "./fdt/mod.ts";
import { hasTempDir, hasTool } from "./fdt/oracle_test_support.ts";

const QEMU = "qemu-system-riscv64";
const ignore = !(hasTool(QEMU) && hasTempDir());

/** Properties that may differ, with the reason. */
const MAY_DIFFER: Readonly<Record<string, string>> = {
  "model": "names the maker",
  "riscv,isa": "QEMU's CPU model has other extensions",
  "riscv,isa-extensions": "QEMU's CPU model has other extensions",
  "mmu-type": "QEMU 7.2 prints sv48 though its CPU has Sv57",
  "rng-seed": "random in QEMU",
  "phandle": "numbers are arbitrary",
  "riscv,ndev": "QEMU 7.2 prints 96, 8.0 and later 95",
};

/** Nodes that only QEMU has, by the beginning of their paths. */
const ONLY_IN_QEMU = ["/pmu", "/fw-cfg@", "/flash@", "/platform-bus@", "/soc/pci@", "/aliases"];

/** Properties with phandles: how many cells from one to the next. */
const PHANDLE_STRIDE: Readonly<Record<string, number>> = {
  "interrupt-parent": 1,
  "interrupts-extended": 2,
  "regmap": 1,
  "cpu": 1,
};

async function qemuTree(harts: number, memMiB: number): Promise<FdtTree> {
  const directory = await Deno.makeTempDir();
  try {
    const args = ["-machine", `virt,dumpdtb=${directory}/virt.dtb`, "-display", "none"];
    args.push("-cpu", "rv64,h=true", "-smp", `${harts}`, "-m", `${memMiB}`);
    const { success, stderr } = await new Deno.Command(QEMU, { args }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    return readDtb(await Deno.readFile(`${directory}/virt.dtb`));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A property with the paths of nodes in place of their phandles. */
function comparable(tree: FdtTree, node: FdtNode, property: string): string | undefined {
  const bytes = node.get(property)?.encode();
  const stride = PHANDLE_STRIDE[property];
  if (bytes === undefined || stride === undefined) return bytes?.toHex();
  const words = bytes.toHex().match(/.{8}/g) ?? [];
  return words.map((word, index) => index % stride === 0 ? pathOfPhandle(tree, word) : word)
    .join(" ");
}

function pathOfPhandle(tree: FdtTree, phandle: string): string {
  for (const node of tree.root.walk()) {
    if (node.get("phandle")?.encode().toHex() === phandle) return node.path;
  }
  throw new Error(`no node has phandle ${phandle}`);
}

for (const [harts, memMiB] of [[1, 64], [2, 256], [8, 4096]] as const) {
  Deno.test(`nodes agree with QEMU's: ${harts} harts, ${memMiB} MiB`, { ignore }, async () => {
    const theirs = await qemuTree(harts, memMiB);
    const ours = readDtb(writeDtb(createBoardFdt({
      harts,
      memBytes: memMiB * 2 ** 20,
      virtioSlots: [0, 1, 2, 3, 4, 5, 6, 7],
    })));

    for (const node of ours.root.walk()) {
      const other = theirs.node(node.path);
      for (const property of node.properties.keys()) {
        if (property in MAY_DIFFER || !other.has(property)) continue;
        assertEquals(
          comparable(ours, node, property),
          comparable(theirs, other, property),
          `${node.path}: ${property}`,
        );
      }
      for (const property of ["reg", "compatible", "interrupts", "interrupts-extended", "ranges"]) {
        assertEquals(node.has(property), other.has(property), `${node.path}: ${property}`);
      }
    }

    const missing = [...theirs.root.walk()].map((node) => node.path)
      .filter((path) => ours.find(path) === undefined)
      .filter((path) => !ONLY_IN_QEMU.some((start) => path.startsWith(start)));
    assertEquals(missing, []);
  });
}
