/**
 * The default device tree of the board, as QEMU's `virt` describes itself, less what the board does
 * not have. {@linkcode createBoardFdt} is the table of contents; users edit the tree it returns.
 *
 * @module
 */

import { DEFAULT_UART_CLOCK_HZ } from "../devices/uart16550.ts";
import { empty, FdtTree, interruptsExtended, phandle, reg, u64, unitName } from "./fdt/mod.ts";
import type { FdtNode } from "./fdt/mod.ts";
import { SplitMix64 } from "./fdt/split_mix64.ts";
import { BOARD, PLIC_SOURCES, ramRegion, RNG_SLOT, virtioSlot } from "./memory_map.ts";

/** What the board's device tree depends on. */
export interface BoardFdtOptions {
  /** Number of harts, ids from 0. */
  readonly harts: number;
  /** RAM in bytes. */
  readonly memBytes: number;
  /** Kernel command line. */
  readonly bootargs?: string;
  /** Where the initramfs lies: first byte, and the byte after the last. */
  readonly initrd?: { readonly start: number; readonly end: number };
  /** Frequency of `mtime`. Default 10 MHz. */
  readonly timebaseHz?: number;
  /** ISA string of every hart. Default {@linkcode DEFAULT_ISA}. */
  readonly isa?: string;
  /** Widest address translation of every hart. Default `riscv,sv57`. */
  readonly mmuType?: string;
  /** Slots with a virtio-mmio device plugged in; only these get a node. Default: the entropy device. */
  readonly virtioSlots?: readonly number[];
  /** What the guest's `rng-seed` derives from. Default 0. */
  readonly seed?: number | bigint;
}

/** ISA string of the harts, in the order that the RISC-V ISA manual prescribes for names. */
export const DEFAULT_ISA: string =
  "rv64imafdch_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_zihintpause" +
  "_zihpm_zfhmin_zba_zbb_zbs_sstc_svadu_svinval_svnapot_svpbmt";

/** Default frequency of `mtime`, that of QEMU's `virt`. */
export const DEFAULT_TIMEBASE_HZ = 10_000_000;

/** Block of Zicbom, Zicbop and Zicboz in bytes. */
const CACHE_BLOCK_BYTES = 64;

/** Commands of the test finisher (SiFive test device). */
const FINISHER_PASS = 0x5555;
const FINISHER_RESET = 0x7777;

/** Interrupt numbers at a hart: bits of `mip` (Privileged 1.12, 3.1.9). */
const M_SOFTWARE = 3;
const M_TIMER = 7;
const S_EXTERNAL = 9;
const M_EXTERNAL = 11;

/**
 * Builds the device tree of a machine.
 *
 * @throws {RangeError} if there is no hart, the RAM is no multiple of a page or a slot is unknown
 * @throws {TypeError} if the ISA string is malformed
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createBoardFdt } from "./board_fdt.ts";
 * import { strings } from "./fdt/mod.ts";
 *
 * const tree = createBoardFdt({ harts: 2, memBytes: 256 << 20, bootargs: "console=ttyS0" });
 * assertEquals(tree.node("/soc/serial@10000000").get("compatible"), strings("ns16550a"));
 * ```
 */
export function createBoardFdt(options: BoardFdtOptions): FdtTree {
  const { harts } = options;
  if (!Number.isInteger(harts) || harts < 1) {
    throw new RangeError(`${harts} harts: give at least 1`);
  }
  const tree = new FdtTree();
  const root = createRootNode(tree);
  createChosenNode(root, options);
  createMemoryNode(root, options);
  createCpusNode(root, options);
  const soc = createSocNode(root);
  createClintNode(soc, harts);
  createPlicNode(soc, harts);
  createUartNode(soc);
  createRtcNode(soc);
  createTestNode(soc);
  createPowerOffNode(root);
  createRebootNode(root);
  for (const slot of options.virtioSlots ?? [RNG_SLOT]) createVirtioNode(soc, slot);
  return tree;
}

function createRootNode({ root }: FdtTree): FdtNode {
  return root
    .set("#address-cells", 2)
    .set("#size-cells", 2)
    .set("compatible", "riscv-virtio")
    .set("model", "riscv-virtio,himawari");
}

function createChosenNode(root: FdtNode, options: BoardFdtOptions): void {
  const { bootargs, initrd, seed = 0 } = options;
  const chosen = root.addNode("chosen", {
    "stdout-path": `/soc/${unitName("serial", BOARD.uart0.base)}`,
    "rng-seed": new SplitMix64(seed).bytes(32),
  });
  if (bootargs !== undefined) chosen.set("bootargs", bootargs);
  if (initrd !== undefined) {
    chosen.set("linux,initrd-start", u64(initrd.start)).set("linux,initrd-end", u64(initrd.end));
  }
}

function createMemoryNode(root: FdtNode, { memBytes }: BoardFdtOptions): void {
  const ram = ramRegion(memBytes);
  root.addNode(unitName("memory", ram.base), { device_type: "memory", reg: reg(root, ram) });
}

function createCpusNode(root: FdtNode, options: BoardFdtOptions): void {
  const cpus = root.addNode("cpus", {
    "#address-cells": 1,
    "#size-cells": 0,
    "timebase-frequency": options.timebaseHz ?? DEFAULT_TIMEBASE_HZ,
  });
  for (let hart = 0; hart < options.harts; hart++) createCpuNode(cpus, hart, options);
  createCpuMapNode(cpus, options.harts);
}

function createCpuNode(cpus: FdtNode, hart: number, options: BoardFdtOptions): void {
  const isa = options.isa ?? DEFAULT_ISA;
  const { base, extensions } = parseIsa(isa);
  const cpu = cpus.addNode(unitName("cpu", hart), {
    device_type: "cpu",
    reg: hart,
    status: "okay",
    compatible: "riscv",
    // OpenSBI before 1.4 and Linux before 6.7 know only the one string.
    "riscv,isa": isa,
    "riscv,isa-base": base,
    "riscv,isa-extensions": extensions,
    "mmu-type": options.mmuType ?? "riscv,sv57",
  }, cpuLabel(hart));
  for (const name of ["cbom", "cbop", "cboz"]) {
    if (extensions.includes(`zi${name}`)) cpu.set(`riscv,${name}-block-size`, CACHE_BLOCK_BYTES);
  }
  cpu.addNode("interrupt-controller", {
    "#interrupt-cells": 1,
    "interrupt-controller": true,
    compatible: "riscv,cpu-intc",
  }, intcLabel(hart));
}

function createCpuMapNode(cpus: FdtNode, harts: number): void {
  const cluster = cpus.addNode("cpu-map").addNode("cluster0");
  for (let hart = 0; hart < harts; hart++) {
    cluster.addNode(`core${hart}`, { cpu: phandle(cpuLabel(hart)) });
  }
}

function createSocNode(root: FdtNode): FdtNode {
  return root.addNode("soc", {
    "#address-cells": 2,
    "#size-cells": 2,
    compatible: "simple-bus",
    ranges: empty(),
  });
}

function createClintNode(soc: FdtNode, harts: number): void {
  soc.addNode(unitName("clint", BOARD.clint.base), {
    compatible: ["sifive,clint0", "riscv,clint0"],
    reg: reg(soc, BOARD.clint),
    "interrupts-extended": interruptsOfHarts(harts, M_SOFTWARE, M_TIMER),
  });
}

function createPlicNode(soc: FdtNode, harts: number): void {
  soc.addNode(unitName("plic", BOARD.plic.base), {
    compatible: ["sifive,plic-1.0.0", "riscv,plic0"],
    reg: reg(soc, BOARD.plic),
    "#address-cells": 0,
    "#interrupt-cells": 1,
    "interrupt-controller": true,
    // Contexts of the PLIC in their order: M and S of hart 0, M and S of hart 1, and so on.
    "interrupts-extended": interruptsOfHarts(harts, M_EXTERNAL, S_EXTERNAL),
    "riscv,ndev": PLIC_SOURCES,
  }, "plic");
}

function createUartNode(soc: FdtNode): void {
  soc.addNode(unitName("serial", BOARD.uart0.base), {
    compatible: "ns16550a",
    reg: reg(soc, BOARD.uart0),
    "clock-frequency": DEFAULT_UART_CLOCK_HZ,
    "interrupt-parent": phandle("plic"),
    interrupts: BOARD.uart0.irq,
  }, "uart0");
}

function createRtcNode(soc: FdtNode): void {
  soc.addNode(unitName("rtc", BOARD.rtc.base), {
    compatible: "google,goldfish-rtc",
    reg: reg(soc, BOARD.rtc),
    "interrupt-parent": phandle("plic"),
    interrupts: BOARD.rtc.irq,
  }, "rtc");
}

function createTestNode(soc: FdtNode): void {
  soc.addNode(unitName("test", BOARD.test.base), {
    compatible: ["sifive,test1", "sifive,test0", "syscon"],
    reg: reg(soc, BOARD.test),
  }, "finisher");
}

function createPowerOffNode(root: FdtNode): void {
  root.addNode("poweroff", {
    compatible: "syscon-poweroff",
    regmap: phandle("finisher"),
    offset: 0,
    value: FINISHER_PASS,
  });
}

function createRebootNode(root: FdtNode): void {
  root.addNode("reboot", {
    compatible: "syscon-reboot",
    regmap: phandle("finisher"),
    offset: 0,
    value: FINISHER_RESET,
  });
}

function createVirtioNode(soc: FdtNode, slot: number): void {
  const region = virtioSlot(slot);
  soc.addNode(unitName("virtio_mmio", region.base), {
    compatible: "virtio,mmio",
    reg: reg(soc, region),
    "interrupt-parent": phandle("plic"),
    interrupts: region.irq,
  }, region.name);
}

/** The given interrupts of hart 0, then of hart 1, and so on. */
function interruptsOfHarts(harts: number, ...interrupts: number[]) {
  return interruptsExtended(
    ...Array.from({ length: harts }, (_, hart) => intcLabel(hart)).flatMap((controller) =>
      interrupts.map((interrupt) => [controller, interrupt] as const)
    ),
  );
}

function cpuLabel(hart: number): string {
  return `cpu${hart}`;
}

function intcLabel(hart: number): string {
  return `cpu${hart}_intc`;
}

/** Splits an ISA string into what `riscv,isa-base` and `riscv,isa-extensions` list. */
function parseIsa(isa: string): { base: string; extensions: string[] } {
  const match = /^(rv(?:32|64))([a-z]+)((?:_[a-z][a-z0-9]*)*)$/.exec(isa);
  if (match === null || !/^[ie]/.test(match[2]!)) {
    throw new TypeError(
      `ISA string ${JSON.stringify(isa)}: expected rv32 or rv64, single letters beginning with ` +
        "i or e, then _ before each longer name",
    );
  }
  const [, width, letters, longer] = match;
  return {
    base: `${width}${letters![0]}`,
    extensions: [...letters!, ...longer!.split("_").slice(1)],
  };
}
