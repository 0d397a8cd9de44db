/**
 * Directed tests: small programs with the result that the specification demands.
 *
 * A test is a row: title, section, program, expectation. The same rows run on every engine, all rows
 * of a table in one image; where an engine is wrong the row says so with the reason.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  addressIn,
  buildImage,
  type Mode,
  type Patch,
  type Step,
  step,
  type TestCase,
} from "./case.ts";
import type { Engine } from "./engine.ts";
import { type InitialCsr, slot, trampolineDistanceBytes } from "./layout.ts";
import { type CaseResult, readResult, type TrapRecord } from "./result.ts";

/** What a row's program starts with and does. */
export interface Program {
  readonly mode: Mode;
  readonly csrs?: { readonly [name in InitialCsr]?: bigint };
  /** Initial registers; all others are zero. */
  readonly x?: { readonly [register: number]: bigint };
  /** Words of each step, or ready steps. */
  readonly steps: readonly (readonly number[] | Step)[];
  readonly memory?: readonly Patch[];
}

/** Addresses of the slot that a row runs in. */
export class Place {
  constructor(readonly slotIndex: number) {}

  /** Address of an offset in the slot. */
  at(offset: number): bigint {
    return BigInt(addressIn(this.slotIndex, offset));
  }

  /** Start of the slot. */
  get base(): bigint {
    return this.at(0);
  }

  /** First data frame. */
  get data(): bigint {
    return this.at(slot.data);
  }

  /** Address of a step. */
  step(number: number): bigint {
    return this.at(slot.code + 16 * number);
  }

  /** Vectors of HS mode. */
  get stvec(): bigint {
    return this.at(slot.trampolines);
  }

  /** Vectors of VS mode. */
  get vstvec(): bigint {
    return this.at(slot.trampolines + trampolineDistanceBytes);
  }
}

/** One directed test. */
export interface Row {
  readonly title: string;
  /** Where the specification says so. */
  readonly section: string;
  readonly program: (place: Place) => Program;
  readonly expect: (result: CaseResult, place: Place) => void;
  /** Why the row does not hold on an engine; undefined where it does. */
  readonly notOn?: ((engineName: string) => string | undefined) | undefined;
}

/** Initial CSRs of a row. */
export type Csrs = { readonly [name in InitialCsr]?: bigint };

/** Why a row does not hold on an engine. */
export type NotOn = (engineName: string) => string | undefined;

/** The first trap of a program. */
export function firstTrap({ traps }: CaseResult): TrapRecord {
  const [trap] = traps;
  if (!trap) throw new Error("No trap was taken");
  return trap;
}

/** A row whose program does not depend on addresses. */
export function row(
  title: string,
  section: string,
  program: Program | ((place: Place) => Program),
  expect: (result: CaseResult, place: Place) => void,
  notOn?: (engineName: string) => string | undefined,
): Row {
  const build = typeof program === "function" ? program : () => program;
  return { title, section, program: build, expect, notOn };
}

/** `notOn` for a fault of QEMU before version 8. */
export function wrongOnQemu7(reason: string): (engineName: string) => string | undefined {
  return (name) => name.startsWith("qemu 7.") ? reason : undefined;
}

/** `notOn` for a fault of every QEMU. */
export function wrongOnQemu(reason: string): (engineName: string) => string | undefined {
  return (name) => name.startsWith("qemu") ? reason : undefined;
}

function testCaseOf({ title, program }: Row, slotIndex: number): TestCase {
  const { mode, csrs = {}, x = {}, steps, memory = [] } = program(new Place(slotIndex));
  return {
    title,
    slotIndex,
    mode,
    csrs: { stimecmp: 2n ** 64n - 1n, vstimecmp: 2n ** 64n - 1n, ...csrs },
    x: Array.from({ length: 32 }, (_, i) => x[i] ?? 0n),
    f: Array.from({ length: 32 }, () => 0n),
    fcsr: 0n,
    steps: steps.map((words) => "code" in words ? words : step(words)),
    memory,
  };
}

/** Runs all rows on an engine, `passes` times each, and registers a test for each. */
export async function testRows(
  rows: readonly Row[],
  engine: Engine,
  passes = 1,
): Promise<void> {
  const holding = rows.filter(({ notOn }) => notOn?.(engine.name) === undefined);
  const cases = holding.map(testCaseOf);
  const memory = await engine.run(buildImage(cases, passes));
  holding.forEach((row, i) => {
    Deno.test(`${engine.name}: ${row.title} (${row.section})`, () => {
      const result = readResult(memory, cases[i]!);
      assertEquals(result.status, "finished");
      row.expect(result, new Place(i));
    });
  });
  for (const { title, notOn } of rows) {
    const reason = notOn?.(engine.name);
    if (reason === undefined) continue;
    Deno.test({
      name: `${engine.name}: ${title} (skipped: ${reason})`,
      ignore: true,
      fn: () => {},
    });
  }
}

/** Hexadecimal text, so that a failed comparison shows addresses and masks as one reads them. */
export function hex(value: bigint | undefined): string {
  return value === undefined ? "nothing" : `0x${value.toString(16)}`;
}

/** Asserts on one value. */
export function assertValue(name: string, actual: bigint | undefined, expected: bigint): void {
  assertEquals(`${name} = ${hex(actual)}`, `${name} = ${hex(expected)}`);
}
