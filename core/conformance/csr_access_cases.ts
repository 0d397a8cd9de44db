/**
 * Programs that try every CSR and every SYSTEM instruction, and the reading of what happened.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import { addressIn, buildImage, type Mode, step, type TestCase } from "./case.ts";
import {
  type AccessState,
  csrFate,
  type Fate,
  leavesProgram,
  systemFate,
  untried,
} from "./csr_access.ts";
import type { Engine } from "./engine.ts";
import { slot, stepSizeBytes } from "./layout.ts";
import { readResult } from "./result.ts";

/** One instruction and what it must do. */
interface Trial {
  readonly what: string;
  readonly word: number;
  readonly expected: Fate;
}

/** Trials in one program: the log of traps must hold them all. */
const trialsPerProgram = 60;
const zeroRegister = 7, scratch = 5;

/** Reads and writes of all CSR numbers. Writes are CSRRS with a register that holds 0. */
export function csrTrials(mode: Mode, state: AccessState): Trial[] {
  const trials: Trial[] = [];
  for (let address = 0; address < 4096; address++) {
    if (mode === "M" && untried.has(address)) continue;
    for (const writes of [false, true]) {
      trials.push({
        what: `${writes ? "write" : "read"} of CSR 0x${address.toString(16)}`,
        word: encode("csrrs", scratch, address, writes ? zeroRegister : 0),
        expected: csrFate(address, writes, mode, state),
      });
    }
  }
  return trials;
}

/**
 * SYSTEM instructions with funct3 000: all of funct12, and the other fields for each; with funct3 100:
 * all of funct7 and rs2, with and without rd.
 */
export function systemTrials(mode: "VS" | "VU"): Trial[] {
  const words: number[] = [];
  for (let funct12 = 0; funct12 < 4096; funct12++) {
    for (const fields of [0, zeroRegister << 15, scratch << 7]) {
      words.push(((funct12 << 20) | fields | 0x73) >>> 0);
    }
    for (const rd of [0, scratch]) {
      words.push(((funct12 << 20) | (zeroRegister << 15) | (4 << 12) | (rd << 7) | 0x73) >>> 0);
    }
  }
  return words.filter((word) => !leavesProgram(word) || systemFate(word, mode) !== "executes")
    .map((word) => ({
      what: `instruction 0x${word.toString(16).padStart(8, "0")}`,
      word,
      expected: systemFate(word, mode),
    }));
}

/** Runs the trials on an engine; the result lists those that went otherwise. */
export async function runTrials(
  trials: readonly Trial[],
  mode: Mode,
  csrs: AccessState["csrs"],
  engine: Engine,
): Promise<string[]> {
  const programs: { readonly testCase: TestCase; readonly trials: readonly Trial[] }[] = [];
  for (let start = 0; start < trials.length; start += trialsPerProgram) {
    const part = trials.slice(start, start + trialsPerProgram);
    programs.push({ testCase: programOf(part, mode, csrs, programs.length), trials: part });
  }
  const memory = await engine.run(buildImage(programs.map(({ testCase }) => testCase)));
  return programs.flatMap(({ testCase, trials }) => {
    const { status, traps } = readResult(memory, testCase);
    if (status !== "finished") return [`${testCase.title}: ${status}`];
    const causes = new Map(traps.map(({ mepc, mcause }) => [mepc, mcause]));
    return trials.flatMap(({ what, word, expected }, i) => {
      const pc = addressIn(testCase.slotIndex, slot.code + i * stepSizeBytes);
      const actual = fateOf(causes.get(BigInt(pc)), word);
      return actual === expected ? [] : [`${what} in ${mode}-mode: ${actual}, must be ${expected}`];
    });
  });
}

function programOf(
  trials: readonly Trial[],
  mode: Mode,
  csrs: AccessState["csrs"],
  slotIndex: number,
): TestCase {
  return {
    title: `trials ${slotIndex} in ${mode}-mode`,
    slotIndex,
    mode,
    csrs: { stimecmp: 2n ** 64n - 1n, vstimecmp: 2n ** 64n - 1n, ...csrs },
    x: Array.from({ length: 32 }, () => 0n),
    f: Array.from({ length: 32 }, () => 0n),
    fcsr: 0n,
    steps: trials.map(({ word }) => step([word])),
    memory: [],
  };
}

/** ECALL and EBREAK execute by trapping, with causes of their own. */
function fateOf(cause: bigint | undefined, word: number): Fate | string {
  switch (cause) {
    case undefined:
      return "executes";
    case 2n:
      return "illegal";
    case 22n:
      return "virtual";
    default:
      return word === 0x73 || word === 0x0010_0073 ? "executes" : `traps with cause ${cause}`;
  }
}
