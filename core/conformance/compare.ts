/**
 * Runs cases on two engines and reports where they differ.
 *
 * @module
 */

import { disassemble } from "../isa/disassemble.ts";
import { buildImage, type Step, stepOfBytes, type TestCase } from "./case.ts";
import type { Engine } from "./engine.ts";
import type { KnownDifference } from "./known_difference.ts";
import { adaptCase, unexplained } from "./known_differences.ts";
import { type CaseResult, type Difference, differences, readResult } from "./result.ts";

/** The engine that is asked, and where it is known not to count. */
export interface Oracle {
  readonly engine: Engine;
  readonly known: readonly KnownDifference[];
  /** How often each case runs, so that an engine that translates hot code does so. Default 1. */
  readonly passes?: number;
}

/** A case on which the engines do not agree. */
export interface Mismatch {
  /** As it was run. */
  readonly testCase: TestCase;
  readonly differences: readonly Difference[];
  readonly oracle: CaseResult;
  readonly subject: CaseResult;
}

/** What a comparison found. */
export interface Comparison {
  readonly compared: number;
  readonly mismatches: readonly Mismatch[];
  /** How often each known difference explained something, by name. */
  readonly explained: ReadonlyMap<string, number>;
}

/** Runs every case on both engines. The cases must fit one image. */
export async function compareEngines(
  cases: readonly TestCase[],
  oracle: Oracle,
  subject: Engine,
): Promise<Comparison> {
  const adapted = cases.map((testCase) => adaptCase(testCase, oracle.known));
  const image = buildImage(adapted, oracle.passes);
  const [oracleMemory, subjectMemory] = await Promise.all([
    oracle.engine.run(image),
    subject.run(image),
  ]);
  const explained = new Map<string, number>();
  const mismatches: Mismatch[] = [];
  for (const testCase of adapted) {
    const left = readResult(oracleMemory, testCase), right = readResult(subjectMemory, testCase);
    const found = unexplained(
      differences(left, right),
      { testCase, oracle: left, subject: right },
      oracle.known,
      explained,
    );
    if (found.length === 0) continue;
    mismatches.push({ testCase, differences: found, oracle: left, subject: right });
  }
  return { compared: adapted.length, mismatches, explained };
}

/** Makes steps of a mismatch empty as long as the engines still differ. Costs some dozens of runs. */
export async function minimise(
  mismatch: Mismatch,
  oracle: Oracle,
  subject: Engine,
): Promise<Mismatch> {
  let best = mismatch;
  const total = mismatch.testCase.steps.length;
  for (let size = Math.ceil(total / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < total; start += size) {
      const { steps } = best.testCase;
      const isInside = (i: number) => i >= start && i < start + size;
      if (steps.every((step, i) => !isInside(i) || step === emptyStep)) continue;
      const testCase = {
        ...best.testCase,
        steps: steps.map((step, i) => isInside(i) ? emptyStep : step),
      };
      const { mismatches: [smaller] } = await compareEngines([testCase], oracle, subject);
      if (smaller) best = smaller;
    }
  }
  return best;
}

const emptyStep: Step = stepOfBytes(new Uint8Array(0));

const shownDifferences = 8;

/** A mismatch as text: the first fields that differ, the program, and what runs it again. */
export function describeMismatch(mismatch: Mismatch, oracleName: string, again: string): string {
  const { testCase, differences: found } = mismatch;
  const hex = (value: bigint) => `0x${value.toString(16)}`;
  const more = found.length - shownDifferences;
  return [
    `${testCase.title}: differs from ${oracleName}`,
    ...found.slice(0, shownDifferences).map(({ field, expected, actual }) =>
      `  ${field}: expected ${hex(expected)}, got ${hex(actual)}`
    ),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...describeProgram(testCase).map((line) => `  ${line}`),
    `  Run it again: ${again}`,
  ].join("\n");
}

/** Start state and steps; empty steps are left out. */
export function describeProgram(testCase: TestCase): string[] {
  const csrs = Object.entries(testCase.csrs).filter(([, value]) => value !== 0n);
  return [
    `starts in ${testCase.mode} with ${
      csrs.map(([name, value]) => `${name}=0x${value.toString(16)}`).join(" ")
    }`,
    ...testCase.steps.flatMap((step, i) =>
      step.code.length === 0 ? [] : [`step ${i}: ${disassembleStep(step)}`]
    ),
  ];
}

function disassembleStep({ code }: Step): string {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const texts: string[] = [];
  for (let at = 0; at < code.length;) {
    const half = view.getUint16(at, true);
    const isLong = (half & 3) === 3 && at + 4 <= code.length;
    texts.push(disassemble(isLong ? view.getUint32(at, true) : half));
    at += isLong ? 4 : 2;
  }
  return texts.join("; ");
}
