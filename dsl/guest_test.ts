import { assertEquals, assertRejects } from "@std/assert";
import { MachineError } from "../vmm/verdict.ts";
import { fakeConsole, fakeShell } from "./fake_console_testing.ts";
import { Guest } from "./guest.ts";
import { withExitReport } from "./guest_console.ts";
import { lkvmCommand } from "./guest_options.ts";
import { PROMPT } from "./shell.ts";

/** A guest whose console prints `before`, then answers. */
function fakeGuest(
  before: string,
  answer = fakeShell(() => ({ out: "riscv64\n", code: 0 }), "/ # "),
) {
  const console = fakeConsole(before, answer);
  return new Guest(console, async () => void await console.expect(PROMPT));
}

Deno.test("the command line has an option for each option", () => {
  assertEquals(
    lkvmCommand(),
    "/apps/lkvm-static run -m 128 -c 1 --console serial " +
      "-p 'console=ttyS0 earlycon=uart8250,mmio,0x3f8' -k /apps/Image",
  );
  assertEquals(
    lkvmCommand({
      binary: "lkvm",
      kernel: "/k",
      memMiB: 64,
      cpus: 2,
      console: "virtio",
      initrd: "/i",
      disk: ["/a", "/b,ro"],
      network: "none",
      name: "ann",
      args: ["--9p", "/x y,tag"],
    }),
    "lkvm run -m 64 -c 2 --console virtio -k /k -i /i -d /a -d /b,ro -n mode=none --name ann " +
      "--9p '/x y,tag'",
  );
  assertEquals(lkvmCommand({ disk: "/a", params: "" }).includes("-p"), false);
});

Deno.test("the typed line does not look like the report of lkvm's end", async () => {
  const console = fakeConsole(`${withExitReport("lkvm run")}\n/ # `, () => "");
  await assertRejects(() => console.expect(/\[lkvm exited with \d/), MachineError);
});

Deno.test("a guest's commands run at its prompt", async () => {
  const guest = fakeGuest("  Info: # lkvm run\nMounting...\n/ # ");
  assertEquals(await guest.sh`uname -m`, { code: 0, out: "riscv64" });
  assertEquals(await guest.run("uname -m"), { code: 0, out: "riscv64" });
});

Deno.test("the host's prompt is not taken for that of a guest that ended", async () => {
  const guest = fakeGuest("  Fatal: no kernel\n[lkvm exited with 1]\n~ # ");
  const error = await assertRejects(
    () => guest.sh`uname -m`,
    MachineError,
    'the shell\'s prompt: "[lkvm exited with 1]\\n" came first',
  );
  assertEquals(error.verdict, "guest-exited");
  assertEquals(await guest.exited(), 1);
  assertEquals(await guest.exited(), 1);
  assertEquals(guest.exitStatus, 1);
  await assertRejects(() => guest.sh`true`, TypeError, "The guest has ended, with exit status 1");
  await assertRejects(() => guest.stop(), TypeError, "The guest has ended");
});

Deno.test("a guest's console has the host console's ways to wait", async () => {
  const guest = fakeGuest("one\ntwo\nthree\n[lkvm exited with 3]\n~ # ");
  assertEquals((await guest.console.expectAny({ b: "two", a: "one" })).which, "a");
  assertEquals((await guest.console.expectInOrder(["two", /thr/])).length, 2);
  const error = await assertRejects(() => guest.console.expectLine("four"), MachineError);
  assertEquals(error.verdict, "guest-exited");
});

Deno.test("power-off is typed, and lkvm's exit status comes back", async () => {
  const guest = fakeGuest("/ # ", (line) => {
    assertEquals(line, "poweroff -f");
    return "[    1.000000] reboot: Power down\r\n[lkvm exited with 0]\r\n~ # ";
  });
  assertEquals(await guest.powerOff(), 0);
});
