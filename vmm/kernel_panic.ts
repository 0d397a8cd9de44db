/**
 * Recognises a kernel's panic on a console, and whose kernel it was.
 *
 * @module
 */

/** Announces a panic, with the reason. The report's last line has the same words again, after `end`. */
export const PANIC_LINE = /(?<!end )Kernel panic - not syncing: ([^\n]*)/;
/** Board names (`compatible` of the root node) of guests: lkvm's, which is kvmtool's. */
const GUEST_BOARDS: ReadonlySet<string> = new Set(["linux,dummy-virt"]);

/** What a panic report says. */
export interface KernelPanic {
  /** Whose kernel panicked, if the report tells. */
  readonly whose: "host" | "guest" | undefined;
  /** The reason that the kernel gives. */
  readonly reason: string;
}

/** Whether a console line, or the beginning of a long one, announces a panic. */
export function announcesPanic(line: string): boolean {
  return PANIC_LINE.test(line);
}

/**
 * Reads the report that begins at `start` of a transcript. Host and guest may share the console: the
 * board's name tells them apart, in the report or, if it has none, in the last boot log before it.
 */
export function readPanicReport(transcript: string, start: number): KernelPanic {
  const report = transcript.slice(start);
  const board = /Hardware name: (\S+)/.exec(report)?.[1] ??
    [...transcript.slice(0, start).matchAll(/Machine model: (\S+)/g)].at(-1)?.[1];
  const whose = board === undefined ? undefined : GUEST_BOARDS.has(board) ? "guest" : "host";
  return { whose, reason: PANIC_LINE.exec(report)?.[1] ?? "" };
}

/** One line: `the guest's kernel panicked: VFS: Unable to mount root fs`. */
export function describePanic({ whose, reason }: KernelPanic): string {
  return `${whose === undefined ? "a" : `the ${whose}'s`} kernel panicked: ${reason}`;
}

/** What a tripwire found, in one line; for a panic, with what came before it in the same report. */
export function describeTripped(
  transcript: string,
  { name, lineStart, text }: { name: string; lineStart: number; text: string },
): string {
  if (name === "panic") return describePanic(readPanicReport(transcript, lineStart));
  const { whose } = readPanicReport(transcript, lineStart);
  return `${whose === undefined ? "the console" : `the ${whose}'s kernel`} said: ${text}`;
}
