/**
 * Power-on to prompt: device tree, OpenSBI, host Linux with KVM.
 *
 * The board's device tree may be edited before it is handed to the firmware; Linux shows what it got
 * under `/proc/device-tree`. Powering off from the shell ends the machine with a pass.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { scenario } from "himawari";

/** What firmware and kernel say on the way, in this order. */
const MILESTONES: readonly (string | RegExp)[] = [
  /OpenSBI v\d+\.\d+/,
  /Platform HART Count +: 2\n/,
  /Boot HART Base ISA +: rv64imafdch\n/,
  /Linux version 6\.12\.\d+-himawari/,
  "Machine model: riscv-virtio,himawari",
  "SBI specification v2.0 detected",
  "earlycon: sbi0",
  "riscv: base ISA extensions acdfhim",
  "riscv-timer: Timer interrupt in S-mode is available via sstc extension",
  "smp: Brought up 1 node, 2 CPUs",
  "kvm [1]: hypervisor extension available",
  "kvm [1]: using Sv57x4 G-stage page table format",
  "riscv-plic: plic@c000000: mapped 96 interrupts with 2 handlers for 4 contexts",
  "10000000.serial: ttyS0 at MMIO 0x10000000",
  "goldfish_rtc 101000.rtc: registered as rtc0",
  "Run /init as init process",
];

scenario(
  "host Linux boots to its prompt and offers KVM",
  {
    from: "power-on",
    host: {
      harts: 2,
      memMiB: 256,
      fdt: (tree) => tree.node("/").set("serial-number", "sunflower-1"),
    },
  },
  async ({ host }) => {
    for (const milestone of MILESTONES) await host.console.expect(milestone);
    await host.prompt();

    assertEquals(await host.sh`test -c /dev/kvm`, { code: 0, out: "" });
    assertEquals((await host.sh`nproc`).out, "2");
    assertMatch((await host.sh`grep -m1 ^isa /proc/cpuinfo`).out, /: rv64imafdch_/);
    assertEquals((await host.sh`cat /proc/device-tree/serial-number`).out, "sunflower-1\0");

    host.console.send("poweroff -f\n");
    const { finish } = await host.machine.run();
    assertEquals(finish, { kind: "pass", code: 0 });
  },
);
