/**
 * The host: from power-on to its prompt, how much memory it needs, and its harts.
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DEFAULT_ISA, Host, layer, scenario } from "himawari";

// -- Power-on to prompt: device tree, OpenSBI, Linux with KVM, and power-off, which ends the machine
//    with a pass. The board's device tree may be edited before firmware gets it; Linux shows what it got.

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

const bootedHost = layer(
  "host with a serial number, booted",
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
  },
);

scenario(
  "host Linux boots to its prompt and offers KVM",
  { from: bootedHost },
  async ({ host }) => {
    assertEquals(await host.sh`test -c /dev/kvm`, { code: 0, out: "" });
    assertEquals((await host.sh`nproc`).out, "2");
    assertMatch((await host.sh`grep -m1 ^isa /proc/cpuinfo`).out, /: rv64imafdch_/);
    assertEquals((await host.sh`cat /proc/device-tree/serial-number`).out, "sunflower-1\0");

    host.console.send("poweroff -f\n");
    const { finish } = await host.machine.run();
    assertEquals(finish, { kind: "pass", code: 0 });
  },
);

// -- Too little memory is said before anything runs, with how much would do: a kernel that cannot unpack
//    its root file system fails late and obscurely

/** What the fixtures need. */
const LEAST_MIB = 35;

Deno.test("a host that cannot hold its root file system is refused before its first instruction", async () => {
  const error = await assertRejects(() => Host.create({ memMiB: 20 }), RangeError);
  assertMatch(error.message, /initramfs|initrd/);
  assertEquals(Number(/at least (\d+) MiB/.exec(error.message)?.[1]), LEAST_MIB, error.message);
});

scenario(
  "a host with the least memory that it was advised to have boots",
  { from: "host-prompt", host: { memMiB: LEAST_MIB } },
  async ({ host }) => assertEquals(await host.sh`echo enough`, { code: 0, out: "enough" }),
);

const refusedGuests = layer(
  "guests refused for their memory",
  {
    from: "host-prompt",
    host: { memMiB: 128, files: { "/apps/large.cpio": { content: new Uint8Array(12 << 20) } } },
  },
  async ({ host }) => {
    const lkvm = async (...args: string[]) => {
      const { code, out } = await host.sh`/apps/lkvm-static run -k /apps/Image ${args}`;
      return [code, ...out.split("\n").filter((line) => !line.includes("Info:"))];
    };
    return {
      tiny: await lkvm("-m", "12"),
      kernel: await lkvm("-m", "16"),
      initrd: await lkvm("-m", "24", "-i", "/apps/large.cpio"),
      huge: await lkvm("-m", "4096"),
    };
  },
);

scenario(
  "a guest that cannot hold its kernel or initrd is refused with one line",
  { from: refusedGuests },
  ({ tiny, kernel, initrd, huge }) => {
    assertEquals(tiny, [1, "  Fatal: Memory too small: 12; the guest needs at least 16 MiB"]);
    assertEquals(kernel[0], 1);
    assertMatch(
      String(kernel[1]),
      /^ {2}Fatal: Kernel of \d+ MiB does not fit in 16 MiB: give the guest at least -m \d+$/,
    );
    assertEquals(initrd[0], 1);
    assertMatch(
      String(initrd[1]),
      /^ {2}Fatal: Kernel of \d+ MiB and initrd of 12 MiB, .* do not fit in 24 MiB: give .* -m \d+$/,
    );
    assertEquals(huge[0], 1);
    assertMatch(
      String(huge[1]),
      /^ {2}Fatal: Guest memory of 4096 MiB is too much for a host of \d+ MiB: give -m \d+ or less$/,
    );
  },
);

// -- What Linux can do with harts, and extensions that they have only when the ISA string names them

const ONLINE = "cat /sys/devices/system/cpu/online";
const SWITCH = "/sys/devices/system/cpu/cpu1/online";

const guestSwitched = layer(
  "guest's hart stopped and started again",
  { from: "host-prompt", host: { harts: 2, memMiB: 256 } },
  async ({ host }) => {
    // Kernel messages would come between the lines of the answers.
    await host.run("dmesg -n 1");
    const guest = await host.lkvm({ memMiB: 96, cpus: 2, network: "none" });
    await guest.run("dmesg -n 1");
    assertEquals((await guest.run(`echo 0 > ${SWITCH}; ${ONLINE}`)).out, "0");
    assertEquals((await guest.run(`echo 1 > ${SWITCH}; ${ONLINE}`)).out, "0-1");
    assertEquals(await guest.powerOff(), 0);
  },
);

// In the guest by KVM, in the host by the firmware (SBI HSM).
scenario(
  "a hart is stopped and started again, in guest and host",
  { from: guestSwitched },
  async ({ host }) => {
    assertEquals((await host.run(`echo 0 > ${SWITCH}; ${ONLINE}`)).out, "0");
    assertEquals((await host.run(`echo 1 > ${SWITCH}; ${ONLINE}`)).out, "0-1");
  },
);

const ISA_LINE = "grep -m1 ^isa /proc/cpuinfo";

const extendedHost = layer(
  "host with Smstateen and Sscofpmf, after a guest",
  {
    from: "host-prompt",
    host: { isa: DEFAULT_ISA.replace("_sstc", "_smstateen_sscofpmf_sstc") },
  },
  async ({ host }) => {
    const guest = await host.lkvm({ memMiB: 64, network: "none" });
    const { out } = await guest.run(ISA_LINE);
    assertMatch(out, /_smstateen_sstc_/);
    assertEquals(out.includes("sscofpmf"), false); // KVM offers the guest no counter overflow
    assertEquals(await guest.powerOff(), 0);
  },
);

scenario(
  "Smstateen and Sscofpmf are there when asked for, in the host and below it",
  { from: extendedHost },
  async ({ host }) => assertMatch((await host.run(ISA_LINE)).out, /_smstateen_sscofpmf_sstc_/),
);
