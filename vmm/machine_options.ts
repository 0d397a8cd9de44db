/**
 * What a machine is made of, and the checks before anything is built.
 *
 * @module
 */

import { checkJitOptions, type JitOptions } from "../core/jit/jit_options.ts";
import { DEFAULT_ISA } from "./board_fdt.ts";
import type { FdtTree } from "./fdt/mod.ts";
import type { InputFile } from "./input_file.ts";
import type { FileMap } from "./initramfs/mod.ts";
import { optionalExtensionsOf } from "./isa_string.ts";
import type { MachineShape } from "./snapshot/snapshot.ts";

/** Most harts a machine may have. */
export const MAX_HARTS = 8;
/** Most RAM, in MiB: what wasm's 4 GiB leave beside the harts' own state. */
export const MAX_MEM_MIB = 3968;
/** Least RAM, in MiB. */
export const MIN_MEM_MIB = 1;

/** Options of `Machine.create`. */
export interface MachineOptions {
  /** Number of harts, 1 to 8. Default 1. */
  readonly harts?: number;
  /** RAM in MiB, up to 3968. Default 256. */
  readonly memMiB?: number;
  /** M-mode firmware that starts the kernel, as OpenSBI's `fw_dynamic.bin`; raw or ELF. */
  readonly firmware?: InputFile;
  /** Kernel: RISC-V `Image`, `Image.gz` or ELF. Needs a firmware. */
  readonly kernel?: InputFile;
  /** Initramfs: a file map, or a ready archive (cpio, gzip'd or not). */
  readonly initrd?: InputFile | FileMap;
  /** Kernel command line. */
  readonly bootargs?: string;
  /**
   * The device tree: a function that edits the board's default tree, or a whole flattened tree that
   * replaces it (`/chosen` and `/memory` then are the user's own affair).
   */
  readonly fdt?: InputFile | ((tree: FdtTree) => void);
  /** A bare-metal program instead of firmware and kernel: ELF, started in M-mode on every hart. */
  readonly elf?: InputFile;
  /**
   * ISA string of the harts, for the device tree; Smstateen, Sscofpmf, Sstc, Svadu, Svnapot and Svpbmt
   * are there if it names them. Default `DEFAULT_ISA`.
   */
  readonly isa?: string;
  /** What the guest's random seed and its entropy device derive from. Default 0. */
  readonly seed?: number | bigint;
  /**
   * Translation of hot code to WebAssembly; false leaves everything to the interpreter. The guest cannot
   * tell the difference.
   */
  readonly jit?: JitOptions | false;
}

function checkInteger(name: string, value: number, min: number, max: number, remedy: string): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: ${value} is no whole number from ${min} to ${max}; ${remedy}`);
  }
}

/**
 * The seed's low 64 bits, which are what counts.
 *
 * @throws {RangeError} if it is no whole number
 */
export function checkSeed(seed: number | bigint): bigint {
  if (typeof seed !== "bigint" && !Number.isSafeInteger(seed)) {
    throw new RangeError(`seed: ${seed} is no whole number; give larger ones as bigint`);
  }
  return BigInt.asUintN(64, BigInt(seed));
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MachineOptions>([
  "harts",
  "memMiB",
  "firmware",
  "kernel",
  "initrd",
  "bootargs",
  "fdt",
  "elf",
  "isa",
  "seed",
  "jit",
]);

/**
 * Checks what a machine must be like to take a snapshot over.
 *
 * @throws {RangeError} if a number is out of range
 * @throws {SyntaxError} if `isa` is no ISA string
 * @throws {TypeError} if it is no shape at all
 */
export function checkShape(shape: MachineShape): MachineShape {
  if (typeof shape !== "object" || shape === null || typeof shape.isa !== "string") {
    throw new TypeError("Cannot restore a machine: the snapshot does not say of what shape");
  }
  const { harts, memMiB, isa } = shape;
  checkInteger("harts", harts, 1, MAX_HARTS, "this is no snapshot of a machine");
  checkInteger("memMiB", memMiB, MIN_MEM_MIB, MAX_MEM_MIB, "this is no snapshot of a machine");
  optionalExtensionsOf(isa);
  return { harts, memMiB, isa };
}

/** Options with defaults filled in for what has one. */
export type CheckedOptions =
  & MachineOptions
  & Required<Pick<MachineOptions, "harts" | "memMiB" | "isa">>;

/**
 * Checks options against each other.
 *
 * @throws {RangeError} if a number is out of range
 * @throws {SyntaxError} if `isa` is no ISA string
 * @throws {TypeError} if an option is unknown, or options do not go together
 */
export function checkOptions(options: MachineOptions): CheckedOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Machine.create: give an object of options");
  }
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw new TypeError(
        `Machine.create: unknown option ${name}; known: ${[...OPTION_NAMES].join(", ")}`,
      );
    }
  }
  const { harts = 1, memMiB = 256, firmware, kernel, initrd, elf } = options;
  checkInteger("harts", harts, 1, MAX_HARTS, "a machine runs its harts in turn on one thread");
  checkInteger(
    "memMiB",
    memMiB,
    MIN_MEM_MIB,
    MAX_MEM_MIB,
    "harts and RAM share 4 GiB of address space",
  );
  if (elf !== undefined) {
    if (firmware !== undefined || kernel !== undefined || initrd !== undefined) {
      throw new TypeError(
        "Machine.create: elf is a bare-metal program; leave out firmware, kernel and initrd",
      );
    }
  } else if (firmware === undefined) {
    throw new TypeError(
      kernel === undefined
        ? "Machine.create: nothing to run; give firmware and kernel, or elf"
        : "Machine.create: a kernel needs firmware to start it; give firmware (OpenSBI's fw_dynamic.bin)",
    );
  }
  if (initrd !== undefined && kernel === undefined) {
    throw new TypeError("Machine.create: an initrd needs a kernel");
  }
  const { bootargs, seed } = options;
  if (bootargs !== undefined) {
    if (typeof bootargs !== "string") {
      throw new TypeError(`Machine.create: bootargs are a string, not ${typeof bootargs}`);
    }
    if (bootargs.includes("\0")) throw new TypeError("Machine.create: bootargs contain a NUL");
  }
  if (seed !== undefined) checkSeed(seed);
  const { isa = DEFAULT_ISA, jit } = options;
  if (jit !== undefined && jit !== false && (typeof jit !== "object" || jit === null)) {
    throw new TypeError(`jit: ${jit} is neither false nor an object of options`);
  }
  if (jit) checkJitOptions(jit);
  optionalExtensionsOf(isa);
  return { ...options, harts, memMiB, isa };
}
