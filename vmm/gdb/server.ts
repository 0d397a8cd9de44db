/**
 * gdb's remote protocol over TCP: one client at a time, one machine.
 *
 * @module
 */

import type { Machine } from "../machine.ts";
import type { DebugOptions } from "./debuggee.ts";
import { GdbSession, type SessionEnd } from "./session.ts";

/** Options of {@link serveGdb}. */
export interface ServeGdbOptions extends DebugOptions {
  /** Where to listen. Default `127.0.0.1`: whoever can connect can do anything to the machine. */
  readonly hostname?: string;
  /** Port to listen on; 0 takes a free one. Default 1234. */
  readonly port?: number;
}

/** A server for debuggers. */
export interface GdbServer extends AsyncDisposable {
  /** The address that it listens on. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Comes when a client has detached, has killed the machine, or is gone, and the machine stands. */
  readonly ended: Promise<SessionEnd>;
  /** Ends the session and the server. Harmless when repeated. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 1234;
const READ_BYTES = 0x4000;

/**
 * Serves gdb's remote protocol for a machine, until a client has come and gone. The machine runs when
 * the client has it run, and not otherwise: nobody else may run it meanwhile.
 *
 * Limitation: one client. Others are turned away while it is there.
 *
 * @throws {Deno.errors.AddrInUse} if the port is in use, naming it
 * @throws {RangeError} if an option is out of range
 * @throws {TypeError} if the machine is closed
 *
 * @example
 * ```ts ignore
 * await using server = serveGdb(machine, { port: 1234 });
 * console.log(`gdb-multiarch -ex "target remote ${server.hostname}:${server.port}"`);
 * await server.ended;
 * ```
 */
export function serveGdb(machine: Machine, options: ServeGdbOptions = {}): GdbServer {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT, ...debugOptions } = options;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`port: ${port} is no whole number from 0 to 65535`);
  }
  // An error in the options is to come before anything is opened.
  let connection: Deno.TcpConn | undefined;
  let output: Promise<void> = Promise.resolve();
  const session = new GdbSession(machine, (bytes) => {
    output = output.then(() => connection && writeAll(connection, bytes)).catch(() => {});
  }, debugOptions);
  const listener = listen(hostname, port);
  const closeQuietly = () => {
    for (const each of [listener, connection]) {
      try {
        each?.close();
      } catch {
        // It is closed.
      }
    }
  };
  const ended = serve();

  async function serve(): Promise<SessionEnd> {
    let client: Promise<void> | undefined;
    try {
      for await (const each of listener) {
        if (connection !== undefined) {
          each.close();
          continue;
        }
        connection = each;
        each.setNoDelay(true);
        client = converse(each).finally(() => listener.close());
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    } finally {
      await client?.catch(() => {});
      await session.close();
      await output;
      closeQuietly();
    }
    return session.end!;
  }

  async function converse(conn: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    while (true) {
      const count = await conn.read(buffer).catch(() => null);
      if (count === null) return;
      // Not awaited: while the machine runs, the client is listened to, as it may want it to stop.
      session.receive(buffer.subarray(0, count)).then(async () => {
        if (session.end === undefined) return;
        await output;
        closeQuietly();
      });
    }
  }

  const address = listener.addr as Deno.NetAddr;
  const close = async () => {
    void session.close();
    closeQuietly();
    await ended;
  };
  return {
    hostname: address.hostname,
    port: address.port,
    ended,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Deno.errors.AddrInUse(
      `Cannot serve gdb on ${hostname}:${port}: the port is in use; give another one, or 0 for a free one`,
      { cause: error },
    );
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
