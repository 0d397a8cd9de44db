import { assertEquals } from "@std/assert";
import { qemuArguments } from "./qemu.ts";

const COMMON = "-machine virt -cpu rv64,h=true";
const CONSOLE = "-nographic -nodefaults -serial stdio";

Deno.test("a program is loaded without firmware", () => {
  const args = qemuArguments({ kind: "program", harts: 1, memMiB: 64, elf: "a.elf" });
  assertEquals(args.join(" "), `${COMMON} -smp 1 -m 64 ${CONSOLE} -bios none -kernel a.elf`);
});

Deno.test("Linux gets the same files and parameters as on our machine", () => {
  const args = qemuArguments({
    kind: "linux",
    harts: 2,
    memMiB: 512,
    firmware: "fw",
    kernel: "Image",
    initrd: "cpio",
    bootargs: "console=ttyS0",
    steps: [],
  });
  assertEquals(
    args.join(" "),
    `${COMMON} -smp 2 -m 512 ${CONSOLE} ` +
      "-bios fw -kernel Image -initrd cpio -append console=ttyS0",
  );
});
