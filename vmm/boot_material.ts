/**
 * What decides how a machine starts, in clear: the key material of its first layer.
 *
 * @module
 */

import { createBoardFdt } from "./board_fdt.ts";
import { writeDtb } from "./fdt/mod.ts";
import { type InputFile, isFileMap, isLazyBytes, readInput } from "./input_file.ts";
import type { FileMap } from "./initramfs/mod.ts";
import { checkOptions, type MachineOptions } from "./machine_options.ts";
import { RAM_BASE } from "./memory_map.ts";
import { sha256Hex } from "./snapshot/digest.ts";

const MIB = 1 << 20;

/**
 * Names what a machine with these options is made of: numbers as they are, files by their digests.
 *
 * @throws as `Machine.create` for files that cannot be read
 */
export async function bootMaterial(options: MachineOptions): Promise<Record<string, string>> {
  const checked = checkOptions(options);
  const { harts, memMiB, isa, bootargs, seed, fdt, initrd } = checked;
  const material: Record<string, string> = {
    harts: String(harts),
    memMiB: String(memMiB),
    isa,
    bootargs: bootargs ?? "",
    seed: String(seed ?? 0),
  };
  for (const role of ["firmware", "kernel", "elf"] as const) {
    const input = checked[role];
    if (input !== undefined) material[role] = await identityOf(input, role);
  }
  if (initrd !== undefined) {
    material["initrd"] = isFileMap(initrd)
      ? fileMapIdentity(initrd)
      : await identityOf(initrd, "initrd");
  }
  if (typeof fdt === "function") {
    // The tree without the place of the initramfs, which follows from the rest.
    const tree = createBoardFdt({
      harts,
      memBytes: memMiB * MIB,
      isa,
      initrd: { start: RAM_BASE, end: RAM_BASE + 1 },
      ...(bootargs === undefined ? {} : { bootargs }),
      ...(seed === undefined ? {} : { seed }),
    });
    fdt(tree);
    material["fdt"] = sha256Hex(writeDtb(tree));
  } else if (fdt !== undefined) material["fdt"] = await identityOf(fdt, "fdt");
  return material;
}

/** A digest of all paths, contents and modes. */
export function fileMapIdentity(files: FileMap): string {
  const lines = Object.entries(files).map(([path, entry]) => {
    const facts = Object.entries(entry).map((
      [name, value],
    ) => [name, value instanceof Uint8Array ? sha256Hex(value) : value]);
    return JSON.stringify(
      [path, facts.sort()],
      (_key, value) => typeof value === "bigint" ? String(value) : value,
    );
  });
  return sha256Hex(new TextEncoder().encode(lines.sort().join("\n")));
}

async function identityOf(input: InputFile, role: string): Promise<string> {
  if (isLazyBytes(input)) return input.identity;
  return sha256Hex((await readInput(input, role)).bytes);
}
