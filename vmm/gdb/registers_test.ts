import { assert, assertEquals } from "@std/assert";
import { csrAddress } from "../../core/conformance/csr_map.ts";
import { csrRegisters, plainCsrs } from "./csr_registers.ts";
import { memoryMapXml, targetXml } from "./descriptions.ts";
import { generalRegisters, registerOf, registers } from "./registers.ts";

Deno.test("the CSRs shown are those that the machine has", () => {
  const shown = csrRegisters.map(({ address, name }): [string, number] => [name, address]);
  const there = [...csrAddress].sort((a, b) => a[1] - b[1]);
  assertEquals(shown, there);
  for (const name of plainCsrs.keys()) assert(csrAddress.has(name), name);
});

Deno.test("numbers and names are unique, and numbers are gdb's", () => {
  assertEquals(new Set(registers.map(({ number }) => number)).size, registers.length);
  assertEquals(new Set(registers.map(({ name }) => name)).size, registers.length);
  assertEquals(registerOf(2)?.name, "sp");
  assertEquals(registerOf(32)?.name, "pc");
  assertEquals(registerOf(33)?.name, "ft0");
  assertEquals(registerOf(65 + 0x300)?.name, "mstatus");
  assertEquals(registerOf(4161)?.name, "priv");
  assertEquals(registerOf(65 + 0x7b0), undefined);
  assertEquals(
    generalRegisters.map(({ number }) => number),
    Array.from({ length: 65 }, (_, n) => n),
  );
});

Deno.test("the target description names every register once", () => {
  const named = [
    ...targetXml.matchAll(/<reg name="([^"]+)" bitsize="(\d+)" type="[^"]+" regnum="(\d+)"/g),
  ];
  assertEquals(
    named.map(([, name, bits, number]) => [name, Number(bits), Number(number)]).sort(),
    registers.map(({ name, sizeBytes, number }) => [name, 8 * sizeBytes, number]).sort(),
  );
});

Deno.test("the memory map covers the address space without overlap", () => {
  const regions = [...memoryMapXml.matchAll(/start="0x([0-9a-f]+)" length="0x([0-9a-f]+)"/g)]
    .map(([, start, length]) => [BigInt(`0x${start}`), BigInt(`0x${length}`)] as const);
  let next = 0n;
  for (const [start, length] of regions) {
    assertEquals(start, next);
    next = start + length;
  }
  assertEquals(next, 1n << 64n);
});
