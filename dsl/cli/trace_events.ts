/**
 * What a trace says, without how it says it: events from lines of ours and of QEMU's alike.
 *
 * @module
 */

/** An executed instruction or a trap of one hart. */
export interface TraceEvent {
  readonly hartId: number;
  /** Normalised text, equal for equal events: `pc 0x…` or `trap async:0 cause:2 epc:0x… tval:0x…`. */
  readonly text: string;
  /** The line it came from. */
  readonly line: string;
  /** Number of that line, from 1. */
  readonly lineNumber: number;
}

const OWN_INSTRUCTION = /^Trace (\d+): \w+ 0x([0-9a-f]{16}): /;
/** CPU, translated block, cs_base, pc, flags (QEMU, `-d exec`). */
const QEMU_INSTRUCTION = /^Trace (\d+): 0x[0-9a-f]+ \[[0-9a-f]+\/([0-9a-f]{16})\//;
const TRAP =
  /^riscv_cpu_do_interrupt: hart:(\d+), async:(\d), cause:([0-9a-f]+), epc:0x([0-9a-f]+), tval:0x([0-9a-f]+)/;
/** QEMU takes back the block that it logged last: an interrupt came before it. */
const QEMU_NOT_EXECUTED = /^Stopped execution of TB chain before /;
/** Below it is the reset vector's ROM, where harts start and whose code is each machine's own. */
const ROM_END = 0x1_0000n;

/** Events of a trace in the order of its lines; lines that say nothing about either are passed over. */
export async function* traceEvents(
  lines: AsyncIterable<string>,
): AsyncGenerator<TraceEvent> {
  let held: TraceEvent | undefined;
  let lineNumber = 0;
  const leftRom = new Set<number>();
  for await (const line of lines) {
    lineNumber++;
    if (QEMU_NOT_EXECUTED.test(line)) {
      held = undefined;
      continue;
    }
    const found = instruction(line) ?? trap(line);
    if (found === undefined) continue;
    if (!found.inRom) leftRom.add(found.hartId);
    if (!leftRom.has(found.hartId)) continue;
    if (held !== undefined) yield held;
    held = { hartId: found.hartId, text: found.text, line, lineNumber };
  }
  if (held !== undefined) yield held;
}

/** What a line says, before it is known whether it counts. */
interface Found {
  readonly hartId: number;
  readonly text: string;
  readonly inRom: boolean;
}

function instruction(line: string): Found | undefined {
  const match = OWN_INSTRUCTION.exec(line) ?? QEMU_INSTRUCTION.exec(line);
  if (match === null) return undefined;
  const inRom = BigInt(`0x${match[2]}`) < ROM_END;
  return { hartId: Number(match[1]), text: `pc 0x${match[2]}`, inRom };
}

function trap(line: string): Found | undefined {
  const match = TRAP.exec(line);
  if (match === null) return undefined;
  const [, hartId, async, cause, epc, tval] = match;
  return {
    hartId: Number(hartId),
    inRom: false,
    text: `trap async:${async} cause:${BigInt(`0x${cause}`)} epc:0x${epc} tval:0x${tval}`,
  };
}
