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
  { name: "integer", checksum: "0xcbc65d4965e7778e" },
  { name: "sieve", checksum: "0xc37b3667b36c3fb4" },
  { name: "matrix", checksum: "0x231f53c65901b7af" },
  { name: "crc", checksum: "0xd66ff1a6a086fdfa" },
  { name: "quicksort", checksum: "0x4bc6f336250815de" },
  { name: "linked_list", checksum: "0x6a1db25a1e2e935f" },
  { name: "indirect_calls", checksum: "0x2e68db7c11418731" },
  { name: "fp_matrix", checksum: "0x01f169ac66fe4f2c" },
  { name: "nbody", checksum: "0xd1f40f2456254e72" },
  { name: "strings", checksum: "0xfa1286f51915f915" },
  { name: "switch_interpreter", checksum: "0xeba8e219cd55b84a" },
  { name: "atomics", checksum: "0xf5f67b410d6065bc" },
  { name: "recursion", checksum: "0x89d957926e82a7af" },
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
