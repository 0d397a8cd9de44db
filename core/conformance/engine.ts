/**
 * The machine under test, as the fuzzer and the directed tests see it: something that runs a
 * bare-metal image until it writes the test finisher and hands back its memory.
 *
 * What an engine must provide: one RV64GC hart with the extensions of the project's machine, in
 * M-mode at the start of RAM ({@link import("./layout.ts").ramBase}), an ACLINT at 0x0200_0000 and a
 * test finisher at 0x0010_0000.
 *
 * @module
 */

/** Limits of one run. */
export interface RunOptions {
  /** Wall time after which an engine that hangs is stopped. */
  readonly timeoutMs?: number;
}

/** One implementation of the machine. */
export interface Engine {
  /** Name and version in reports, for example `"qemu 7.2.22"`. */
  readonly name: string;
  /**
   * Runs the image from the start of RAM to the test finisher.
   *
   * @returns the memory where the image was, as the run has left it
   * @throws {Error} if the machine does not reach the finisher; the message says how far it came
   */
  run(image: Uint8Array, options?: RunOptions): Promise<Uint8Array>;
}
