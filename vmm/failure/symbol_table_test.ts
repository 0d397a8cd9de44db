import { assertEquals, assertThrows } from "@std/assert";
import { makeElf } from "../loaders/program_test_support.ts";
import { elfSymbols } from "./symbols.ts";
import { SymbolTable } from "./symbol_table.ts";

Deno.test("an address has the name of the symbol before it", () => {
  const table = new SymbolTable([
    { address: 0x2000n, name: "second" },
    { address: 0x1000n, name: "first", sizeBytes: 16 },
    { address: 0x2000n, name: "alias" },
  ]);
  const cases: [bigint, string | undefined][] = [
    [0xfffn, undefined],
    [0x1000n, "first"],
    [0x100fn, "first+0xf"],
    [0x1010n, undefined], // behind its end
    [0x2004n, "second+0x4"],
    [0x2000n + 0x4_0000n, undefined],
  ];
  for (const [address, expected] of cases) assertEquals(table.describe(address), expected);
  assertEquals([table.addressOf("alias"), table.addressOf("third")], [0x2000n, undefined]);
  assertEquals(new SymbolTable([]).describe(5n), undefined);
});

Deno.test("symbols of an ELF file", () => {
  const segments = [{
    vaddr: 0x8000_0000n,
    paddr: 0x8000_0000n,
    bytes: new Uint8Array(64),
    memSize: 64,
  }];
  const elf = makeElf({ segments, symbols: { main: 0x8000_0010n, ".L1": 0x8000_0014n } });
  const { whose, table } = elfSymbols(elf, "firmware");
  assertEquals([whose, table.size], ["firmware", 1]);
  assertEquals(table.describe(0x8000_0018n), "main+0x8");
  assertThrows(() => elfSymbols(new Uint8Array(8), "host"), SyntaxError, "no ELF file");
});
