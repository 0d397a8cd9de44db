/**
 * What belongs to the hypervisor is out of a guest's reach: `/proc/cpuinfo` has no `h`, there is no
 * `/dev/kvm`, and who touches hypervisor state gets an illegal-instruction exception (Privileged 1.13,
 * 19.6.1). From VU-mode it is a virtual-instruction or an illegal-instruction exception, and KVM hands
 * either to the guest as the latter. From VS-mode, the guest's own kernel, hypervisor state raises the
 * first, machine state the second; KVM does not emulate a nested hypervisor and hands on the first as the
 * second too. The guest's own supervisor CSRs are there, as `vs…` under the names without `v`.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { layer, scenario } from "himawari";
import { KERNEL_PROBES, probeKernel } from "./probes/kernel.ts";
import { EXPECTED_REPORT, programFiles, reported, runProbes } from "./probes/programs.ts";

const guestOfProbedHost = layer(
  "guest of a host that was probed itself",
  { from: "host-prompt", host: { memMiB: 192, files: programFiles() } },
  async ({ host }) => {
    // Kernels log each such death; without that the probes' own output is all there is.
    await host.sh`dmesg -n 1`;
    assertMatch((await host.sh`grep -m1 ^isa /proc/cpuinfo`).out, /: rv64imafdch_/);
    // User mode of the host may not do it either.
    assertEquals(reported((await host.run(runProbes("/probes"))).out), EXPECTED_REPORT);

    const guest = await host.lkvm({ memMiB: 64, network: "none" });
    await guest.console.expect("kvm [1]: hypervisor extension not available");
    await guest.sh`dmesg -n 1`;
    assertStringIncludes((await guest.sh`ls /dev/kvm 2>&1`).out, "No such file or directory");
    return { guest };
  },
);

scenario("a guest sees no hypervisor extension", { from: guestOfProbedHost }, async ({ guest }) => {
  assertMatch((await guest.sh`grep -m1 ^isa /proc/cpuinfo`).out, /: rv64imafdc_/);
});

const probedGuest = layer("guest, probed", { from: guestOfProbedHost }, async ({ guest }) => {
  // The host's files are under /host in the guest.
  const { out } = await guest.run(runProbes("/host/probes"));
  assertEquals(await guest.powerOff(), 0);
  return { out };
});

scenario(
  "a guest's programs cannot touch the hypervisor",
  { from: probedGuest },
  ({ out }) => {
    assertEquals(reported(out), EXPECTED_REPORT);
  },
);

scenario(
  "a guest's kernel cannot reach the hypervisor's or the machine's state",
  {
    from: "host-prompt",
    host: { memMiB: 128, files: { "/apps/probe": { content: probeKernel() } } },
  },
  async ({ host }) => {
    const guest = await host.lkvm({ kernel: "/apps/probe", memMiB: 16, network: "none" });
    const { groups } = await guest.console.expect(/<(.*)>\n/);

    const answers = Object.keys(KERNEL_PROBES).map((name, index) => [name, groups[0]![index]]);
    const expected = Object.entries(KERNEL_PROBES).map(([name, [, cause]]) => [name, cause]);
    assertEquals(Object.fromEntries(answers), Object.fromEntries(expected));
    assertEquals(await guest.exited(), 0);
  },
);
