/**
 * The kernels of the `cpu` measures: one file in `kernels/` each, and what each must compute.
 *
 * @module
 */

/** A kernel: a small C program that stresses one thing. */
export interface Kernel {
  /** Name of its file in `kernels/`, without `.c`. */
  readonly name: string;
  /** What it prints when every instruction did its work: from a native build (see README.md). */
  readonly checksum: string;
}

/** Every kernel, in the order in which they are measured. */
export const KERNELS: readonly Kernel[] = [
  { name: "integer", checksum: "0x5012d3f69513fd31" },
  { name: "sieve", checksum: "0x9fd8373aa671a5a2" },
  { name: "matrix", checksum: "0x1f31144f2aaf97d5" },
  { name: "crc", checksum: "0xc4086790c14277e1" },
  { name: "quicksort", checksum: "0xaf4921aa17fb8395" },
  { name: "linked_list", checksum: "0x7cd62453f10ec0c2" },
  { name: "indirect_calls", checksum: "0x9d5efac0fba8fcfd" },
  { name: "fp_matrix", checksum: "0xbf14cefa43fee562" },
  { name: "nbody", checksum: "0x04df3050b2af6f0a" },
  { name: "strings", checksum: "0xc184769d02aeabdc" },
  { name: "switch_interpreter", checksum: "0x0576aebb99985a4a" },
  { name: "atomics", checksum: "0xc2965f71d811c9d6" },
  { name: "recursion", checksum: "0x88e1a15efd40c36e" },
];

/**
 * Finds the checksum in what a kernel printed, and compares it.
 *
 * @throws {Error} if there is none, or it is another than expected
 */
export function checkChecksum(kernel: Kernel, consoleText: string): void {
  const found = /^checksum (0x[0-9a-f]{16})$/m.exec(consoleText)?.[1];
  if (found === undefined) {
    throw new Error(`no checksum on the console, only ${JSON.stringify(consoleText.slice(-200))}`);
  }
  if (found !== kernel.checksum) {
    throw new Error(`checksum ${found}, expected ${kernel.checksum}`);
  }
}
