import { assertEquals, assertThrows } from "@std/assert";
import { FdtTree, interruptsExtended, ranges, reg, unitName } from "./mod.ts";

function bus(addressCells?: number, sizeCells?: number) {
  const node = new FdtTree().root.set("#address-cells", 2).addNode("bus");
  if (addressCells !== undefined) node.set("#address-cells", addressCells);
  if (sizeCells !== undefined) node.set("#size-cells", sizeCells);
  return node;
}

Deno.test("reg has the cells that its bus says", () => {
  const range = { base: 0x1000, sizeBytes: 0x20 };
  assertEquals(reg(bus(1, 1), range).encode().toHex(), "0000100000000020");
  assertEquals(reg(bus(1, 0), { base: 3, sizeBytes: 0 }).encode().toHex(), "00000003");
  assertEquals(
    reg(bus(), range).encode().toHex(),
    "000000000000100000000020",
    "2 and 1 by default",
  );
  const high = { base: 1n << 32n, sizeBytes: 2 ** 33 };
  assertEquals(reg(bus(2, 2), high).encode().toHex(), "00000001000000000000000200000000");
});

Deno.test("ranges maps from the bus to its parent", () => {
  const value = ranges(bus(1, 1), { childBase: 0, parentBase: 0x400_0000, sizeBytes: 0x200_0000 });
  assertEquals(value.encode().toHex(), "00000000" + "0000000004000000" + "02000000");
});

Deno.test("interrupts-extended names controllers", () => {
  const value = interruptsExtended(["intc0", 11], ["intc1", 9, 4]);
  const numbers: Record<string, number> = { intc0: 1, intc1: 2 };
  const encoded = value.encode({ phandleOf: (to) => numbers[to]!, pathOf: () => "" });
  assertEquals(encoded.toHex(), "00000001" + "0000000b" + "00000002" + "00000009" + "00000004");
});

Deno.test("what does not fit", () => {
  assertThrows(
    () => reg(bus(1, 1), { base: 2 ** 32, sizeBytes: 1 }),
    RangeError,
    "0x100000000 does not fit the 1 cells of #address-cells of /bus",
  );
  assertThrows(
    () => reg(bus(1, 0), { base: 1, sizeBytes: 1 }),
    RangeError,
    "0 cells of #size-cells",
  );
  assertThrows(
    () => reg(bus(5, 1)),
    RangeError,
    "#address-cells of /bus must be one cell of 0 to 4",
  );
});

Deno.test("unit addresses are hexadecimal without 0x", () => {
  assertEquals(unitName("serial", 0x1000_0000), "serial@10000000");
});
