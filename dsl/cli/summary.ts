/**
 * The line that sums up an interactive run.
 *
 * @module
 */

/** Instructions, virtual time, wall time, and speed while the machine was busy. */
export function summaryLine(
  run: { readonly instructions: number; readonly virtualMs: number },
  wallMs: number,
  mips: number,
): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(3)} s`;
  return `${run.instructions} instructions, ${seconds(run.virtualMs)} virtual time, ` +
    `${seconds(wallMs)} wall time, ${mips.toFixed(1)} MIPS when busy`;
}
