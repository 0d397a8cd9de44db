/**
 * Linux stops a hart and starts it again through the firmware (SBI HSM), in the host and, through KVM, in
 * the guest.
 */

import { assertEquals } from "@std/assert";
import { scenario } from "himawari";

const ONLINE = "cat /sys/devices/system/cpu/online";
const SWITCH = "/sys/devices/system/cpu/cpu1/online";

scenario(
  "a hart is stopped and started again, in host and guest",
  { from: "host-prompt", host: { harts: 2, memMiB: 256 } },
  async ({ host }) => {
    // Kernel messages would come between the lines of the answers.
    await host.run("dmesg -n 1");
    assertEquals((await host.run(`echo 0 > ${SWITCH}; ${ONLINE}`)).out, "0");
    assertEquals((await host.run(`echo 1 > ${SWITCH}; ${ONLINE}`)).out, "0-1");

    const guest = await host.lkvm({ memMiB: 96, cpus: 2, network: "none" });
    await guest.run("dmesg -n 1");
    assertEquals((await guest.run(`echo 0 > ${SWITCH}; ${ONLINE}`)).out, "0");
    assertEquals((await guest.run(`echo 1 > ${SWITCH}; ${ONLINE}`)).out, "0-1");
    assertEquals(await guest.powerOff(), 0);
  },
);
