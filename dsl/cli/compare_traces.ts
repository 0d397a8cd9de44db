/**
 * Compares two traces, ours with QEMU's or either with its like, and shows the first difference:
 *
 * ```sh
 * deno task run -- --elf prog.elf --trace own.log
 * qemu-system-riscv64 -M virt -cpu rv64,h=true -bios none -nographic -kernel prog.elf \
 *   -singlestep -d exec,nochain,int -D qemu.log
 * deno run --allow-read dsl/cli/compare_traces.ts own.log qemu.log
 * ```
 *
 * (`-M spike` for a program that ends by HTIF; QEMU 8 and later have `-accel tcg,one-insn-per-tb=on`
 * for `-singlestep`.) Each hart is compared by itself: QEMU interleaves harts as it likes. What goes by
 * the clock, as timer interrupts and polling loops, comes at another instruction in QEMU. Code in the
 * boot ROM is passed over. Where one trace ends before the other, only the common part is compared: a
 * program that is done spins until the machine takes notice.
 *
 * Exit code 0: no difference; 1: one was shown; 2: usage, or a file that cannot be read.
 *
 * @module
 */

import { type TraceEvent, traceEvents } from "./trace_events.ts";

/** Events of each file before the difference that are shown. */
const CONTEXT_EVENTS = 5;

/** The first difference of two traces in one hart. */
export interface TraceDifference {
  readonly hartId: number;
  /** Events of this hart that agree. */
  readonly equalEvents: number;
  /** The last events that agree, oldest first. */
  readonly context: readonly TraceEvent[];
  readonly left: TraceEvent;
  readonly right: TraceEvent;
}

/** What a comparison found. */
export interface TraceComparison {
  /** Events compared, by hart id. */
  readonly compared: ReadonlyMap<number, number>;
  readonly difference?: TraceDifference;
}

/** One hart's events that wait for the other trace's. */
interface Lane {
  readonly waiting: { left: TraceEvent[]; right: TraceEvent[] };
  context: TraceEvent[];
  compared: number;
}

/** Compares hart by hart, up to the first difference or the end of one trace. */
export async function compareTraces(
  left: AsyncIterable<string>,
  right: AsyncIterable<string>,
): Promise<TraceComparison> {
  const lanes = new Map<number, Lane>();
  const compared = () => new Map([...lanes].map(([hartId, lane]) => [hartId, lane.compared]));
  const sides = { left: traceEvents(left), right: traceEvents(right) };
  while (true) {
    for (const side of ["left", "right"] as const) {
      const { value, done } = await sides[side].next();
      if (done) return { compared: compared() };
      const lane = lanes.get(value.hartId) ??
        { waiting: { left: [], right: [] }, context: [], compared: 0 };
      lanes.set(value.hartId, lane);
      lane.waiting[side].push(value);
      const difference = matchFirst(lane);
      if (difference !== undefined) return { compared: compared(), difference };
    }
  }
}

function matchFirst(lane: Lane): TraceDifference | undefined {
  const { waiting } = lane;
  const [left, right] = [waiting.left[0], waiting.right[0]];
  if (left === undefined || right === undefined) return undefined;
  if (left.text !== right.text) {
    const { hartId } = left;
    return { hartId, equalEvents: lane.compared, context: lane.context, left, right };
  }
  waiting.left.shift();
  waiting.right.shift();
  lane.compared++;
  lane.context = [...lane.context.slice(1 - CONTEXT_EVENTS), left];
  return undefined;
}

/** Lines of a file. */
async function* fileLines(path: string): AsyncGenerator<string> {
  using file = await Deno.open(path);
  let rest = "";
  for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function printComparison({ compared, difference }: TraceComparison): void {
  for (const [hartId, events] of compared) console.log(`hart ${hartId}: ${events} events agree`);
  if (difference === undefined) return;
  const { hartId, context, left, right } = difference;
  console.log(`hart ${hartId} goes apart:`);
  for (const event of context) console.log(`    ${event.line}`);
  console.log(`  < ${left.line}   (line ${left.lineNumber})`);
  console.log(`  > ${right.line}   (line ${right.lineNumber})`);
}

if (import.meta.main) {
  const [leftPath, rightPath, extra] = Deno.args;
  if (leftPath === undefined || rightPath === undefined || extra !== undefined) {
    console.error("himawari: give two traces: compare_traces.ts OWN.log QEMU.log");
    Deno.exit(2);
  }
  let comparison: TraceComparison;
  try {
    comparison = await compareTraces(fileLines(leftPath), fileLines(rightPath));
  } catch (error) {
    console.error(`himawari: ${(error as Error).message}`);
    Deno.exit(2);
  }
  printComparison(comparison);
  Deno.exit(comparison.difference === undefined ? 0 : 1);
}
