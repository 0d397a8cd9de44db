import { assertEquals, assertThrows } from "@std/assert";
import { FakeClock, Pin } from "./testing.ts";
import { Uart16550, UART16550_REGISTERS as R } from "./uart16550.ts";

/** A UART whose guest side is used by register name. */
function bench() {
  const clock = new FakeClock();
  const interrupt = new Pin();
  const sent: number[] = [];
  const uart = new Uart16550({ clock, interrupt, onTransmit: (byte) => sent.push(byte) });
  return {
    clock,
    interrupt,
    sent,
    uart,
    read: (name: keyof typeof R) => uart.read(R[name].offset, 1),
    write: (name: keyof typeof R, value: number) => uart.write(R[name].offset, 1, value),
  };
}

type TestBench = ReturnType<typeof bench>;

/** 115200 baud 8N1, as Linux sets it: 16 clocks a bit, 10 bits a character, 4 characters. */
const TIMEOUT_115200_NS = 4n * (16n * 2n * 10n * 1_000_000_000n / 3_686_400n);

function set115200(b: TestBench): void {
  b.write("LCR", 0x83);
  b.write("DLL", 2);
  b.write("DLM", 0);
  b.write("LCR", 0x03);
}

Deno.test("a byte written to THR is sent at once, and the transmitter stays empty", () => {
  const b = bench();
  for (const byte of [0x68, 0x00, 0xff]) {
    b.write("THR", byte);
    assertEquals(b.read("LSR"), 0x60);
  }
  assertEquals(b.sent, [0x68, 0x00, 0xff]);
});

Deno.test("wide accesses reach the one register at their offset", () => {
  const b = bench();
  b.uart.write(R.SCR.offset, 4, 0xdead_be5a);
  assertEquals(b.uart.read(R.SCR.offset, 4), 0x5a);
  b.uart.write(R.THR.offset, 4, 0x4142_4344);
  assertEquals(b.sent, [0x44]);
});

Deno.test("DLAB puts the divisor latch in front of RBR, THR and IER", () => {
  const b = bench();
  b.write("IER", 0x05);
  b.write("LCR", 0x80);
  b.write("DLL", 0x34);
  b.write("DLM", 0x12);
  assertEquals([b.read("DLL"), b.read("DLM")], [0x34, 0x12]);
  b.write("LCR", 0x03);
  assertEquals(b.read("IER"), 0x05);
  assertEquals(b.sent, []);
});

Deno.test("registers keep only the bits they have", () => {
  const b = bench();
  b.write("IER", 0xff);
  b.write("MCR", 0xff);
  b.write("LCR", 0x7f);
  b.write("SCR", 0xa5);
  assertEquals([b.read("IER"), b.read("MCR"), b.read("LCR"), b.read("SCR")], [
    0x0f,
    0x1f,
    0x7f,
    0xa5,
  ]);
});

Deno.test("LSR, MSR and the offsets behind the registers ignore writes", () => {
  const b = bench();
  const before = b.uart.save();
  for (const offset of [R.LSR.offset, R.MSR.offset, 8, 0x42, 0xff]) b.uart.write(offset, 1, 0xff);
  assertEquals(b.uart.save(), before);
  assertEquals(b.uart.read(8, 1), 0);
});

// The steps of autoconfig() in Linux's 8250 driver that tell a 16550A from its relatives.
Deno.test("Linux's probe finds a 16550A", () => {
  const b = bench();
  b.write("IER", 0x00);
  assertEquals(b.read("IER"), 0x00);
  b.write("IER", 0x0f);
  assertEquals(b.read("IER") & 0x0f, 0x0f);
  b.write("IER", 0x00);

  b.write("MCR", 0x10 | 0x0a); // Loopback with OUT2 and RTS: DCD and CTS come back.
  assertEquals(b.read("MSR") & 0xf0, 0x90);
  b.write("MCR", 0x00);

  b.write("FCR", 0x01);
  assertEquals(b.read("IIR") >> 6, 3, "both FIFO bits: 16550A");

  b.write("LCR", 0x80);
  assertEquals(b.read("IIR") === 0, false, "not an EFR: no 16650");
  b.write("LCR", 0xbf);
  assertEquals(b.read("IIR") === 0, false, "not an EFR: no 16850");
  b.write("LCR", 0x80);
  b.write("FCR", 0x21);
  assertEquals(b.read("IIR") >> 5, 6, "no 64-byte FIFO: no 16750");
  b.write("LCR", 0x00);
  b.write("IER", 0x40);
  assertEquals(b.read("IER"), 0x00, "no UUE bit: no XScale");
});

// serial8250_do_startup(): a THRE interrupt must come back each time THRI is enabled anew.
Deno.test("Linux's startup tests find working THRE interrupts", () => {
  const b = bench();
  b.write("IER", 0x02);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("IIR"), 0x02);
  assertEquals(b.interrupt.level, false, "reading IIR takes it back");
  assertEquals(b.read("IIR"), 0x01);
  b.write("IER", 0x00);
  b.write("IER", 0x02);
  assertEquals(b.read("IIR"), 0x02);
  b.write("IER", 0x00);
  assertEquals(b.interrupt.level, false);
});

Deno.test("each byte sent asks for the next by a THRE interrupt", () => {
  const b = bench();
  b.write("IER", 0x02);
  b.read("IIR");
  b.write("THR", 0x41);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("IIR"), 0x02);
  assertEquals(b.interrupt.level, false);
  b.write("IER", 0x02); // No edge of THRI, nothing sent: nothing new.
  assertEquals(b.read("IIR"), 0x01);
});

Deno.test("emptying the transmitter interrupts at once", () => {
  const b = bench();
  b.write("IER", 0x02);
  for (const fcr of [0x01, 0x05, 0x00]) {
    b.read("IIR");
    assertEquals(b.interrupt.level, false);
    b.write("FCR", fcr);
    assertEquals(b.interrupt.level, true, `FCR ${fcr}`);
  }
  b.read("IIR");
  b.write("FCR", 0x00);
  assertEquals(b.interrupt.level, false, "nothing was emptied");
});

Deno.test("reading IIR keeps a THRE interrupt that it does not report", () => {
  const b = bench();
  b.write("IER", 0x03);
  b.uart.receive(Uint8Array.of(0x61));
  assertEquals(b.read("IIR"), 0x04);
  assertEquals(b.read("RBR"), 0x61);
  assertEquals(b.read("IIR"), 0x02);
  assertEquals(b.read("IIR"), 0x01);
});

Deno.test("without FIFOs one byte is received at a time", () => {
  const b = bench();
  b.write("IER", 0x01);
  assertEquals(b.uart.rxRoom, 1);
  assertEquals(b.uart.receive(Uint8Array.of(1, 2, 3)), 1);
  assertEquals(b.uart.rxRoom, 0);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("LSR"), 0x61);
  assertEquals(b.read("RBR"), 1);
  assertEquals(b.interrupt.level, false);
  assertEquals([b.read("LSR"), b.read("RBR")], [0x60, 0]);
});

Deno.test("the receive FIFO takes 16 bytes and refuses the 17th", () => {
  const b = bench();
  b.write("FCR", 0x01);
  const bytes = Uint8Array.from({ length: 20 }, (_, index) => index + 1);
  assertEquals(b.uart.receive(bytes), 16);
  assertEquals(b.uart.receive(bytes), 0);
  assertEquals(b.read("LSR"), 0x61, "no overrun: the host waits");
  assertEquals(Array.from({ length: 16 }, () => b.read("RBR")), [...bytes.subarray(0, 16)]);
  assertEquals(b.read("LSR"), 0x60);
});

Deno.test("received data interrupts at the trigger level and stops below it", () => {
  for (const [fcr, trigger] of [[0x01, 1], [0x41, 4], [0x81, 8], [0xc1, 14]] as const) {
    const b = bench();
    b.write("FCR", fcr);
    b.write("IER", 0x01);
    b.uart.receive(new Uint8Array(trigger - 1));
    assertEquals(b.interrupt.level, false);
    b.uart.receive(new Uint8Array(1));
    assertEquals(b.interrupt.level, true, `${trigger} bytes`);
    assertEquals(b.read("IIR"), 0xc4);
    b.read("RBR");
    assertEquals(b.interrupt.level, false);
  }
});

Deno.test("bytes below the trigger level interrupt after four character times", () => {
  const b = bench();
  set115200(b);
  b.write("FCR", 0x81);
  b.write("IER", 0x01);
  b.uart.receive(Uint8Array.of(0x61, 0x62));
  b.clock.advance(TIMEOUT_115200_NS - 1n);
  assertEquals(b.interrupt.level, false);
  b.uart.receive(Uint8Array.of(0x63)); // Starts the wait anew.
  b.clock.advance(TIMEOUT_115200_NS - 1n);
  assertEquals(b.interrupt.level, false);
  b.clock.advance(1n);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("IIR"), 0xcc);
  assertEquals(b.read("RBR"), 0x61);
  assertEquals(b.interrupt.level, false);
  b.clock.advance(TIMEOUT_115200_NS);
  assertEquals(b.interrupt.level, true, "two bytes still wait");
  assertEquals([b.read("RBR"), b.read("RBR")], [0x62, 0x63]);
  assertEquals(b.interrupt.level, false);
  assertEquals(b.clock.pendingEvents, 0);
});

Deno.test("the character timeout follows LCR and the divisor", () => {
  const b = bench();
  b.write("LCR", 0x80);
  b.write("DLL", 0x00);
  b.write("DLM", 0x01);
  b.write("LCR", 0x0f); // 8 data bits, parity, 2 stop bits: 12 with the start bit.
  b.write("FCR", 0xc1);
  b.write("IER", 0x01);
  b.uart.receive(Uint8Array.of(1));
  const timeoutNs = 4n * (16n * 256n * 12n * 1_000_000_000n / 3_686_400n);
  b.clock.advance(timeoutNs - 1n);
  assertEquals(b.interrupt.level, false);
  b.clock.advance(1n);
  assertEquals(b.interrupt.level, true);
});

Deno.test("clearing the receive FIFO drops its bytes and their timeout", () => {
  const b = bench();
  b.write("FCR", 0xc1);
  b.write("IER", 0x01);
  b.uart.receive(Uint8Array.of(1, 2));
  b.write("FCR", 0xc3);
  assertEquals(b.read("LSR"), 0x60);
  b.clock.advance(1_000_000_000n);
  assertEquals(b.interrupt.level, false);
  b.uart.receive(Uint8Array.of(3));
  b.write("FCR", 0x00); // Turning the FIFOs off clears them too.
  assertEquals(b.read("LSR"), 0x60);
  assertEquals(b.read("IIR"), 0x01);
});

Deno.test("FCR bits without the enable bit are not programmed", () => {
  const b = bench();
  b.write("FCR", 0xc0);
  assertEquals(b.read("IIR"), 0x01);
  assertEquals(b.uart.save().fields.fcr, 0);
});

Deno.test("interrupts come in the order line status, data, THRE, modem status", () => {
  const b = bench();
  b.write("IER", 0x0f);
  b.write("MCR", 0x10); // CTS, DSR and DCD drop: three deltas.
  b.write("THR", 0x55);
  b.write("THR", 0xaa); // Comes back into a full RBR: overrun.
  assertEquals(b.read("IIR"), 0x06);
  assertEquals(b.read("LSR"), 0x63);
  assertEquals(b.read("IIR"), 0x04);
  assertEquals(b.read("RBR"), 0xaa);
  assertEquals(b.read("IIR"), 0x02);
  assertEquals(b.read("IIR"), 0x00);
  assertEquals(b.read("MSR"), 0x0b);
  assertEquals(b.read("IIR"), 0x01);
  assertEquals(b.interrupt.level, false);
});

Deno.test("loopback brings bytes back and cuts the line off", () => {
  const b = bench();
  b.write("FCR", 0x01);
  b.write("MCR", 0x10);
  for (let byte = 0; byte < 17; byte++) b.write("THR", byte);
  assertEquals(b.sent, []);
  assertEquals(b.uart.rxRoom, 0);
  assertEquals(b.uart.receive(Uint8Array.of(1)), 0);
  assertEquals(b.uart.receiveBreak(), false);
  assertEquals(b.read("LSR"), 0x63, "17 bytes overrun the FIFO");
  assertEquals(b.read("LSR"), 0x61, "reading LSR clears the overrun");
  assertEquals(Array.from({ length: 16 }, () => b.read("RBR")), Array.from(Array(16).keys()));
});

Deno.test("loopback brings the modem outputs back as inputs, with their changes", () => {
  const b = bench();
  assertEquals(b.read("MSR"), 0xb0);
  b.write("MCR", 0x1f);
  assertEquals(b.read("MSR"), 0xf0, "RI rose: no change that MSR reports");
  b.write("MCR", 0x10);
  assertEquals(b.read("MSR"), 0x0f, "all dropped, RI's end included");
  assertEquals(b.read("MSR"), 0x00);
  for (const [mcr, msr] of [[0x01, 0x20], [0x02, 0x10], [0x04, 0x40], [0x08, 0x80]] as const) {
    b.write("MCR", 0x10 | mcr);
    assertEquals(b.read("MSR") & 0xf0, msr);
  }
});

Deno.test("a break shows in LSR when its byte is next to be read", () => {
  const b = bench();
  b.write("FCR", 0x81);
  b.write("IER", 0x04);
  b.uart.receive(Uint8Array.of(0x61));
  assertEquals(b.uart.receiveBreak(), true);
  b.uart.receive(Uint8Array.of(0x68));
  assertEquals(b.interrupt.level, false);
  assertEquals(b.read("LSR"), 0xe1, "an error is in the FIFO, not at its top");
  assertEquals(b.read("RBR"), 0x61);
  assertEquals(b.interrupt.level, true);
  assertEquals(b.read("IIR"), 0xc6);
  assertEquals(b.read("LSR"), 0xf1);
  assertEquals(b.interrupt.level, false);
  assertEquals([b.read("RBR"), b.read("LSR"), b.read("RBR")], [0x00, 0x61, 0x68]);
});

Deno.test("a host that sends as room comes up loses nothing, whatever the FIFO size", () => {
  for (const fcr of [0x00, 0x01, 0xc1]) {
    const b = bench();
    const text = Uint8Array.from({ length: 100 }, (_, index) => index);
    let sent = 0;
    b.uart.onRxRoom = () => void (sent += b.uart.receive(text.subarray(sent)));
    b.write("FCR", fcr);
    b.uart.onRxRoom();
    const received: number[] = [];
    while ((b.read("LSR") & 1) !== 0) received.push(b.read("RBR"));
    assertEquals(received, [...text]);
  }
});

Deno.test("leaving loopback, clearing the FIFO and reset tell the host of the room", () => {
  const b = bench();
  let calls = 0;
  b.uart.onRxRoom = () => calls++;
  b.write("MCR", 0x10);
  b.write("FCR", 0x01); // No room while in loopback.
  assertEquals(calls, 0);
  b.write("MCR", 0x00);
  assertEquals(calls, 1);
  b.write("FCR", 0x03);
  assertEquals(calls, 2);
  b.uart.reset();
  assertEquals(calls, 3);
});

Deno.test("a restored UART times out at the instant the first one would have", () => {
  const b = bench();
  set115200(b);
  b.write("FCR", 0xc1);
  b.write("IER", 0x01);
  b.uart.receive(Uint8Array.of(0x61));
  b.clock.advance(1_000n);
  const clock = new FakeClock();
  clock.nowNs = b.clock.nowNs;
  const interrupt = new Pin();
  const second = new Uart16550({ clock, interrupt });
  second.restore(b.uart.save());
  clock.advance(TIMEOUT_115200_NS - 1_001n);
  assertEquals(interrupt.level, false);
  clock.advance(1n);
  assertEquals(interrupt.level, true);
});

Deno.test("restore refuses what the registers cannot hold, and an impossible clock is refused", () => {
  const { uart } = bench();
  const state = uart.save();
  for (
    const [field, value] of [
      ["ier", 0x10],
      ["fcr", 0x03],
      ["fcr", 0x80],
      ["mcr", 0x20],
      ["divisor", 0x1_0000],
      ["lineErrors", 0x04],
      ["modemDeltas", 0x10],
      ["receiveFifo", [1, 2]],
      ["receiveFifo", [0x101]],
    ] as const
  ) {
    const bad = { ...state, fields: { ...state.fields, [field]: value } };
    assertThrows(() => uart.restore(bad), RangeError, `"${field}`);
    assertEquals(uart.save(), state);
  }
  const clock = new FakeClock();
  assertThrows(
    () => new Uart16550({ clock, interrupt: new Pin(), clockHz: 0 }),
    RangeError,
    "0 Hz",
  );
});
