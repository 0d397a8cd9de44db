import { assertEquals } from "@std/assert";
import { Pacer } from "./pacer.ts";

Deno.test("a machine ahead of the wall clock sleeps for as long as it is ahead", () => {
  const pacer = new Pacer(1000, 0);
  assertEquals(pacer.aheadMs(1001, 10), 9);
  assertEquals(pacer.aheadMs(1010, 30), 20);
  assertEquals(pacer.aheadMs(1030, 30), 0);
});

Deno.test("time lost by a busy machine is not made up for", () => {
  const pacer = new Pacer(0, 0);
  assertEquals(pacer.aheadMs(500, 50), 0);
  assertEquals(pacer.aheadMs(501, 60), 9);
});
