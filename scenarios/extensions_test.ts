/**
 * Extensions that a machine has only when its ISA string names them: Smstateen and Sscofpmf. Firmware,
 * host and guest find them, and nothing else changes.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { DEFAULT_ISA, scenario } from "himawari";

const ISA = DEFAULT_ISA.replace("_sstc", "_smstateen_sscofpmf_sstc");

scenario(
  "Smstateen and Sscofpmf are there when asked for, in the host and below it",
  { from: "host-prompt", host: { isa: ISA } },
  async ({ host }) => {
    const line = "grep -m1 ^isa /proc/cpuinfo";
    assertMatch((await host.run(line)).out, /_smstateen_sscofpmf_sstc_/);
    const guest = await host.lkvm({ memMiB: 64, network: "none" });
    const { out } = await guest.run(line);
    assertMatch(out, /_smstateen_sstc_/);
    assertEquals(out.includes("sscofpmf"), false); // KVM offers the guest no counter overflow
    assertEquals(await guest.powerOff(), 0);
  },
);
