/**
 * A scenario: a test that starts from a booted machine.
 *
 * @module
 */

import type { Machine } from "../vmm/machine.ts";
import type { Host } from "./host.ts";
import type { BuiltInOptions, LayerReference, MadeBy } from "./layers/definition.ts";
import { withLayer } from "./layers/open.ts";
import { sharedStore, warnOnStderr } from "./layers/store.ts";
import { isVerifying, verifyLayer } from "./layers/verify.ts";

/** Options of {@link scenario}. */
export interface ScenarioOptions<From extends LayerReference = LayerReference>
  extends BuiltInOptions {
  /**
   * The layer to start from: `"power-on"` (nothing has run), `"host-prompt"` (host Linux at its shell's
   * prompt), `"guest-prompt"` (a guest in it at its own), or one of yours, by itself or by its name.
   */
  readonly from: From;
  /**
   * What the entropy device begins with after the layer was reached: another seed, other random bytes, and
   * the same ones each time. Default: it goes on from where the layer left it.
   */
  readonly seed?: number | bigint;
  /** Leave the scenario out, for this reason. */
  readonly ignore?: string;
}

/** What a scenario works with, beside what the layers below have made. */
export interface ScenarioContext {
  readonly host: Host;
  readonly machine: Machine;
}

/**
 * Registers a test with `Deno.test`. It gets a machine of its own, which is closed at the end.
 *
 * The layer it starts from is restored from a snapshot if there is one, and made and kept if there is
 * none; see {@link layer}. Snapshots are kept in the user's cache folder, which needs permission to read
 * and write it and to read the variables that name it; without it machines are booted each time.
 *
 * @example
 * ```ts ignore
 * scenario("guest Linux reaches its shell", { from: "host-prompt" }, async ({ host }) => {
 *   const guest = await host.lkvm({ memMiB: 256, cpus: 2 });
 *   await guest.console.expect(/smp: Brought up 1 node, 2 CPUs/);
 *   const { code, out } = await guest.sh`uname -m`;
 *   assertEquals([code, out], [0, "riscv64"]);
 * });
 * ```
 */
export function scenario<const From extends LayerReference>(
  name: string,
  options: ScenarioOptions<From>,
  body: (context: ScenarioContext & MadeBy<From>) => Promise<void> | void,
): void {
  const { from, host, guest, seed, ignore } = options;
  Deno.test({
    name: ignore === undefined ? name : `${name} (ignored: ${ignore})`,
    ignore: ignore !== undefined,
    async fn() {
      const open = { host, guest, store: sharedStore(warnOnStderr), warn: warnOnStderr };
      if (isVerifying()) await verifyLayer(from, open);
      await withLayer(from, open, async ({ host, made }) => {
        if (seed !== undefined) host.machine.reseed(seed);
        const context = { ...made, host, machine: host.machine };
        await body(context as unknown as ScenarioContext & MadeBy<From>);
      });
    },
  });
}
