/**
 * The conformance suite that every device passes: reset values, save and restore, refusal of bad
 * snapshots, and register storms. A new device adds one row to `conformance_test.ts`.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { AccessWidth, Device, SavedState, StateValue } from "../core/device.ts";
import type { RegisterRow, RegisterTable } from "./register_table.ts";
import { FakeClock, type Pin, Random } from "./testing.ts";

/** A device on the bench, with everything that it is wired to. */
export interface Bench {
  readonly device: Device;
  readonly clock: FakeClock;
  /** Its interrupt lines; all are low after reset. */
  readonly pins: readonly Pin[];
  /** Uses the guest registers and host ports so that every saved field changes. */
  mutate(): void;
  /** RAM that it reads and writes by itself, if it does. */
  readonly memory?: Uint8Array;
  /** Random traffic on the host-side ports, if there are any. */
  hostTraffic?(random: Random): void;
}

/** One row of the suite. */
export interface ConformanceCase {
  readonly name: string;
  readonly registers: RegisterTable;
  /** Sets up a new device; `clock` is the virtual time it lives in. */
  build(clock: FakeClock): Bench;
  /** Why the device has nothing to save; absent for a device with state. */
  readonly stateless?: string;
  /** Fields that a reset leaves as they are, with the reason. */
  readonly keptByReset?: { readonly fields: readonly string[]; readonly why: string };
}

const STORM_ACCESSES = 3_000;

/** Registers the tests of the suite for one device. */
export function testDeviceConformance(row: ConformanceCase): void {
  const build = () => row.build(new FakeClock());

  Deno.test(`${row.name}: reset gives the documented register values`, () => {
    const bench = build();
    const fresh = bench.device.save();
    assertResetValues(bench, row.registers);
    bench.mutate();
    bench.device.reset();
    const { fields = [], why } = row.keptByReset ?? {};
    assertEquals(without(bench.device.save(), fields), without(fresh, fields), why);
    assertEquals(bench.clock.pendingEvents, 0, "reset left an event on the clock");
    for (const pin of bench.pins) assertEquals(pin.level, false);
    assertResetValues(bench, row.registers);
  });

  Deno.test(`${row.name}: save, mutate, restore, save gives the same state`, () => {
    const { device, mutate } = build();
    const before = device.save();
    const copy = structuredClone(before);
    mutate();
    const after = device.save();
    assertEquals(before, copy, "a snapshot changed after it was taken");
    assertEquals(after.kind, device.kind);
    assertEquals(after.version, 1);
    if (row.stateless !== undefined) {
      assertEquals(after, before, row.stateless);
    } else {
      assertNotEquals(after, before, "the snapshot does not show the mutation");
      for (const [name, value] of Object.entries(after.fields)) {
        assertNotEquals(value, before.fields[name], `mutate() leaves field "${name}" as it was`);
      }
    }
    device.restore(before);
    assertEquals(device.save(), before);
    device.restore(after);
    assertEquals(device.save(), after);
  });

  Deno.test(`${row.name}: a restored device drives its lines and goes on like the first`, () => {
    for (const seed of [1, 2, 3]) {
      const first = build();
      first.mutate();
      storm(first, row.registers, new Random(seed));
      const clock = new FakeClock();
      clock.nowNs = first.clock.nowNs;
      const second = row.build(clock);
      if (first.memory !== undefined) second.memory!.set(first.memory);
      second.device.restore(structuredClone(first.device.save()));
      const levels = (bench: Bench) => bench.pins.map((pin) => pin.level);
      assertEquals(levels(second), levels(first));
      const reads = storm(first, row.registers, new Random(seed + 100));
      const readsAgain = storm(second, row.registers, new Random(seed + 100));
      const differs = reads.findIndex((value, index) => value !== readsAgain[index]);
      assertEquals(differs, -1, `read ${differs} of the storm differs after restore`);
      assertEquals(second.device.save(), first.device.save());
      assertEquals(second.memory, first.memory);
      assertEquals(levels(second), levels(first));
    }
  });

  Deno.test(`${row.name}: restore refuses a state that does not fit and changes nothing`, () => {
    const bench = build();
    bench.mutate();
    const good = bench.device.save();
    const levels = bench.pins.map((pin) => pin.level);
    for (const { state, error, names } of badStates(good)) {
      const thrown = assertThrows(() => bench.device.restore(state));
      assert(thrown instanceof error, `${names}: ${thrown}`);
      assert(thrown.message.includes(names), `"${thrown.message}" does not name ${names}`);
      assertEquals(bench.device.save(), good, `refusing ${names} changed the device`);
      assertEquals(bench.pins.map((pin) => pin.level), levels);
    }
  });

  Deno.test(`${row.name}: a register storm never throws and stays within the width`, () => {
    for (const seed of [11, 12]) storm(build(), row.registers, new Random(seed));
    everyOffset(build());
  });
}

function without(state: SavedState, names: readonly string[]): SavedState {
  const kept = Object.entries(state.fields).filter(([name]) => !names.includes(name));
  return { ...state, fields: Object.fromEntries(kept) };
}

function assertResetValues(bench: Bench, registers: RegisterTable): void {
  for (const [name, register] of Object.entries(registers)) {
    if (register.reset === undefined || register.behind !== undefined) continue;
    if (register.direction === "write" && isReadable(registers, register.offset)) continue;
    const value = bench.device.read(register.offset, register.width);
    assertEquals(value, register.reset, `${name} at 0x${register.offset.toString(16)}`);
    if (register.strideBytes === undefined) continue;
    const second = bench.device.read(register.offset + register.strideBytes, register.width);
    assertEquals(second, register.reset, `${name}, the second`);
  }
}

function isReadable(registers: RegisterTable, offset: number): boolean {
  return Object.values(registers).some((row) => row.offset === offset && row.direction !== "write");
}

/** Random accesses, time and host traffic; returns all that was read. */
function storm(bench: Bench, registers: RegisterTable, random: Random): number[] {
  const { device, clock } = bench;
  const rows = Object.values(registers);
  const reads: number[] = [];
  for (let access = 0; access < STORM_ACCESSES; access++) {
    const offset = random.below(4) === 0
      ? random.below(device.sizeBytes)
      : registerOffset(random.pick(rows), random);
    const width = random.pick(device.accessWidths);
    if (random.below(2) === 0) {
      reads.push(checkedRead(device, offset, width));
    } else {
      // Small values hit defined bits more often than full words do.
      const value = random.uint32() >>> random.pick([0, 16, 24, 28, 30]);
      device.write(offset, width, value % 2 ** (8 * width));
    }
    if (random.below(8) === 0) clock.advance(BigInt(random.below(2_000_000)));
    if (random.below(8) === 0) bench.hostTraffic?.(random);
  }
  return reads;
}

function registerOffset(row: RegisterRow, random: Random): number {
  return row.offset + (row.strideBytes ?? 0) * random.below(3);
}

/** Every offset of the window, or of its ends where it is large, with every width. */
function everyOffset({ device }: Bench): void {
  const swept = 0x1000;
  for (let offset = 0; offset < device.sizeBytes; offset++) {
    if (offset === swept) offset = Math.max(swept, device.sizeBytes - swept);
    for (const width of device.accessWidths) {
      checkedRead(device, offset, width);
      for (const value of [0, 1, 2 ** (8 * width) - 1]) device.write(offset, width, value);
      checkedRead(device, offset, width);
    }
  }
}

function checkedRead(device: Device, offset: number, width: AccessWidth): number {
  const value = device.read(offset, width);
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width)) {
    throw new RangeError(
      `${device.kind} reads ${value} at offset 0x${offset.toString(16)}, width ${width}`,
    );
  }
  return value;
}

interface BadState {
  readonly state: SavedState;
  readonly error: typeof TypeError | typeof RangeError;
  /** What the message must contain. */
  readonly names: string;
}

type FieldTree = { [field: string]: StateValue };

/** Every way to spoil a good state by one step. */
function* badStates(good: SavedState): Generator<BadState> {
  yield { state: { ...good, kind: "nonsense" }, error: TypeError, names: `"nonsense"` };
  yield { state: { ...good, version: 2 }, error: RangeError, names: "version 2" };
  yield { state: { ...good, version: 0 }, error: RangeError, names: "version 0" };
  const noFields = { ...good, fields: 7 } as unknown as SavedState;
  yield { state: noFields, error: TypeError, names: `"fields"` };
  const withFields = (fields: FieldTree): SavedState => ({ ...good, fields });
  for (const bad of badRecords(good.fields, "")) {
    yield { state: withFields(bad.value as FieldTree), error: bad.error, names: bad.names };
  }
}

interface BadValue {
  readonly value: StateValue;
  readonly error: typeof TypeError | typeof RangeError;
  readonly names: string;
}

function* badRecords(record: FieldTree, path: string): Generator<BadValue> {
  yield { value: { ...record, surplus: 1 }, error: TypeError, names: `"${path}surplus"` };
  for (const [name, value] of Object.entries(record)) {
    const { [name]: _, ...rest } = record;
    yield { value: rest, error: TypeError, names: `"${path}${name}"` };
    for (const bad of badValues(value, `${path}${name}`)) {
      yield { ...bad, value: { ...record, [name]: bad.value } };
    }
  }
}

function* badValues(value: StateValue, path: string): Generator<BadValue> {
  const names = `"${path}"`;
  if (typeof value === "number") {
    for (const bad of ["1", 1n, true, []]) yield { value: bad, error: TypeError, names };
    for (const bad of [-1, 0.5, NaN, 2 ** 32]) yield { value: bad, error: RangeError, names };
  } else if (typeof value === "bigint") {
    for (const bad of ["1", 1, true, []]) yield { value: bad, error: TypeError, names };
    for (const bad of [-1n, 1n << 64n]) yield { value: bad, error: RangeError, names };
  } else if (typeof value === "boolean") {
    for (const bad of ["true", 1, 1n, []]) yield { value: bad, error: TypeError, names };
  } else if (Array.isArray(value)) {
    yield { value: "text", error: TypeError, names };
    yield { value: { length: value.length }, error: TypeError, names };
    yield { value: new Array(5_000).fill(value[0] ?? 0), error: RangeError, names };
    const first: StateValue | undefined = value[0];
    if (first === undefined) return;
    if (isTree(first)) yield { value: value.with(0, 7), error: TypeError, names: `"${path}[0]"` };
    const badFirst = isTree(first) ? badRecords(first, `${path}[0].`) : badValues(
      first,
      `${path}[0]`,
    );
    for (const bad of badFirst) yield { ...bad, value: value.with(0, bad.value) };
  } else {
    throw new TypeError(`The suite cannot spoil field ${names} yet: teach it this type`);
  }
}

function isTree(value: StateValue): value is FieldTree {
  return typeof value === "object" && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
