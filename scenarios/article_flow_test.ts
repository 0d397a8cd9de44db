/**
 * The flow of the article that himawari goes back to: on host Linux, `lkvm` starts a guest with two
 * CPUs and 1 GiB; the guest finds its 16550A ports, PLIC and timer, gets an address by DHCP, mounts
 * its root over 9p and runs `/virt/init`.
 *
 * The command is the article's, letter for letter, and the lines are those of its log that Linux 6.12
 * still prints.
 */

import { assert, assertEquals } from "@std/assert";
import { layer, scenario } from "himawari";

const COMMAND = "./apps/lkvm-static run -m 1024 -c 2 --console serial " +
  '-p "console=ttyS0 earlycon=uart8250,mmio,0x3f8" -k ./apps/Image';

const LOG: readonly (string | RegExp)[] = [
  /# lkvm run -k \.\/apps\/Image -m 1024 -c 2 --name guest-\d+\n/,
  /Linux version 6\.12\.\d+/,
  "SBI specification v2.0 detected",
  "SBI implementation ID=0x3", // KVM
  "SBI TIME extension detected",
  "SBI IPI extension detected",
  "SBI RFENCE extension detected",
  "earlycon: uart8250 at MMIO 0x00000000000003f8 (options '')",
  "bootconsole [uart8250] enabled",
  "node   0: [mem 0x0000000080000000-0x00000000bfffffff]",
  "SBI HSM extension detected",
  "riscv: base ISA extensions acdfim\n", // no h
  "Kernel command line:  console=ttyS0 rw rootflags=trans=virtio,version=9p2000.L,cache=loose " +
  "rootfstype=9p init=/virt/init  ip=dhcp console=ttyS0 earlycon=uart8250,mmio,0x3f8\n",
  "riscv-intc: 64 local interrupts mapped",
  "sched_clock: 64 bits at 10MHz",
  "riscv-timer: Timer interrupt in S-mode is available",
  "smp: Bringing up secondary CPUs ...",
  "smp: Brought up 1 node, 2 CPUs",
  "devtmpfs: initialized",
  "clocksource: Switched to clocksource riscv_clocksource",
  "kvm [1]: hypervisor extension not available",
  "9p: Installing v9fs 9p2000 file system support",
  "riscv-plic: interrupt-controller@0c000000: mapped 1023 interrupts with 2 handlers for 4 contexts.",
  "Serial: 8250/16550 driver, 4 ports, IRQ sharing disabled",
  /3f8\.U6_16550A: ttyS0 at MMIO 0x3f8 \(irq = \d+, base_baud = 115200\) is a 16550A/,
  "console [ttyS0] enabled",
  "bootconsole [uart8250] disabled",
  /2f8\.U6_16550A: ttyS1 at MMIO 0x2f8 \(irq = \d+, base_baud = 115200\) is a 16550A/,
  /3e8\.U6_16550A: ttyS2 at MMIO 0x3e8 \(irq = \d+, base_baud = 115200\) is a 16550A/,
  /2e8\.U6_16550A: ttyS3 at MMIO 0x2e8 \(irq = \d+, base_baud = 115200\) is a 16550A/,
  "loop: module loaded",
  "9pnet: Installing 9P2000 support",
  /Sending DHCP requests \.+, OK/,
  "IP-Config: Got DHCP answer from 192.168.33.1, my address is 192.168.33.15",
  "device=eth0, hwaddr=02:15:15:15:15:15, ipaddr=192.168.33.15, mask=255.255.255.0, gw=192.168.33.1",
  "VFS: Mounted root (9p filesystem)",
  "devtmpfs: mounted",
  "Run /virt/init as init process",
  "Mounting...\n",
];

const articlesGuest = layer(
  "article's guest",
  { from: "host-prompt", host: { harts: 2, memMiB: 1536 } },
  async ({ host }) => {
    const guest = await host.lkvm(COMMAND);
    for (const line of LOG) await guest.console.expect(line);
    await guest.prompt();
    return { guest };
  },
);

scenario(
  "the article's flow: host prompt, lkvm, guest prompt",
  { from: articlesGuest },
  async ({ guest }) => {
    assertEquals(await guest.sh`uname -m`, { code: 0, out: "riscv64" });
  },
);

const articlesEnd = layer(
  "article's guest, powered off",
  { from: articlesGuest },
  async ({ host, guest }) => {
    assertEquals((await guest.sh`nproc`).out, "2");
    assertEquals((await guest.sh`hostname`).out, "192.168.33.15");
    assertEquals(await guest.powerOff(), 0);
    assert(host.console.transcript.includes("  # KVM session ended normally.\n"));
  },
);

scenario(
  "the article's flow, and back at the host's prompt",
  { from: articlesEnd },
  async ({ host }) => {
    assertEquals(await host.sh`uname -n`, { code: 0, out: "himawari" });
  },
);
