/**
 * `--dump-fdt`: the machine's device tree as a file.
 *
 * @module
 */

import { printDts } from "../../vmm/fdt/mod.ts";
import type { Machine } from "../../vmm/machine.ts";
import { asUserError } from "./user_error.ts";

/** Writes the tree that firmware or program would be handed. */
export async function dumpFdt(
  machine: Machine,
  target: { readonly path: string; readonly format: "dtb" | "dts" },
): Promise<void> {
  await asUserError(
    () =>
      target.format === "dtb"
        ? Deno.writeFile(target.path, machine.dtb)
        : Deno.writeTextFile(target.path, printDts(machine.fdt)),
    `--dump-fdt ${target.path}: `,
  );
}
