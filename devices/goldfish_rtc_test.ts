import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_EPOCH_NS, GOLDFISH_RTC_REGISTERS as R, GoldfishRtc } from "./goldfish_rtc.ts";
import { FakeClock, Pin } from "./testing.ts";

/** An RTC used as Linux's rtc-goldfish driver does. */
function bench(epochNs?: bigint) {
  const clock = new FakeClock();
  const interrupt = new Pin();
  const rtc = new GoldfishRtc({ clock, interrupt, ...(epochNs === undefined ? {} : { epochNs }) });
  const read = (name: keyof typeof R) => rtc.read(R[name].offset, 4);
  const write = (name: keyof typeof R, value: number) => rtc.write(R[name].offset, 4, value);
  const writeTwo = (high: keyof typeof R, low: keyof typeof R, value: bigint) => {
    write(high, Number(value >> 32n));
    write(low, Number(value & 0xffff_ffffn));
  };
  return {
    clock,
    interrupt,
    rtc,
    read,
    write,
    readTime: () => BigInt(read("TIME_LOW")) | BigInt(read("TIME_HIGH")) << 32n,
    setTime: (value: bigint) => writeTwo("TIME_HIGH", "TIME_LOW", value),
    setAlarm: (value: bigint) => writeTwo("ALARM_HIGH", "ALARM_LOW", value),
  };
}

Deno.test("time starts at the default epoch, 2025-01-01, and follows virtual time", () => {
  const b = bench();
  assertEquals(b.readTime(), BigInt(Date.UTC(2025, 0, 1)) * 1_000_000n);
  b.clock.advance(12_345n);
  assertEquals(b.readTime(), DEFAULT_EPOCH_NS + 12_345n);
});

Deno.test("reading TIME_LOW latches TIME_HIGH", () => {
  const b = bench(0x1_ffff_ffffn);
  assertEquals(b.read("TIME_HIGH"), 0);
  assertEquals(b.read("TIME_LOW"), 0xffff_ffff);
  b.clock.advance(1n);
  assertEquals(b.read("TIME_HIGH"), 1);
  assertEquals(b.read("TIME_LOW"), 0);
  assertEquals(b.read("TIME_HIGH"), 2);
});

Deno.test("the guest can set the time, and it goes on from there", () => {
  const b = bench();
  b.clock.advance(5_000_000_000n);
  b.setTime(1_000_000_000_000_000_000n);
  b.clock.advance(7n);
  assertEquals(b.readTime(), 1_000_000_000_000_000_007n);
  b.setTime(3n); // Before the epoch as well.
  assertEquals(b.readTime(), 3n);
});

Deno.test("an alarm interrupts at its nanosecond", () => {
  const b = bench(1_000n);
  b.write("IRQ_ENABLED", 1);
  b.setAlarm(6_000_000_000n);
  assertEquals(b.read("ALARM_STATUS"), 1);
  b.clock.advance(5_999_998_999n);
  assertEquals(b.interrupt.level, false);
  b.clock.advance(1n);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("ALARM_STATUS"), 0);
  assertEquals([b.read("ALARM_HIGH"), b.read("ALARM_LOW")], [1, 6_000_000_000 - 2 ** 32]);
  b.write("CLEAR_INTERRUPT", 1);
  assertEquals(b.interrupt.level, false);
});

Deno.test("an alarm in the past interrupts at once", () => {
  const b = bench(1_000n);
  b.write("IRQ_ENABLED", 1);
  b.setAlarm(1_000n);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("ALARM_STATUS"), 0);
});

Deno.test("a pending alarm reaches the line when interrupts are enabled", () => {
  const b = bench(1_000n);
  b.setAlarm(2_000n);
  b.clock.advance(1_000n);
  assertEquals(b.interrupt.level, false);
  b.write("IRQ_ENABLED", 0xffff_ffff);
  assertEquals(b.read("IRQ_ENABLED"), 1);
  assertEquals(b.interrupt.level, true);
  b.write("IRQ_ENABLED", 0xffff_fffe);
  assertEquals(b.interrupt.level, false);
});

Deno.test("CLEAR_ALARM disarms, a new alarm replaces the old one", () => {
  const b = bench(0n);
  b.write("IRQ_ENABLED", 1);
  b.setAlarm(1_000n);
  b.write("CLEAR_ALARM", 1);
  assertEquals(b.read("ALARM_STATUS"), 0);
  assertEquals(b.clock.pendingEvents, 0);
  b.setAlarm(2_000n);
  b.setAlarm(3_000n);
  b.clock.advance(2_999n);
  assertEquals(b.interrupt.level, false);
  b.clock.advance(1n);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.clock.pendingEvents, 0);
});

Deno.test("writing ALARM_HIGH alone arms nothing", () => {
  const b = bench(0n);
  b.write("ALARM_HIGH", 0);
  assertEquals(b.read("ALARM_STATUS"), 0);
});

Deno.test("setting the time moves an armed alarm along", () => {
  const b = bench(0n);
  b.write("IRQ_ENABLED", 1);
  b.setAlarm(1_000_000n);
  b.setTime(999_000n);
  b.clock.advance(999n);
  assertEquals(b.interrupt.level, false);
  b.clock.advance(1n);
  assertEquals(b.interrupt.level, true);
});

Deno.test("a restored RTC shows the same time and fires at the same instant", () => {
  const b = bench();
  b.write("IRQ_ENABLED", 1);
  b.setTime(500n);
  b.setAlarm(10_000n);
  b.clock.advance(100n);
  const clock = new FakeClock();
  clock.nowNs = b.clock.nowNs;
  const interrupt = new Pin();
  const second = new GoldfishRtc({ clock, interrupt, epochNs: 0n });
  second.restore(b.rtc.save());
  assertEquals(second.read(R.TIME_LOW.offset, 4), 600);
  clock.advance(9_399n);
  assertEquals(interrupt.level, false);
  clock.advance(1n);
  assertEquals(interrupt.level, true);
});

Deno.test("an epoch that is no unsigned 64-bit number is refused", () => {
  for (const epochNs of [-1n, 1n << 64n]) assertThrows(() => bench(epochNs), RangeError, "epoch");
});
