/**
 * A scenario: a test that starts from a booted machine.
 *
 * @module
 */

import type { Machine } from "../vmm/machine.ts";
import { SnapshotError } from "../vmm/snapshot/snapshot_error.ts";
import type { GuestOptions } from "./guest_options.ts";
import type { Host, HostOptions } from "./host.ts";
import type { BuiltInOptions, LayerReference, MadeBy } from "./layers/definition.ts";
import { openLayer, type OpenLayerOptions } from "./layers/open.ts";
import { sharedStore, warnOnStderr } from "./layers/store.ts";
import { isVerifying, verifyLayer } from "./layers/verify.ts";

/** Options of {@link scenario}. */
export interface ScenarioOptions<From extends LayerReference = LayerReference> {
  /**
   * The layer to start from: `"power-on"` (nothing has run), `"host-prompt"` (host Linux at its shell's
   * prompt), `"guest-prompt"` (a guest in it at its own), or one of yours, by itself or by its name.
   */
  readonly from: From;
  /** The host; see {@link HostOptions}. */
  readonly host?: HostOptions;
  /** The guest of `"guest-prompt"`: options, or a whole command line. */
  readonly guest?: GuestOptions | string;
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
  body: (context: ScenarioContext & MadeBy<From>) => Promise<void>,
): void {
  const { from, host = {}, guest = {}, ignore } = options;
  const builtIn: BuiltInOptions = { host, guest };
  Deno.test({
    name: ignore === undefined ? name : `${name} (ignored: ${ignore})`,
    ignore: ignore !== undefined,
    async fn() {
      const store = sharedStore(warnOnStderr);
      const open: OpenLayerOptions = { ...builtIn, store, warn: warnOnStderr };
      if (isVerifying()) await verifyLayer(from, open);
      try {
        await run(from, open, body);
      } catch (error) {
        const damaged = findSnapshotError(error);
        if (damaged === undefined) throw error;
        warnOnStderr(`scenario ${JSON.stringify(name)} runs without snapshots: ${damaged.message}`);
        await run(from, { ...open, store: undefined }, body);
      }
    },
  });
}

async function run<From extends LayerReference>(
  from: From,
  options: OpenLayerOptions,
  body: (context: ScenarioContext & MadeBy<From>) => Promise<void>,
): Promise<void> {
  const { host, made } = await openLayer(from, options);
  using _host = host;
  const context = { ...made, host, machine: host.machine };
  await body(context as unknown as ScenarioContext & MadeBy<From>);
}

/** A page that cannot be read shows when the guest first uses it, somewhere in the body. */
function findSnapshotError(error: unknown): SnapshotError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof SnapshotError) return cause;
  }
  return undefined;
}
