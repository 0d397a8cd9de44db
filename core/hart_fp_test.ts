import { assertEquals } from "@std/assert";
Deno.test("x", async () => {
  const { FpHart } = await import("./hart_fp_testing.ts");
  const h = await FpHart.compile();
  assertEquals(h.run("fadd.d", 0, [0x3ff0000000000000n, 0x3ff0000000000000n]), { value: 0x4000000000000000n, fflags: 0 });
});
