/**
 * Where a hart is: its mode, its pc, and how it came there.
 *
 * @module
 */

/** Modes of a hart: a guest's are VS and VU (Privileged, "Privilege Modes" of the hypervisor extension). */
export type HartMode = "M" | "HS" | "U" | "VS" | "VU";

/** One place in a program. */
export interface CodePlace {
  readonly pc: bigint;
  /** `name+0x12`, if the symbol is known. */
  readonly symbol?: string | undefined;
  /** It may be left over on the stack from a call that has returned. */
  readonly isGuess?: boolean;
}

/** Callers in one program, the innermost first. */
export interface Backtrace {
  /** Whose program it is. */
  readonly of: "host kernel" | "guest kernel" | "program" | "firmware";
  readonly frames: readonly CodePlace[];
}

/** Where one hart is. */
export interface HartReport extends CodePlace {
  readonly hart: number;
  readonly mode: HartMode;
  /** Whether it waits for an interrupt. */
  readonly isWaiting: boolean;
  readonly backtraces: readonly Backtrace[];
}

/** A few lines for a message. */
export function describeHart(report: HartReport): string[] {
  const { hart, mode, isWaiting, backtraces } = report;
  const lines = [
    `  hart ${hart}: ${mode.padEnd(2)} ${describePlace(report)}${
      isWaiting ? ", waits for an interrupt" : ""
    }`,
  ];
  for (const { of, frames } of backtraces) {
    if (frames.length === 0) continue;
    lines.push(`    ${of}:`, ...frames.map((frame) => `      ${describePlace(frame)}`));
  }
  return lines;
}

function describePlace({ pc, symbol, isGuess = false }: CodePlace): string {
  const name = symbol === undefined ? "" : ` ${symbol}`;
  return `0x${pc.toString(16).padStart(8, "0")}${isGuess ? " ?" : ""}${name}`;
}
