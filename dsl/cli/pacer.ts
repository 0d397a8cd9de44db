/**
 * Keeps a machine's clock from running ahead of the wall clock.
 *
 * An idle machine skips to its next timer at once: its clock would race, and the processor with it. A
 * busy one is slower than its clock counts; what it lost is not made up for, or the first `sleep` after
 * a long computation would return at once.
 *
 * @module
 */

/** Tells how long to sleep. */
export class Pacer {
  /** Wall time minus virtual time when they were last even. */
  #offsetMs: number;

  constructor(wallMs: number, virtualMs: number) {
    this.#offsetMs = wallMs - virtualMs;
  }

  /** By how many milliseconds the machine is ahead; 0 if it is behind, which is forgotten. */
  aheadMs(wallMs: number, virtualMs: number): number {
    const ahead = virtualMs + this.#offsetMs - wallMs;
    if (ahead > 0) return ahead;
    this.#offsetMs = wallMs - virtualMs;
    return 0;
  }
}
