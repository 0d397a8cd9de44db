import { assertEquals } from "@std/assert";
import { announcesPanic, describePanic, readPanicReport } from "./kernel_panic.ts";

const HOST_BOOT = "[    0.000000] Machine model: riscv-virtio,himawari\n";
const GUEST_BOOT = "[    0.000000] Machine model: linux,dummy-virt\n";
const PANIC = "[    1.500000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0\n";
const END = "[    1.600000] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---\n";

Deno.test("the line that announces a panic is told from the report's last", () => {
  assertEquals(announcesPanic(PANIC), true);
  assertEquals(announcesPanic(END), false);
  assertEquals(announcesPanic("  Warning: The guest's kernel panicked: x"), false);
});

Deno.test("the board's name in the report tells whose kernel it was", () => {
  const transcript = HOST_BOOT + GUEST_BOOT + PANIC +
    "[    1.5] Hardware name: riscv-virtio,x (DT)\n";
  assertEquals(readPanicReport(transcript, HOST_BOOT.length + GUEST_BOOT.length), {
    whose: "host",
    reason: "Attempted to kill init! exitcode=0x0",
  });
  const guest = HOST_BOOT + PANIC + "[    1.5] Hardware name: linux,dummy-virt (DT)\n";
  assertEquals(readPanicReport(guest, HOST_BOOT.length).whose, "guest");
});

Deno.test("without it, the last boot log does; without that, nothing", () => {
  const boots = HOST_BOOT + GUEST_BOOT;
  assertEquals(readPanicReport(boots + PANIC + END, boots.length).whose, "guest");
  assertEquals(readPanicReport(HOST_BOOT + PANIC, HOST_BOOT.length).whose, "host");
  assertEquals(readPanicReport(PANIC, 0).whose, undefined);
});

Deno.test("a panic in a few words", () => {
  assertEquals(describePanic({ whose: "guest", reason: "x" }), "the guest's kernel panicked: x");
  assertEquals(describePanic({ whose: undefined, reason: "x" }), "a kernel panicked: x");
});
