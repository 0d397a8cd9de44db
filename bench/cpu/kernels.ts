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
  { name: "integer", checksum: "0xcac738dee0cfc881" },
  { name: "sieve", checksum: "0xc227366003bb3558" },
  { name: "matrix", checksum: "0x9f090f6ac79ad391" },
  { name: "crc", checksum: "0x3fc3f6846077b11c" },
  { name: "quicksort", checksum: "0x3e34931e0552bf77" },
  { name: "linked_list", checksum: "0x07850c555fdad55e" },
  { name: "indirect_calls", checksum: "0xf6949f3217b9e984" },
  { name: "fp_matrix", checksum: "0xcb0f5dc1ef2bafad" },
  { name: "nbody", checksum: "0x4ae98a1fa176c61a" },
  { name: "strings", checksum: "0x0c37bbdda8d6bced" },
  { name: "switch_interpreter", checksum: "0x092a5cff1d06ab4a" },
  { name: "atomics", checksum: "0xe8d34e2040c39840" },
  { name: "recursion", checksum: "0x31b43123f4d1087f" },
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
