/**
 * Where a bare-metal program and its device tree go: the program where it says, the tree as high in
 * RAM as it can be.
 *
 * @module
 */

import type { LoadedProgram } from "./program.ts";

const FDT_ALIGNMENT = 4096;

/** What is to be placed. */
export interface BareMetalPlanInput {
  /** Physical address where RAM begins. */
  readonly ramBase: number;
  /** RAM in bytes. */
  readonly ramSizeBytes: number;
  /** The program, see `loadElf`. */
  readonly program: LoadedProgram;
  /** Length of the flattened device tree in bytes. */
  readonly fdtSizeBytes: number;
  /** What to call the program in errors. Default `Program`. */
  readonly name?: string;
}

/**
 * Checks that the program lies in RAM, and finds the place for the device tree: the highest page
 * boundary with room that the program leaves free.
 *
 * @returns the physical address for the device tree
 * @throws {RangeError} if the program or the tree does not fit
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planBareMetal } from "./mod.ts";
 *
 * const segment = { physAddr: 0x8000_0000, bytes: new Uint8Array(64), memSizeBytes: 4096 };
 * const program = { format: "raw" as const, entry: 0x8000_0000, segments: [segment] };
 * const plan = { ramBase: 0x8000_0000, ramSizeBytes: 1 << 20, program, fdtSizeBytes: 3000 };
 * assertEquals(planBareMetal(plan).fdtAddr, 0x800f_f000);
 * ```
 */
export function planBareMetal(input: BareMetalPlanInput): { fdtAddr: number } {
  const { ramBase, ramSizeBytes, program, fdtSizeBytes, name = "Program" } = input;
  const ramEnd = ramBase + ramSizeBytes;
  for (const { physAddr, memSizeBytes } of program.segments) {
    if (physAddr < ramBase || physAddr + memSizeBytes > ramEnd) {
      throw new RangeError(
        `${name}: has a segment at ${range(physAddr, memSizeBytes)}; RAM is ` +
          `${range(ramBase, ramSizeBytes)}: link it for that, or give the machine more memory`,
      );
    }
  }
  let top = ramEnd;
  for (const { physAddr, memSizeBytes } of [...program.segments].reverse()) {
    const fdtAddr = below(top, fdtSizeBytes);
    if (fdtAddr >= physAddr + memSizeBytes) return { fdtAddr };
    top = physAddr;
  }
  const fdtAddr = below(top, fdtSizeBytes);
  if (fdtAddr < ramBase) {
    throw new RangeError(
      `Device tree of ${fdtSizeBytes} bytes has no room in RAM beside the program: ` +
        "give the machine more memory",
    );
  }
  return { fdtAddr };
}

function below(end: number, sizeBytes: number): number {
  return Math.floor((end - sizeBytes) / FDT_ALIGNMENT) * FDT_ALIGNMENT;
}

function range(base: number, sizeBytes: number): string {
  const hex = (address: number) => `0x${address.toString(16).padStart(8, "0")}`;
  return `${hex(base)}-${hex(base + sizeBytes - 1)}`;
}
