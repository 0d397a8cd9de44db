/**
 * `--gdb`: a debugger has the machine before it runs by itself.
 *
 * @module
 */

import { serveGdb } from "../../vmm/gdb/mod.ts";
import type { Machine } from "../../vmm/machine.ts";
import { type CliStreams, say } from "./cli_streams.ts";
import type { ConsoleOutput } from "./console_output.ts";
import { asUserError, UserError } from "./user_error.ts";

const HOSTNAME = "127.0.0.1";
/** What the machine prints under the debugger appears so often. */
const FLUSH_MS = 50;

/**
 * Serves gdb until it has detached, or has killed the machine; answers which.
 *
 * @throws {UserError} if the port cannot be listened on
 */
export async function debugMachine(
  machine: Machine,
  port: number,
  output: ConsoleOutput,
  streams: CliStreams,
): Promise<"detached" | "killed"> {
  const { state } = await Deno.permissions.query({ name: "net", host: HOSTNAME });
  if (state === "denied") {
    throw new UserError(`--gdb: no permission to listen: run with --allow-net=${HOSTNAME}`);
  }
  await using server = await asUserError(
    () => serveGdb(machine, { hostname: HOSTNAME, port }),
    "--gdb: ",
  );
  say(streams, `waiting for gdb-multiarch -ex "target remote ${server.hostname}:${server.port}"`);
  const timer = setInterval(() => output.flush(), FLUSH_MS);
  try {
    const end = await server.ended;
    if (end === "flooded") throw new UserError("--gdb: the client sent more than can be answered");
    return end;
  } finally {
    clearInterval(timer);
    output.flush();
  }
}
