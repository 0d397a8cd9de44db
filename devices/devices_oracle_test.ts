// Holds the chips against those of QEMU's virt board by register accesses alone. Where a chip
// differs on purpose, the script leaves the difference out and says why.

import { assertEquals } from "@std/assert";
import { Clint } from "./clint.ts";
import { GOLDFISH_RTC_REGISTERS, GoldfishRtc } from "./goldfish_rtc.ts";
import { Plic, PLIC_REGISTERS } from "./plic.ts";
import { type FinishRequest, TestFinisher } from "./test_finisher.ts";
import { FakeClock, Pin, Random } from "./testing.ts";
import { qemuExitCode, qemuMissing, QtestScript } from "./qtest.ts";
import { Uart16550, UART16550_REGISTERS } from "./uart16550.ts";

const missing = qemuMissing();
if (missing !== undefined) console.log(`devices_oracle_test: skipped, ${missing}`);

function oracleTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `as on QEMU: ${name}`, ignore: missing !== undefined, fn });
}

const PLIC_BASE = 0x0c00_0000;
const CLINT_BASE = 0x0200_0000;
const UART_BASE = 0x1000_0000;
const RTC_BASE = 0x0010_1000;
const TEST_BASE = 0x0010_0000;
const UART_SOURCE = 10;
const RTC_SOURCE = 11;

function uartOnBench() {
  const interrupt = new Pin();
  const device = new Uart16550({ clock: new FakeClock(), interrupt });
  return { base: UART_BASE, device };
}

oracleTest("a register storm on uart16550", async () => {
  const { RBR, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR, THR } = UART16550_REGISTERS;
  for (const seed of [1, 2, 3, 4]) {
    const random = new Random(seed);
    const script = new QtestScript();
    const uart = uartOnBench();
    const write = (row: { offset: number }, value: number) =>
      script.write(uart, row.offset, 1, value);
    const read = (row: { offset: number }, mask?: number) => script.read(uart, row.offset, 1, mask);
    write(MCR, 0); // QEMU comes up with OUT2 set.
    for (let step = 0; step < 2_000; step++) {
      const byte = random.below(256);
      const actions = [
        () => write(LCR, byte & (random.below(4) === 0 ? 0xff : 0x7f)),
        () => write(SCR, byte),
        () => write(MCR, random.below(2) === 0 ? byte | 0x10 : byte),
        () => write(FCR, random.below(2) === 0 ? byte | 0x01 : byte & ~1),
        // Without modem status interrupts: QEMU has no deltas in loopback.
        () => write(IER, uartDlab(uart.device) ? byte : byte & 0x07),
        () => write(THR, byte),
        () => {
          // Around the trigger levels and the depth of the FIFO.
          for (let sent = 0; sent < byte % 18; sent++) write(THR, sent);
        },
        () => read(LCR),
        () => read(MCR),
        () => read(SCR),
        () => read(IER),
        () => read(IIR),
        () => read(LSR),
        () => read(MSR, 0xf0),
        () => {
          // With nothing received, QEMU shows the last byte where we show 0.
          const received = (read(LSR) & 1) !== 0;
          if (received || uartDlab(uart.device)) read(RBR);
        },
      ];
      random.pick(actions)();
    }
    await script.assertSameOnQemu();
  }
});

function uartDlab(uart: Uart16550): boolean {
  return (uart.read(UART16550_REGISTERS.LCR.offset, 1) & 0x80) !== 0;
}

oracleTest("priorities, enables and thresholds of plic", async () => {
  const { priority, enable, threshold, claim, pending } = PLIC_REGISTERS;
  const random = new Random(5);
  const script = new QtestScript();
  const pins = Array.from({ length: 4 }, () => new Pin());
  const plic = { base: PLIC_BASE, device: new Plic({ contexts: pins }) };
  for (let step = 0; step < 2_000; step++) {
    const context = random.below(4);
    // Source 0 is absent; QEMU 7.2 keeps what is written for it.
    const source = 1 + random.below(95);
    const word = source >>> 5;
    const offset = random.pick([
      priority.offset + 4 * source,
      enable.offset + context * enable.strideBytes + 4 * word,
      threshold.offset + context * threshold.strideBytes,
      claim.offset + context * claim.strideBytes,
      pending.offset + 4 * word,
    ]);
    if (random.below(2) === 0) {
      script.write(plic, offset, 4, random.uint32());
    } else {
      const isEnableWord0 = offset >= enable.offset && offset < threshold.offset && word === 0;
      script.read(plic, offset, 4, isEnableWord0 ? 0xffff_fffe : 0xffff_ffff);
    }
  }
  await script.assertSameOnQemu();
});

oracleTest("uart16550 and goldfish_rtc interrupt through plic", async () => {
  const { priority, enable, claim, pending } = PLIC_REGISTERS;
  const script = new QtestScript();
  const plicDevice = new Plic({ contexts: Array.from({ length: 4 }, () => new Pin()) });
  const plic = { base: PLIC_BASE, device: plicDevice };
  const clock = new FakeClock();
  const uart = {
    base: UART_BASE,
    device: new Uart16550({ clock, interrupt: plicDevice.source(UART_SOURCE) }),
  };
  const rtc = {
    base: RTC_BASE,
    device: new GoldfishRtc({ clock, interrupt: plicDevice.source(RTC_SOURCE) }),
  };
  const context = 1;
  const claimOffset = claim.offset + context * claim.strideBytes;
  script.write(plic, priority.offset + 4 * UART_SOURCE, 4, 2);
  script.write(plic, priority.offset + 4 * RTC_SOURCE, 4, 5);
  const bothSources = (1 << UART_SOURCE) | (1 << RTC_SOURCE);
  script.write(plic, enable.offset + context * enable.strideBytes, 4, bothSources);

  script.write(uart, UART16550_REGISTERS.IER.offset, 1, 0x02);
  assertEquals(script.read(plic, pending.offset, 4), 1 << UART_SOURCE);
  script.write(rtc, GOLDFISH_RTC_REGISTERS.ALARM_LOW.offset, 4, 1);
  assertEquals(script.read(plic, pending.offset, 4), 1 << UART_SOURCE);
  script.write(rtc, GOLDFISH_RTC_REGISTERS.IRQ_ENABLED.offset, 4, 1);
  assertEquals(script.read(plic, pending.offset, 4), bothSources);

  assertEquals(script.read(plic, claimOffset, 4), RTC_SOURCE);
  script.write(rtc, GOLDFISH_RTC_REGISTERS.CLEAR_INTERRUPT.offset, 4, 1);
  script.write(plic, claimOffset, 4, RTC_SOURCE);
  assertEquals(script.read(plic, claimOffset, 4), UART_SOURCE);
  assertEquals(script.read(uart, UART16550_REGISTERS.IIR.offset, 1), 0x02);
  script.write(plic, claimOffset, 4, UART_SOURCE);
  assertEquals(script.read(plic, claimOffset, 4), 0);
  assertEquals(script.read(plic, pending.offset, 4), 0);
  await script.assertSameOnQemu();
});

oracleTest("a register storm on clint", async () => {
  const random = new Random(6);
  const script = new QtestScript();
  let mtime = 0n;
  const mtimecmp = [0n, 0n];
  const clint = {
    base: CLINT_BASE,
    device: new Clint({
      softwareInterrupts: [new Pin(), new Pin()],
      mtimer: {
        readMtime: () => mtime,
        writeMtime: (value) => void (mtime = value),
        readMtimecmp: (hart) => mtimecmp[hart] ?? 0n,
        writeMtimecmp: (hart, value) => void (mtimecmp[hart] = value),
      },
    }),
  };
  const offsets = [0x0, 0x4, 0x8, 0x3ffc, 0x4000, 0x4004, 0x4008, 0x400c, 0x4010, 0xbff8, 0xbffc];
  for (let step = 0; step < 2_000; step++) {
    const offset = random.pick(offsets);
    if (random.below(2) === 0) script.write(clint, offset, 4, random.uint32());
    else script.read(clint, offset, 4);
  }
  await script.assertSameOnQemu();
});

oracleTest("a register storm on goldfish_rtc", async () => {
  const { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED } = GOLDFISH_RTC_REGISTERS;
  const { CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT } = GOLDFISH_RTC_REGISTERS;
  const readable = [TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, ALARM_STATUS];
  const random = new Random(7);
  const script = new QtestScript();
  const interrupt = new Pin();
  const rtc = {
    base: RTC_BASE,
    device: new GoldfishRtc({ clock: new FakeClock(), interrupt }),
  };
  for (let step = 0; step < 2_000; step++) {
    // High halves stay small: QEMU's timers are signed.
    const high = random.uint32() >>> 2;
    const setTime = [
      // Not while an alarm is armed: QEMU keeps its old moment then.
      () => script.write(rtc, CLEAR_ALARM.offset, 4, 1),
      () => script.write(rtc, TIME_HIGH.offset, 4, high),
      () => script.write(rtc, TIME_LOW.offset, 4, random.uint32()),
    ];
    const actions = [
      () => setTime.forEach((act) => act()),
      () => script.write(rtc, ALARM_LOW.offset, 4, random.uint32()),
      () => script.write(rtc, ALARM_HIGH.offset, 4, high),
      () => script.write(rtc, IRQ_ENABLED.offset, 4, random.uint32()),
      () => script.write(rtc, CLEAR_ALARM.offset, 4, random.uint32()),
      () => script.write(rtc, CLEAR_INTERRUPT.offset, 4, random.uint32()),
      () => void script.read(rtc, random.pick(readable).offset, 4),
      () => void script.read(rtc, random.pick(readable).offset, 4),
      () => void script.read(rtc, random.pick(readable).offset, 4),
    ];
    random.pick(actions)();
  }
  await script.assertSameOnQemu();
});

oracleTest("test_finisher ends the machine with the same code", async () => {
  const stores = [[4, 0x5555], [4, 0x0007_3333], [2, 0x5555], [4, 0x0007_5555]] as const;
  for (const [width, value] of stores) {
    const requests: FinishRequest[] = [];
    const finisher = new TestFinisher({ onFinish: (request) => requests.push(request) });
    finisher.write(0, width, value);
    assertEquals(requests.map(({ code }) => code), [await qemuExitCode(TEST_BASE, width, value)]);
  }
});
