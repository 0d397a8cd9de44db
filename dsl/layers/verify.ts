/**
 * Whether snapshots are honest: each layer is also run, and must come out as it was restored.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import { encodeCbor } from "../../vmm/snapshot/cbor.ts";
import { sha256Hex } from "../../vmm/snapshot/digest.ts";
import type { Host } from "../host.ts";
import type { LayerReference } from "./definition.ts";
import { planLayers } from "./definition.ts";
import { openLayer, type OpenLayerOptions } from "./open.ts";

/** What was translated, and which pages hold code, is no state of the guest's. */
const NO_STATE: ReadonlySet<string> = new Set(["translations", "pages"]);
const FLAG = "--verify-snapshots";
const VARIABLE = "HIMAWARI_VERIFY_SNAPSHOTS";

/** Whether the user asked for it: `deno test … -- --verify-snapshots`, or by the environment. */
export function isVerifying(): boolean {
  if (Deno.args.includes(FLAG)) return true;
  const { state } = Deno.permissions.querySync({ name: "env", variable: VARIABLE });
  return state === "granted" && (Deno.env.get(VARIABLE) ?? "0") !== "0";
}

/**
 * Restores a layer, runs it cold too, and compares.
 *
 * @throws {Error} if the two differ in state, console or count of instructions, or if the layer could
 * not be restored, so that nothing would have been verified
 */
export async function verifyLayer(
  reference: LayerReference,
  options: OpenLayerOptions,
): Promise<void> {
  const { layers } = planLayers(reference, options);
  if (layers.length === 0) return;
  const name = layers.at(-1)!.name;
  if (options.store === undefined) {
    throw new Error(
      `${FLAG}: no snapshots are kept, so there is nothing to verify; give access to the cache ` +
        "folder, or name one with HIMAWARI_CACHE",
    );
  }
  let restored = await openLayer(reference, options);
  if (restored.outcomes.some(({ how }) => how !== "restored")) {
    // It was made just now; what was kept of it is what counts.
    restored.host.machine.close();
    restored = await openLayer(reference, options);
  }
  using warm = restored.host;
  const missed = restored.outcomes.find(({ how }) => how !== "restored");
  if (missed !== undefined) {
    throw new Error(`${FLAG}: layer ${missed.name} was not restored, so nothing is verified`);
  }
  using cold = (await openLayer(reference, { ...options, store: undefined })).host;
  const [expected, actual] = [await portrait(cold), await portrait(warm)];
  for (const [what, value] of Object.entries(expected)) {
    if (actual[what] === value) continue;
    throw new Error(
      `${FLAG}: layer ${name} restored differs from the same layer run: ${what} is ` +
        `${actual[what]}, run it is ${value}`,
    );
  }
}

async function portrait({ machine }: Host): Promise<Record<string, string | number>> {
  const { components } = machine.checkpoint();
  const states = Object.entries(components).filter(([name]) => !NO_STATE.has(name)).map(
    ([name, { kind, version, fields }]) => [
      `the state of ${name}`,
      sha256Hex(encodeCbor([kind, version, fields as StateValue])),
    ],
  );
  return {
    "the number of instructions": machine.instructions,
    "virtual time in ms": machine.virtualMs,
    "the console's SHA-256": sha256Hex(machine.console.rawTranscript),
    ...Object.fromEntries(states),
    "the state hash": await machine.stateHash(),
  };
}
