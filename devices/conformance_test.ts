import {
  Mswi,
  MSWI_REGISTERS,
  Mtimer,
  MTIMER_REGISTERS,
  type MtimerPort,
  Sswi,
  SSWI_REGISTERS,
} from "./aclint.ts";
import { Clint } from "./clint.ts";
import { testDeviceConformance } from "./conformance.ts";
import { GOLDFISH_RTC_REGISTERS, GoldfishRtc } from "./goldfish_rtc.ts";
import { Plic, PLIC_REGISTERS } from "./plic.ts";
import type { RegisterTable } from "./register_table.ts";
import { TEST_FINISHER_REGISTERS, TestFinisher } from "./test_finisher.ts";
import { Pin, type Random } from "./testing.ts";
import { Uart16550, UART16550_REGISTERS } from "./uart16550.ts";
import { EchoBackend, FakeMemory, RAM, TestDriver } from "./virtio/driver_testing.ts";
import { VIRTIO_MMIO_REGISTERS, VirtioMmio } from "./virtio/virtio_mmio.ts";
import { VirtioRng } from "./virtio/virtio_rng.ts";

const HARTS = 3;

testDeviceConformance({
  name: "uart16550",
  registers: UART16550_REGISTERS,
  build(clock) {
    const interrupt = new Pin();
    const uart = new Uart16550({ clock, interrupt });
    const { IER, FCR, LCR, MCR, SCR, THR, DLL, DLM } = UART16550_REGISTERS;
    return {
      device: uart,
      clock,
      pins: [interrupt],
      mutate() {
        uart.write(LCR.offset, 1, 0x80);
        uart.write(DLL.offset, 1, 0x34);
        uart.write(DLM.offset, 1, 0x12);
        uart.write(LCR.offset, 1, 0x1b);
        uart.write(FCR.offset, 1, 0xc1);
        uart.receive(Uint8Array.of(1));
        // 4 characters of 11 bits at divisor 0x1234 are 0.9 s.
        clock.advance(1_000_000_000n);
        uart.receiveBreak();
        uart.write(IER.offset, 1, 0x0e);
        uart.write(MCR.offset, 1, 0x10);
        for (let byte = 0; byte < 15; byte++) uart.write(THR.offset, 1, byte);
        uart.write(SCR.offset, 1, 0x5a);
      },
      hostTraffic(random: Random) {
        if (random.below(4) === 0) uart.receiveBreak();
        uart.receive(new Uint8Array(random.below(20)).fill(random.below(256)));
      },
    };
  },
});

testDeviceConformance({
  name: "plic",
  registers: PLIC_REGISTERS,
  build(clock) {
    const pins = Array.from({ length: 2 * HARTS }, () => new Pin());
    const plic = new Plic({ contexts: pins });
    const { priority, enable, threshold, claim } = PLIC_REGISTERS;
    return {
      device: plic,
      clock,
      pins,
      mutate() {
        for (const source of [1, 33, 95]) plic.write(priority.offset + 4 * source, 4, 5);
        for (let context = 0; context < pins.length; context++) {
          plic.write(enable.offset + context * enable.strideBytes, 4, 0x0000_0402);
          plic.write(enable.offset + context * enable.strideBytes + 8, 4, 0x8000_0000);
          plic.write(threshold.offset + context * threshold.strideBytes, 4, context);
        }
        for (const source of [1, 33, 95]) plic.source(source).set(true);
        plic.read(claim.offset, 4);
      },
      hostTraffic(random: Random) {
        plic.source(1 + random.below(95)).set(random.below(2) === 0);
      },
    };
  },
});

testDeviceConformance({
  name: "aclint mtimer",
  registers: MTIMER_REGISTERS,
  stateless: "mtime and mtimecmp are saved with the harts, where they live",
  build(clock) {
    const mtimer = new Mtimer({ harts: HARTS, port: fixedMtimer });
    return {
      device: mtimer,
      clock,
      pins: [],
      mutate: () => mtimer.write(MTIMER_REGISTERS.mtimecmp.offset, 4, 5),
    };
  },
});

testDeviceConformance({
  name: "aclint mswi",
  registers: MSWI_REGISTERS,
  build(clock) {
    const pins = Array.from({ length: HARTS }, () => new Pin());
    const mswi = new Mswi({ interrupts: pins });
    return {
      device: mswi,
      clock,
      pins,
      mutate: () => mswi.write(MSWI_REGISTERS.msip.offset + 4, 4, 1),
    };
  },
});

testDeviceConformance({
  name: "aclint sswi",
  registers: SSWI_REGISTERS,
  stateless: "an edge leaves nothing behind in the chip; mip.SSIP is saved with the hart",
  build(clock) {
    const sswi = new Sswi({ harts: HARTS, port: { setSsip() {} } });
    return {
      device: sswi,
      clock,
      pins: [],
      mutate: () => sswi.write(SSWI_REGISTERS.setssip.offset, 4, 1),
    };
  },
});

testDeviceConformance({
  name: "clint",
  registers: {
    msip: MSWI_REGISTERS.msip,
    mtimecmp: { ...MTIMER_REGISTERS.mtimecmp, offset: 0x4000 },
    mtime: { ...MTIMER_REGISTERS.mtime, offset: 0xbff8 },
  } satisfies RegisterTable,
  build(clock) {
    const pins = Array.from({ length: HARTS }, () => new Pin());
    const clint = new Clint({ softwareInterrupts: pins, mtimer: fixedMtimer });
    return { device: clint, clock, pins, mutate: () => clint.write(8, 4, 1) };
  },
});

testDeviceConformance({
  name: "test_finisher",
  registers: TEST_FINISHER_REGISTERS,
  stateless: "the request goes straight to the host",
  build(clock) {
    const finisher = new TestFinisher({ onFinish() {} });
    return { device: finisher, clock, pins: [], mutate: () => finisher.write(0, 4, 0x5555) };
  },
});

testDeviceConformance({
  name: "goldfish_rtc",
  registers: GOLDFISH_RTC_REGISTERS,
  build(clock) {
    const interrupt = new Pin();
    const rtc = new GoldfishRtc({ clock, interrupt });
    const { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED } = GOLDFISH_RTC_REGISTERS;
    return {
      device: rtc,
      clock,
      pins: [interrupt],
      mutate() {
        rtc.write(TIME_HIGH.offset, 4, 0x1900_0000);
        rtc.read(TIME_LOW.offset, 4);
        rtc.write(IRQ_ENABLED.offset, 4, 1);
        rtc.write(ALARM_LOW.offset, 4, 0); // In the past: pending at once.
        rtc.write(ALARM_HIGH.offset, 4, 0x1900_0001);
        rtc.write(ALARM_LOW.offset, 4, 77); // In the future: armed.
      },
    };
  },
});

testDeviceConformance({
  name: "virtio_mmio",
  registers: VIRTIO_MMIO_REGISTERS,
  build(clock) {
    const interrupt = new Pin();
    const memory = new FakeMemory();
    const echo = new EchoBackend();
    const device = new VirtioMmio({ memory, interrupt, backend: echo });
    return {
      device,
      clock,
      pins: [interrupt],
      memory: memory.bytes,
      mutate() {
        const driver = new TestDriver(device, memory);
        driver.offered();
        driver.start({ size: 4, queues: 2 });
        for (const queue of [0, 1]) {
          driver.describe(3, { address: RAM + 0x4000, sizeBytes: 64, flags: 2 * queue }, queue);
          driver.offer(3, queue);
          driver.notify(queue);
        }
        echo.configure(0x5a);
      },
      hostTraffic(random: Random) {
        const actions = [
          () => echo.answer(),
          () => void echo.send(new Uint8Array(random.below(20))),
          () => echo.configure(random.below(256)),
        ];
        random.pick(actions)();
      },
    };
  },
});

testDeviceConformance({
  name: "virtio_rng",
  registers: VIRTIO_MMIO_REGISTERS,
  keptByReset: { fields: ["seed", "position"], why: "the stream is the host's" },
  build(clock) {
    const interrupt = new Pin();
    const memory = new FakeMemory();
    const rng = new VirtioRng();
    const device = new VirtioMmio({ memory, interrupt, backend: rng });
    return {
      device,
      clock,
      pins: [interrupt],
      memory: memory.bytes,
      mutate() {
        rng.reseed(7);
        const driver = new TestDriver(device, memory);
        driver.offered();
        driver.start({ size: 4 });
        driver.write("QueueSel", 5);
        driver.describe(0, { address: RAM + 0x4000, sizeBytes: 64, flags: 2 });
        driver.offer(0);
        driver.notify();
      },
      hostTraffic: (random: Random) => rng.reseed(random.uint32()),
    };
  },
});

/**
 * Timer registers that keep their reset values: what the port holds is no part of a chip's state, so
 * it must not differ between a chip and its restored copy. `aclint_test.ts` has a port that works.
 */
const fixedMtimer: MtimerPort = {
  readMtime: () => 0n,
  writeMtime() {},
  readMtimecmp: () => 0xffff_ffff_ffff_ffffn,
  writeMtimecmp() {},
};
