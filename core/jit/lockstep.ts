/**
 * Runs one machine twice, interpreted and translated, side by side; finds the first difference in state,
 * and narrows it down to the instruction.
 *
 * Both run the same number of instructions at a time; then all of the harts' state is compared, and RAM
 * now and then. How a run is cut never shows, so a difference is the translator's fault. It is narrowed
 * down by doing the run again: up to the last state that was equal, then for ever fewer instructions,
 * until there is one instruction between equal and different. As translated code ends a slice in the
 * interpreter, what differs then was done by the translated code that ran last.
 *
 * @module
 */

import type { TranslatedModule } from "./code_cache.ts";
import type { JitOptions } from "./jit_options.ts";
import {
  type Difference,
  hartDifferences,
  type LockstepHarts,
  ramDifferences,
} from "./lockstep_state.ts";
import { type Trace, type TracedInstruction, traceInstructions } from "./lockstep_trace.ts";
import { functionText, readFunctions } from "./wasm_text.ts";

/** One of the two machines. */
export interface LockstepSubject {
  readonly harts: LockstepHarts;
  /** Called between steps, for input: it must depend on nothing but the machine's state. */
  atBoundary?(): void;
  /** Whether the guest ended the machine. */
  hasEnded?(): boolean;
  /** Gives back what the machine holds. */
  close?(): void;
}

/** What {@link lockstep} runs and how. */
export interface LockstepOptions {
  /** Builds the machine, the same each time but for translation. */
  readonly create: (jit: JitOptions | false) => LockstepSubject | Promise<LockstepSubject>;
  readonly jit?: JitOptions;
  readonly maxInstructions: number;
  /** Instructions between two looks at the harts. Default 20,000. */
  readonly stepInstructions?: number;
  /** Steps between two looks at RAM. Default 50. */
  readonly ramInterval?: number;
  /** Called now and then with what was found equal so far. */
  readonly onProgress?: (instructions: number) => void;
}

/** How a lockstep run ended. */
export interface LockstepResult {
  /** Instructions after which all was equal. */
  readonly instructions: number;
  /** Regions that were translated up to there. */
  readonly regions: number;
  readonly mismatch?: LockstepMismatch;
}

/** The first difference. */
export interface LockstepMismatch {
  /** Instructions after which the states differ, and one less after which they do not. */
  readonly instructions: number;
  readonly differences: readonly Difference[];
  /** The last instructions, interpreted. */
  readonly trace: Trace;
  readonly region?: {
    /** The instruction of the trace at which translated code was entered. */
    readonly entry: TracedInstruction;
    /** Its function in the WebAssembly text format. */
    readonly wasm: string;
  };
}

const DEFAULT_STEP_INSTRUCTIONS = 20_000;
const DEFAULT_RAM_INTERVAL = 50;
const TRACED_INSTRUCTIONS = 300;

/** Runs until `maxInstructions`, until nothing goes on, or up to the first difference. */
export async function lockstep(options: LockstepOptions): Promise<LockstepResult> {
  return await new Lockstep(options).run();
}

interface Pair {
  readonly reference: LockstepSubject;
  readonly translated: LockstepSubject;
  readonly modules: TranslatedModule[];
}

class Lockstep {
  readonly #options: LockstepOptions;
  readonly #stepInstructions: number;
  readonly #ramInterval: number;

  constructor(options: LockstepOptions) {
    this.#options = options;
    this.#stepInstructions = options.stepInstructions ?? DEFAULT_STEP_INSTRUCTIONS;
    this.#ramInterval = options.ramInterval ?? DEFAULT_RAM_INTERVAL;
  }

  async run(): Promise<LockstepResult> {
    const pair = await this.#create();
    const { reference, translated } = pair;
    let steps = 0, equalSteps = 0, quiet = 0;
    try {
      while (reference.harts.instructions < this.#options.maxInstructions && quiet < 2) {
        const before = reference.harts.instructions;
        this.#step(pair, this.#stepInstructions);
        const looksAtRam = ++steps % this.#ramInterval === 0;
        if (differencesOf(pair, looksAtRam).length > 0) {
          return await this.#locate(looksAtRam ? equalSteps : steps - 1, steps);
        }
        if (looksAtRam) {
          equalSteps = steps;
          this.#options.onProgress?.(reference.harts.instructions);
        }
        if (reference.hasEnded?.()) break;
        atBoundary(pair);
        // Input may wake a machine that waits; if not it has come to its end.
        quiet = reference.harts.instructions === before ? quiet + 1 : 0;
      }
      if (differencesOf(pair, true).length > 0) return await this.#locate(equalSteps, steps);
      return { instructions: reference.harts.instructions, regions: countRegions(pair) };
    } finally {
      reference.close?.();
      translated.close?.();
    }
  }

  async #create(): Promise<Pair> {
    const modules: TranslatedModule[] = [];
    const { create, jit = {} } = this.#options;
    const onModule = (module: TranslatedModule) => {
      const replaced = jit.onModule?.(module);
      modules.push({ ...module, bytes: replaced ?? module.bytes });
      return replaced;
    };
    const reference = await create(false);
    return { reference, translated: await create({ ...jit, onModule }), modules };
  }

  #step({ reference, translated }: Pair, instructions: number): void {
    reference.harts.run(instructions);
    translated.harts.run(instructions);
  }

  /** Does the run anew up to the end of a step. */
  async #replay(steps: number): Promise<Pair> {
    const pair = await this.#create();
    for (let n = 0; n < steps; n++) {
      this.#step(pair, this.#stepInstructions);
      atBoundary(pair);
    }
    return pair;
  }

  /** Finds the step after which RAM differs, too, then the instruction in it. */
  async #locate(equalSteps: number, differentSteps: number): Promise<LockstepResult> {
    let first = differentSteps - 1;
    const search = await this.#replay(equalSteps);
    for (let n = equalSteps; n < differentSteps; n++) {
      this.#step(search, this.#stepInstructions);
      if (differencesOf(search, true).length > 0) {
        first = n;
        break;
      }
      atBoundary(search);
    }
    close(search);
    let [equal, different] = [0, this.#stepInstructions];
    while (different - equal > 1) {
      const middle = (equal + different) >> 1;
      const pair = await this.#replay(first);
      this.#step(pair, middle);
      if (differencesOf(pair, true).length > 0) different = middle;
      else equal = middle;
      close(pair);
    }
    return await this.#describe(first, different);
  }

  async #describe(steps: number, instructions: number): Promise<LockstepResult> {
    const pair = await this.#replay(steps);
    this.#step(pair, instructions);
    const differences = differencesOf(pair, true);
    const { modules, reference: { harts: { instructions: end } } } = pair;
    close(pair);
    const { reference, translated } = await this.#replay(steps);
    translated.close?.();
    const untraced = Math.max(0, instructions - TRACED_INSTRUCTIONS);
    if (untraced > 0) reference.harts.run(untraced);
    const trace = traceInstructions(reference.harts, instructions - untraced, differences);
    reference.close?.();
    const region = findRegion(trace, modules);
    return {
      instructions: end - 1,
      regions: countRegions(pair),
      mismatch: {
        instructions: end,
        differences,
        trace,
        ...(region === undefined ? {} : { region }),
      },
    };
  }
}

function atBoundary({ reference, translated }: Pair): void {
  reference.atBoundary?.();
  translated.atBoundary?.();
}

function close({ reference, translated }: Pair): void {
  reference.close?.();
  translated.close?.();
}

function countRegions({ modules }: Pair): number {
  return modules.reduce((sum, { regions }) => sum + regions.length, 0);
}

function differencesOf({ reference, translated }: Pair, looksAtRam: boolean): Difference[] {
  const found = hartDifferences(reference.harts, translated.harts);
  if (looksAtRam) found.push(...ramDifferences(reference.harts, translated.harts));
  return found;
}

/** The region that was entered last before the suspect, as it was compiled last. */
function findRegion(
  { instructions, suspect }: Trace,
  modules: readonly TranslatedModule[],
): LockstepMismatch["region"] {
  for (let n = suspect ?? instructions.length - 1; n >= 0; n--) {
    const entry = instructions[n]!;
    for (const { bytes, regions } of modules.toReversed()) {
      const region = regions.find(({ entries }) =>
        entry.code !== undefined && entries.includes(entry.code)
      );
      if (region === undefined) continue;
      const body = readFunctions(bytes).find(({ index }) => index === region.functionIndex);
      if (body !== undefined) return { entry, wasm: functionText(body) };
    }
  }
  return undefined;
}

const SHOWN_DIFFERENCES = 20;
const SHOWN_INSTRUCTIONS = 64;

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

/** A mismatch for people: what differs, the instructions, and the WebAssembly. */
export function describeMismatch(
  { instructions, differences, trace, region }: LockstepMismatch,
): string {
  const lines = [`The states differ after ${instructions} instructions:`];
  for (const { where, reference, translated } of differences.slice(0, SHOWN_DIFFERENCES)) {
    lines.push(`  ${where}: interpreted ${hex(reference)}, translated ${hex(translated)}`);
  }
  if (differences.length > SHOWN_DIFFERENCES) {
    lines.push(`  and ${differences.length - SHOWN_DIFFERENCES} more`);
  }
  const suspect = trace.suspect === undefined ? undefined : trace.instructions[trace.suspect];
  if (suspect !== undefined) lines.push(`First suspect: ${hex(suspect.pc)}: ${suspect.text}`);
  if (region !== undefined) {
    lines.push(`In the region entered at ${hex(region.entry.pc)}: ${region.entry.text}`);
  }
  lines.push("Executed last, interpreted:");
  const entry = region === undefined ? -1 : trace.instructions.indexOf(region.entry);
  const start = Math.max(0, trace.instructions.length - SHOWN_INSTRUCTIONS);
  trace.instructions.slice(start).forEach(({ hartId, pc, text }, n) => {
    const index = start + n;
    const mark = index === trace.suspect ? ">" : index === entry ? "=" : " ";
    lines.push(`${mark} hart ${hartId} ${hex(pc)}: ${text}`);
  });
  if (region !== undefined) lines.push("The region's WebAssembly:", region.wasm);
  return lines.join("\n");
}
