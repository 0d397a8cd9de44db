/**
 * `himawari cache import`: takes in what export wrote.
 *
 * @module
 */

import project from "../../../deno.json" with { type: "json" };
import { emulatorBuild } from "../../../vmm/emulator_build.ts";
import { importBundle, type ImportedLayer } from "../../../vmm/snapshot/bundle_import.ts";
import { shortKey } from "../../../vmm/snapshot/explain_miss.ts";
import { EXIT } from "../exit_codes.ts";
import { asUserError } from "../user_error.ts";
import type { CacheCommand } from "./cache_context.ts";

const HOW: Readonly<Record<ImportedLayer["how"], string>> = {
  stored: "imported",
  replaced: "imported, in place of one of another build,",
  kept: "left as it is:",
};

/** The command. */
export const IMPORT: CacheCommand = {
  name: "import",
  operands: "FILE",
  operandCount: [1, 1],
  summary: "takes in the snapshots of such a file",
  description: `Takes in the snapshots of a file that export wrote.

All of the file is checked before anything is stored. Whether a snapshot is what a machine really
comes to is not: import files that you trust, or run the tests once with --verify-snapshots.`,
  options: [],
  async run({ operands: [file = ""], folder, print }) {
    const build = await asUserError(() => emulatorBuild(project.version));
    const layers = await folder.withStore((store) => importBundle(store, file, build));
    for (const { record: { layer, key }, how } of layers) {
      print(`${HOW[how]} ${layer} ${shortKey(key)}`);
    }
    if (layers.some(({ record, how }) => how !== "kept" && record.build !== build)) {
      print("they are of another build of the emulator, and this one does not use them");
    }
    return EXIT.success;
  },
};
