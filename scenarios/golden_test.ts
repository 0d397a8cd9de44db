/**
 * The console text of the whole flow against that of QEMU and kvmtool, kept in `golden/`: host and
 * guest print the same lines in the same order, but for differences that are listed with their reason
 * in `golden/differences.ts`. The machines are alike: two harts, 1 GiB; guest with two CPUs, 256 MiB,
 * and the UARTs where today's kvmtool has them.
 */

import { assert, assertEquals } from "@std/assert";
import { layer, scenario } from "himawari";
import { compare, type ExplainedDifference, normalise } from "./golden/compare.ts";
import { GUEST_DIFFERENCES, HOST_DIFFERENCES } from "./golden/differences.ts";

const LKVM = "./apps/lkvm-static run -m 256 -c 2 --console serial --uart-base 0x10000000 " +
  '-p "console=ttyS0 earlycon=uart8250,mmio,0x10000000" -k ./apps/Image';

/** From the line on that begins a log: before it there may be an echoed command, wrapped anywhere. */
function from(lines: string[], first: RegExp): string[] {
  return lines.slice(lines.findIndex((line) => first.test(line)));
}

function assertSame(
  goldenFile: string,
  ourLog: string,
  first: RegExp,
  explained: readonly ExplainedDifference[],
): void {
  const goldenLog = Deno.readTextFileSync(new URL(`golden/${goldenFile}`, import.meta.url))
    // In the guest's log the host's prompt comes first.
    .replace(/^~ # /, "");
  const golden = from(normalise(goldenLog), first);
  const { equal, unexplained, idle } = compare(golden, from(normalise(ourLog), first), explained);
  assertEquals(unexplained, [], `${goldenFile}: lines without an explanation`);
  assertEquals(idle, [], `${goldenFile}: explanations of nothing`);
  assert(equal > 60, `${goldenFile}: only ${equal} lines are the same`);
}

const bothLogs = layer(
  "host and guest as on QEMU",
  { from: "host-prompt", host: { harts: 2, memMiB: 1024 } },
  async ({ host }) => {
    const hostLog = host.console.transcript;
    const guest = await host.lkvm(LKVM);
    await guest.prompt();
    return { hostLog, guestLog: guest.console.transcript.slice(hostLog.length) };
  },
);

scenario(
  "host and guest print what they print on QEMU with kvmtool",
  { from: bothLogs },
  ({ hostLog, guestLog }) => {
    assertSame("host_boot.log", hostLog, /^OpenSBI/, HOST_DIFFERENCES);
    assertSame("guest_boot.log", guestLog, /^ {2}Info: # lkvm/, GUEST_DIFFERENCES);
  },
);
