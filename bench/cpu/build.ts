/**
 * Builds the kernels: each with `start.S` and `main.c` into a bare-metal ELF of its own.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { Kernel } from "./kernels.ts";

/** The cross compiler, as Debian's `gcc-riscv64-linux-gnu` names it. */
export const COMPILER = "riscv64-linux-gnu-gcc";

const FLAGS = [
  "-O2",
  "-std=c11",
  "-march=rv64gc",
  "-mabi=lp64d",
  "-mcmodel=medany",
  "-ffreestanding",
  "-nostdlib",
  "-static",
  "-fno-pic",
  "-no-pie",
  "-fno-stack-protector",
  // The checksum of a floating-point kernel must not depend on what the compiler fuses.
  "-ffp-contract=off",
  "-fno-math-errno",
  // A loop that copies is what is measured, not a call of memcpy.
  "-fno-tree-loop-distribute-patterns",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wl,--build-id=none",
];

/** Path of a file in this folder. */
function source(name: string): string {
  return fromFileUrl(new URL(name, import.meta.url));
}

/** Whether the compiler can be run. */
export async function hasCompiler(): Promise<boolean> {
  // What the task allows but the PATH has not counts as not allowed.
  const { state } = await Deno.permissions.query({ name: "run", command: COMPILER });
  if (state !== "granted") return false;
  try {
    const { success } = await new Deno.Command(COMPILER, {
      args: ["--version"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Builds a kernel.
 *
 * @throws {Error} with the compiler's words if it does not compile
 * @returns path of the ELF in `folder`
 */
export async function buildKernel(kernel: Kernel, folder: string): Promise<string> {
  const elf = `${folder}/${kernel.name}.elf`;
  const { success, stderr } = await new Deno.Command(COMPILER, {
    args: [
      ...FLAGS,
      "-T",
      source("link.ld"),
      "-o",
      elf,
      source("start.S"),
      source("main.c"),
      source(`kernels/${kernel.name}.c`),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`cannot build ${kernel.name}.c:\n${new TextDecoder().decode(stderr)}`);
  }
  return elf;
}
