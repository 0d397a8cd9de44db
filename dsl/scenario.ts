/**
 * A scenario: a test that starts from a booted machine.
 *
 * @module
 */

import { Host, type HostOptions } from "./host.ts";

/** Where a scenario starts. */
export type Layer =
  /** A machine at power-on: nothing has run. */
  | "power-on"
  /** Host Linux at its shell's prompt. */
  | "host-prompt";

/** Options of {@link scenario}. */
export interface ScenarioOptions {
  /** Where to start. */
  readonly from: Layer;
  /** The host; see {@link HostOptions}. */
  readonly host?: HostOptions;
  /** Leave the scenario out, for this reason. */
  readonly ignore?: string;
}

/** What a scenario works with. */
export interface ScenarioContext {
  readonly host: Host;
}

/**
 * Registers a test with `Deno.test`. It gets a machine of its own, which is closed at the end.
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
export function scenario(
  name: string,
  options: ScenarioOptions,
  body: (context: ScenarioContext) => Promise<void>,
): void {
  const { from, host: hostOptions = {}, ignore } = options;
  Deno.test({
    name: ignore === undefined ? name : `${name} (ignored: ${ignore})`,
    ignore: ignore !== undefined,
    async fn() {
      using host = from === "power-on"
        ? await Host.create(hostOptions)
        : await Host.boot(hostOptions);
      await body({ host });
    },
  });
}
