import { assertEquals } from "@std/assert";
import { FakeClock, Pin, Random } from "./testing.ts";

Deno.test("FakeClock fires in the order of time, and of scheduling at the same time", () => {
  const clock = new FakeClock();
  const log: string[] = [];
  const note = (name: string) => () => log.push(`${name}@${clock.nowNs}`);
  clock.schedule(20n, note("late"));
  clock.schedule(10n, note("first"));
  clock.schedule(10n, note("second"));
  clock.schedule(11n, note("cancelled")).cancel();
  clock.advance(9n);
  assertEquals(log, []);
  clock.advance(100n);
  assertEquals(log, ["first@10", "second@10", "late@20"]);
  assertEquals(clock.nowNs, 109n);
  clock.schedule(5n, note("past"));
  clock.advance(0n);
  assertEquals(log.at(-1), "past@109");
});

Deno.test("an event may schedule another inside the same step", () => {
  const clock = new FakeClock();
  const times: bigint[] = [];
  const tick = () => {
    times.push(clock.nowNs);
    clock.schedule(clock.nowNs + 10n, tick);
  };
  clock.schedule(10n, tick);
  clock.advance(35n);
  assertEquals(times, [10n, 20n, 30n]);
});

Deno.test("Pin counts rising edges", () => {
  const pin = new Pin();
  for (const level of [true, true, false, true]) pin.set(level);
  assertEquals([pin.level, pin.risingEdges], [true, 2]);
});

Deno.test("Random repeats itself for a seed", () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return [random.uint32(), random.below(10), random.pick(["a", "b", "c"])];
  };
  assertEquals(draw(1), draw(1));
  assertEquals(draw(1)[0], 270369);
});
