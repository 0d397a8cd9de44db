/**
 * The client's wish that what runs may stop.
 *
 * @module
 */

/** Shared by the one who asks and those who run. */
export class Interruption {
  #isRequested = false;

  /** What runs, or is about to, is to stop. */
  request(): void {
    this.#isRequested = true;
  }

  /** Whether to stop. */
  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** It has stopped, for whatever reason. */
  clear(): void {
    this.#isRequested = false;
  }
}
