/**
 * Why our console text differs from that of the golden logs, which come from QEMU 11.1's `virt`
 * machine with two harts and 1 GiB, OpenSBI 1.1, a 6.12 kernel of another configuration, and kvmtool
 * for the guest.
 *
 * @module
 */

import type { ExplainedDifference } from "./compare.ts";

/** Differences in both logs. */
const BOTH: readonly ExplainedDifference[] = [
  {
    lines: /^Linux version 6\.12\.\d+-himawari /,
    in: "both",
    reason: "Same source, built by another user at another time.",
  },
  {
    lines: /^percpu: Embedded \d+ pages\/cpu /,
    in: "both",
    reason: "Our kernel has more drivers, hence more per-CPU data.",
  },
  {
    lines: /^mem auto-init: stack:/,
    in: "both",
    reason: "Our kernel does not clear stack variables, to save instructions.",
  },
  {
    lines: /^Memory: \d+K\/\d+K available /,
    in: "both",
    reason: "Our kernel is larger; the memory is the same.",
  },
  {
    lines: /^Freeing unused kernel image \(initmem\) memory: \d+K$/,
    in: "both",
    reason: "Size of the kernel's start-up code.",
  },
  {
    lines: /^cpu\d: Ratio of byte access time to unaligned word access is /,
    in: "golden",
    reason:
      "Our kernel is told that unaligned accesses are fast, instead of measuring on each CPU.",
  },
  {
    lines: /^HugeTLB: /,
    in: "ours",
    reason: "Our kernel has huge pages, to back guests' memory with.",
  },
  {
    lines: /^squashfs: version |^fuse: init /,
    in: "ours",
    reason: "Our kernel has these file systems.",
  },
  {
    lines: /^(pci-host-generic 30000000\.pci|pci_bus 0000:00|pci 0000:00:\d\d\.0): /,
    in: "golden",
    reason: "Neither our board nor lkvm has PCI: virtio devices are on virtio-mmio.",
  },
  {
    lines: /^BusyBox v1\.\d+\.\d+ /,
    in: "both",
    reason: "Another version.",
  },
];

/** Differences in the host's log. */
export const HOST_DIFFERENCES: readonly ExplainedDifference[] = [
  ...BOTH,
  {
    lines: /^OpenSBI v1\.\d$|^Runtime SBI Version : \d\.0$/,
    in: "both",
    reason: "OpenSBI 1.6 instead of 1.1.",
  },
  {
    lines: /^SBI specification v\d\.0 |^SBI implementation ID=0x1 |^SBI DBCN extension detected/,
    in: "both",
    reason: "What the kernel learns from OpenSBI 1.6: SBI 2.0, with the debug console.",
  },
  {
    lines: /^(Platform (PMU|Suspend|CPPC) Device|Firmware (RW|Heap|Scratch) \w+) : /,
    in: "ours",
    reason: "OpenSBI 1.6 tells more.",
  },
  {
    lines: /^((Standard|Experimental) SBI Extensions|Domain0 SysSuspend) : /,
    in: "ours",
    reason: "OpenSBI 1.6 tells more.",
  },
  {
    lines: /^Boot HART (PMP Granularity|PMP Address Bits|MHPM (Count|Info)|Debug Triggers) ?: /,
    in: "both",
    reason: "OpenSBI 1.6 words it otherwise. Our harts have no programmable performance counters.",
  },
  {
    lines: /^Firmware Size : \d+ KB$|^Domain0 Region\d\d : /,
    in: "both",
    reason: "OpenSBI 1.6 is larger, and protects its code, its data and its devices one by one.",
  },
  {
    lines: /^OF: reserved mem: |^ {2}node {3}0: \[mem /,
    in: "both",
    reason: "The kernel does not map what OpenSBI 1.6 reserved; with 1.1 it did not know better.",
  },
  {
    lines: /^Platform (Reboot|Shutdown) Device : /,
    in: "both",
    reason: "OpenSBI 1.6 takes the test finisher by its generic name.",
  },
  {
    lines: /^Platform Name : riscv-virtio,|^Machine model: riscv-virtio,/,
    in: "both",
    reason: "The board's name is our own.",
  },
  {
    lines: /^Boot HART ISA Extensions : /,
    in: "both",
    reason: "OpenSBI 1.6 knows more extensions, and reads them from our device tree.",
  },
  {
    lines: /^riscv-plic: (interrupt-controller|plic)@c000000: mapped 9[56] interrupts /,
    in: "both",
    reason: "We call the node plic, as older QEMUs do, and have all of the 96 sources.",
  },
  {
    lines: /^goldfish_rtc 101000\.rtc: setting system clock to /,
    in: "ours",
    reason: "Our kernel sets the system's time from the RTC.",
  },
  {
    lines: /^Freeing initrd memory: \d+K$/,
    in: "both",
    reason: "Another root file system, and not compressed.",
  },
];

/** Differences in the guest's log. */
export const GUEST_DIFFERENCES: readonly ExplainedDifference[] = [
  ...BOTH,
  {
    lines: /^software IO TLB: mapped \[mem /,
    in: "both",
    reason: "Placed below the kernel's other early allocations.",
  },
  {
    lines: /^riscv-plic: interrupt-controller@0[8c]000000: mapped 1023 interrupts /,
    in: "both",
    reason: "lkvm has the PLIC where the article's kvmtool had it; kvmtool has moved it since.",
  },
  {
    lines: /^1000[0-3]000\.U6_16550A: ttyS\d at MMIO 0x1000[0-3]000 \(irq = \d+, /,
    in: "both",
    reason: "Linux numbers interrupts as they are asked for; kvmtool's PCI devices took three.",
  },
  {
    lines: /^ {5}bootserver=192\.168\.33\.1, rootserver=/,
    in: "both",
    reason: "lkvm's DHCP server names itself as the next server, kvmtool's none.",
  },
  {
    lines: /^VFS: Mounted root \(9p filesystem\) on device 0:\d+\.$/,
    in: "both",
    reason: "Anonymous device numbers: our kernel has more file systems.",
  },
];
