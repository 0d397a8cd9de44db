import { assertEquals, assertThrows } from "@std/assert";
import { Mswi, Mtimer, type MtimerPort, Sswi } from "./aclint.ts";
import { Clint } from "./clint.ts";
import { Pin } from "./testing.ts";

const MTIME_LOW = 0x7ff8;
const MTIME_HIGH = 0x7ffc;

/** Timer registers in plain variables, in place of those of the harts. */
class TimerRegisters implements MtimerPort {
  mtime = 0x1122_3344_5566_7788n;
  readonly mtimecmp = [0x0102_0304_0506_0708n, 0x8000_0000_ffff_ffffn];

  readMtime(): bigint {
    return this.mtime;
  }
  writeMtime(value: bigint): void {
    this.mtime = value;
  }
  readMtimecmp(hart: number): bigint {
    const value = this.mtimecmp[hart];
    if (value === undefined) throw new RangeError(`no hart ${hart}`);
    return value;
  }
  writeMtimecmp(hart: number, value: bigint): void {
    this.readMtimecmp(hart);
    this.mtimecmp[hart] = value;
  }
}

Deno.test("MTIMER shows mtime and mtimecmp as halves, low first", () => {
  const mtimer = new Mtimer({ harts: 2, port: new TimerRegisters() });
  assertEquals(mtimer.read(MTIME_LOW, 4), 0x5566_7788);
  assertEquals(mtimer.read(MTIME_HIGH, 4), 0x1122_3344);
  assertEquals([0, 4, 8, 12].map((offset) => mtimer.read(offset, 4)), [
    0x0506_0708,
    0x0102_0304,
    0xffff_ffff,
    0x8000_0000,
  ]);
});

Deno.test("MTIMER writes one half and leaves the other", () => {
  const port = new TimerRegisters();
  const mtimer = new Mtimer({ harts: 2, port });
  mtimer.write(8, 4, 0xdead_beef);
  mtimer.write(4, 4, 0xffff_ffff);
  assertEquals(port.mtimecmp, [0xffff_ffff_0506_0708n, 0x8000_0000_dead_beefn]);
  mtimer.write(MTIME_LOW, 4, 0);
  assertEquals(port.mtime, 0x1122_3344_0000_0000n);
  mtimer.write(MTIME_HIGH, 4, 0xf000_0000);
  assertEquals(port.mtime, 0xf000_0000_0000_0000n);
});

Deno.test("MTIMER has no registers for harts that are not there", () => {
  const port = new TimerRegisters();
  const mtimer = new Mtimer({ harts: 2, port });
  for (const offset of [0x10, 0x14, 0x7ff0, 0x7ff4]) {
    mtimer.write(offset, 4, 0xffff_ffff);
    assertEquals(mtimer.read(offset, 4), 0);
  }
  assertEquals(port, new TimerRegisters());
});

Deno.test("MTIMER reset clears mtime and asks for no interrupt", () => {
  const port = new TimerRegisters();
  new Mtimer({ harts: 2, port }).reset();
  assertEquals(port.mtime, 0n);
  assertEquals(port.mtimecmp, [0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn]);
});

Deno.test("MSWI: the line of each hart follows bit 0 of its msip", () => {
  const pins = [new Pin(), new Pin()];
  const mswi = new Mswi({ interrupts: pins });
  mswi.write(4, 4, 0xffff_ffff);
  assertEquals(pins.map((pin) => pin.level), [false, true]);
  assertEquals([mswi.read(0, 4), mswi.read(4, 4)], [0, 1]);
  mswi.write(4, 4, 0xffff_fffe);
  assertEquals(pins.map((pin) => pin.level), [false, false]);
  mswi.write(8, 4, 1);
  assertEquals(mswi.read(8, 4), 0);
});

Deno.test("SSWI: a store of 1 to setssip is one edge, and reads give 0", () => {
  const edges: number[] = [];
  const sswi = new Sswi({ harts: 2, port: { setSsip: (hart) => edges.push(hart) } });
  sswi.write(4, 4, 1);
  sswi.write(4, 4, 0xffff_ffff);
  sswi.write(0, 4, 0xffff_fffe);
  sswi.write(8, 4, 1);
  sswi.write(0, 4, 1);
  assertEquals(edges, [1, 1, 0]);
  assertEquals(sswi.read(4, 4), 0);
});

Deno.test("CLINT is MSWI at 0 and MTIMER at 0x4000", () => {
  const pins = [new Pin(), new Pin()];
  const port = new TimerRegisters();
  const clint = new Clint({ softwareInterrupts: pins, mtimer: port });
  clint.write(0x0004, 4, 1);
  assertEquals(pins.map((pin) => pin.level), [false, true]);
  clint.write(0x4008, 4, 5);
  clint.write(0x400c, 4, 0);
  assertEquals(port.mtimecmp[1], 5n);
  assertEquals(clint.read(0xbff8, 4), 0x5566_7788);
  assertEquals(clint.read(0xbffc, 4), 0x1122_3344);
  clint.write(0xc000, 4, 1);
  assertEquals(clint.read(0xc000, 4), 0);
});

Deno.test("chips for no hart or for more than there are registers are refused", () => {
  const port = new TimerRegisters();
  assertThrows(() => new Mtimer({ harts: 0, port }), RangeError, "aclint_mtimer for 0 harts");
  assertThrows(() => new Mtimer({ harts: 4096, port }), RangeError, "4096 harts");
  assertThrows(() => new Mswi({ interrupts: [] }), RangeError, "aclint_mswi for 0 harts");
  assertThrows(() => new Sswi({ harts: 1.5, port: { setSsip() {} } }), RangeError, "1.5 harts");
});
