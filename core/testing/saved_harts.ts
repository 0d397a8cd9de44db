/**
 * Saving harts and RAM for tests, and bringing them back.
 *
 * @module
 */

import { HartArray, type HartArrayOptions, type HartArrayState } from "../hart_array.ts";
import type { RamImage } from "../ram_image.ts";
import { RAM } from "./bare_program.ts";
import { stateDigest } from "./state_digest.ts";

/** Harts and their RAM at one moment. */
export interface SavedHarts {
  readonly state: HartArrayState;
  readonly ram: RamImage;
}

/** Saves, as a machine's checkpoint does: what is written from now on counts as a change of this. */
export function saveAll(harts: HartArray): SavedHarts {
  const ram = harts.pages.capture(true);
  const state = harts.save();
  harts.pages.adopt(ram);
  return { state, ram };
}

/** Makes harts what they were. */
export function restoreAll(harts: HartArray, { state, ram }: SavedHarts): HartArray {
  harts.openState(state, ram)();
  return harts;
}

/** New harts that were saved. */
export function restoredHarts(
  saved: SavedHarts,
  options: Partial<HartArrayOptions> = {},
): HartArray {
  const harts = new HartArray({
    harts: 1,
    ramBase: RAM,
    ramSizeBytes: saved.ram.pageCount * 4096,
    ...options,
  });
  return restoreAll(harts, saved);
}

/** Everything that a snapshot would hold; brings in all of RAM. */
export function everything(harts: HartArray): { digest: string; state: HartArrayState } {
  harts.pages.ensurePresent(0, harts.module.ram.length);
  return { digest: stateDigest(harts), state: harts.save() };
}
