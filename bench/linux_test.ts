import { assertEquals, assertFalse } from "@std/assert";
import { guestCommand, guestsInTurn, hostCommand } from "./linux.ts";

const FILES = { firmware: "fw", kernel: "Image", initrd: "cpio" };
const MACHINE = { harts: 1, memMiB: 512 };

Deno.test("each guest is started, powered off and weighed after", () => {
  const { steps, residentRam } = guestsInTurn(FILES, MACHINE, 3);
  assertEquals(residentRam, true);
  assertEquals(steps.filter(({ send }) => send?.startsWith("/apps/lkvm-static run ")).length, 3);
  assertEquals(steps.filter(({ send }) => send === "poweroff -f\n").length, 3);
  assertEquals(
    steps.map(({ note }) => note === "weigh"),
    [false, false, true, false, true, false, true],
  );
  assertEquals(steps.at(-1)!.send, undefined);
});

Deno.test("the line that starts a guest does not look like its end", () => {
  const { steps } = guestsInTurn(FILES, MACHINE, 1);
  assertFalse(steps[0]!.send!.includes("guest ended"));
});

Deno.test("a command in a guest is the same as in the host, after the guest's start", () => {
  const host = hostCommand(FILES, MACHINE, "true").steps;
  const guest = guestCommand(FILES, MACHINE, "true").steps;
  assertEquals(guest.slice(2), host.slice(1));
  assertEquals([guest[0]!.expect, guest[1]!.send], [host[0]!.expect, host[0]!.send]);
});
