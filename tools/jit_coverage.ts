/**
 * Prints how translated code handles each instruction of `core/isa`, and counts: `deno task
 * jit:coverage`. The translator's tables are the source (`core/jit/emitters.ts`); nothing is listed here.
 *
 * @module
 */

import { type Instruction, instructions } from "../core/isa/mod.ts";
import { opNumber } from "../core/isa/ops.ts";
import type { Coverage } from "../core/jit/emitter.ts";
import { coverageOf } from "../core/jit/emitters.ts";

/** What each answer means, in the order of the summary. */
const MEANINGS: Readonly<Record<Coverage, string>> = {
  "inline": "written out in WebAssembly, or an arithmetic function is called",
  "inline+slow": "the common case is written out, the others call the hart's functions",
  "call": "the interpreter's function executes it, and translated code goes on",
  "leave": "translated code ends there: the interpreter's affair",
};

/** Within FENCE, but it gives the hart's turn away, which is the run loop's business. */
const PAUSE = "pause";

const byName = new Map(instructions.map((row) => [row.name, row]));

/** How one instruction is handled; a compressed one is what it stands for. */
export function instructionCoverage(row: Instruction): Coverage {
  if (row.name === PAUSE) return "leave";
  const general = row.within ?? row.expandsTo?.split(" ")[0];
  if (general === undefined) return coverageOf(opNumber(row.name));
  const target = byName.get(general);
  if (target === undefined) throw new ReferenceError(`${row.name} stands for unknown ${general}`);
  return instructionCoverage(target);
}

/** The list by extension, then the counts. */
export function coverageReport(): string {
  const counts = new Map<Coverage, number>();
  const sections = Map.groupBy(instructions, ({ extension }) => extension);
  const lines: string[] = [];
  for (const [extension, rows] of sections) {
    lines.push(`${extension}:`);
    for (const [coverage, members] of Map.groupBy(rows, instructionCoverage)) {
      counts.set(coverage, (counts.get(coverage) ?? 0) + members.length);
      lines.push(...wrapped(coverage, members.map(({ name }) => name)));
    }
    lines.push("");
  }
  const share = (count: number) => `${(100 * count / instructions.length).toFixed(0)}%`;
  lines.push(`${instructions.length} instructions:`);
  for (const [coverage, meaning] of Object.entries(MEANINGS)) {
    const count = counts.get(coverage as Coverage) ?? 0;
    lines.push(
      `  ${coverage.padEnd(LABEL_WIDTH)}${String(count).padStart(3)} ${
        share(count).padStart(4)
      }  ${meaning}`,
    );
  }
  return lines.join("\n");
}

const LABEL_WIDTH = 13;
const LINE_WIDTH = 100;

/** Names after a label, broken into lines that are aligned. */
function wrapped(label: string, names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = `  ${label.padEnd(LABEL_WIDTH)}`;
  for (const name of names) {
    if (line.length + name.length > LINE_WIDTH) {
      lines.push(line.trimEnd());
      line = " ".repeat(LABEL_WIDTH + 2);
    }
    line += `${name} `;
  }
  return [...lines, line.trimEnd()];
}

if (import.meta.main) console.log(coverageReport());
