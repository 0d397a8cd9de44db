import { assertEquals } from "@std/assert";
import { HartModule } from "../hart_module.ts";
import { LiveModules } from "./live_modules.ts";

const noBus = {
  readBus: () => false,
  writeBus: () => false,
  fetchPage: () => {},
  traceTrap: () => {},
};
const WORD = 0x0400_0000; // anywhere in memory

function modules(count: number) {
  const hart = new HartModule(1 << 16, noBus);
  const live = new LiveModules(hart);
  const slots = Array.from({ length: count }, (_, n) => {
    const first = live.takeSlots(2);
    hart.setU32(WORD + 4 * n, 1000 + n);
    live.add(first, 2, 10, [{ address: WORD + 4 * n, value: 1000 + n }]);
    return first;
  });
  return { hart, live, slots };
}

Deno.test("slots are consecutive, from 1", () => {
  assertEquals(modules(3).slots, [1, 3, 5]);
});

Deno.test("a module that nothing enters any more is let go, and its slots are taken again", () => {
  const { hart, live } = modules(40);
  hart.setU32(WORD + 4 * 7, 0);
  live.sweep();
  assertEquals([live.count, live.sizeBytes], [39, 390]);
  assertEquals([live.takeSlots(1), live.takeSlots(1), live.takeSlots(1)], [15, 16, 81]);
});

Deno.test("few new modules are not worth a look", () => {
  const { hart, live } = modules(5);
  hart.setU32(WORD, 0);
  live.sweep();
  assertEquals(live.count, 5);
});

Deno.test("slots given back are taken again; clearing begins anew", () => {
  const { live } = modules(2);
  const first = live.takeSlots(10);
  live.giveBack(first + 4, 6);
  assertEquals(live.takeSlots(6), first + 4);
  live.clear();
  assertEquals([live.count, live.sizeBytes, live.takeSlots(1)], [0, 0, 1]);
});
