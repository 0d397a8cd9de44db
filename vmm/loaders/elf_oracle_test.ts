/**
 * Our ELF reader against the GNU tools: an executable of theirs, and what `nm` and `objdump` say.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { hasTempDir, hasTool } from "../fdt/oracle_test_support.ts";
import { loadElf } from "./mod.ts";

const PREFIX = "riscv64-linux-gnu-";
const ignore = !["gcc", "nm", "objdump"].every((tool) => hasTool(PREFIX + tool)) || !hasTempDir();

const SOURCE = `
  .globl _start, tohost, fromhost
  .text
  nop
_start: j _start
  .data
  .balign 64
tohost: .dword 0
fromhost: .dword 0
  .bss
  .globl buffer
buffer: .space 100000
`;

async function run(tool: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(PREFIX + tool, { args }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("an executable of GCC: entry, segments, symbols", { ignore }, async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [source, executable] = [`${directory}/test.S`, `${directory}/test.elf`];
    await Deno.writeTextFile(source, SOURCE);
    await run("gcc", ["-nostdlib", "-static", "-Wl,-Ttext=0x80000000", "-o", executable, source]);
    const elf = loadElf(await Deno.readFile(executable));

    assertEquals(elf.entry, 0x8000_0004 - 2, "a compressed nop comes first");
    for (const line of (await run("nm", [executable])).trimEnd().split("\n")) {
      const [address, , name] = line.split(" ");
      assertEquals(elf.symbol(name!), BigInt(`0x${address}`), name);
    }
    assertEquals(elf.tohost, Number(elf.symbol("tohost")));
    assertEquals(elf.fromhost, elf.tohost! + 8);

    // "LOAD off 0x... vaddr 0x... paddr 0x... align 2**n", then "filesz 0x... memsz 0x... flags".
    const headers = (await run("objdump", ["-p", executable]))
      .matchAll(/LOAD .*paddr 0x(\w+) .*\n\s+filesz 0x(\w+) memsz 0x(\w+)/g);
    assertEquals(
      elf.segments.map((
        { physAddr, bytes, memSizeBytes },
      ) => [physAddr, bytes.length, memSizeBytes]),
      [...headers].map(([, ...numbers]) => numbers.map((digits) => parseInt(digits, 16))),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
