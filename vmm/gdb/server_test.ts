// Over a real socket; needs --allow-net=127.0.0.1.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { countingMachine } from "./client_test_support.ts";
import { CTRL_C } from "./client_test_support.ts";
import { type Incoming, packet, PacketReader } from "./packet.ts";
import { canServe } from "./server_test_support.ts";
import { type GdbServer, serveGdb } from "./server.ts";

const ignore = !canServe();

async function connect({ hostname, port }: GdbServer) {
  const connection = await Deno.connect({ hostname, port });
  const reader = new PacketReader();
  const found: Incoming[] = [];
  return {
    connection,
    ask: async (payload: string | Uint8Array): Promise<string> => {
      await connection.write(typeof payload === "string" ? packet(payload) : payload);
      while (true) {
        const next = found.shift();
        if (next?.type === "packet") return next.payload;
        if (next !== undefined) continue;
        const bytes = new Uint8Array(1 << 16);
        const count = await connection.read(bytes);
        if (count === null) throw new Error("the server has closed the connection");
        found.push(...reader.read(bytes.subarray(0, count)));
      }
    },
  };
}

Deno.test({
  name: "a client is served until it detaches",
  ignore,
  fn: async () => {
    const { machine } = await countingMachine();
    using _machine = machine;
    await using server = serveGdb(machine, { port: 0 });
    assertEquals(server.hostname, "127.0.0.1");
    assert(server.port > 0);
    const { ask, connection } = await connect(server);
    using _connection = connection;
    assertEquals(await ask("s"), "T05thread:1;");
    const stopped = ask("c");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await connection.write(CTRL_C);
    assertEquals(await stopped, "T02thread:1;");
    const second = await connect(server);
    using _second = second.connection;
    await assertRejects(() => second.ask("g"));
    assertEquals(await ask("D"), "OK");
    assertEquals(await server.ended, "detached");
    await machine.run({ until: { instructions: machine.instructions + 1 } });
  },
});

Deno.test({
  name: "a client that is gone, in mid-run too, ends the session",
  ignore,
  fn: async () => {
    for (const payload of ["g", "c"]) {
      const { machine } = await countingMachine();
      using _machine = machine;
      await using server = serveGdb(machine, { port: 0 });
      const { connection } = await connect(server);
      await connection.write(packet(payload));
      await new Promise((resolve) => setTimeout(resolve, 20));
      connection.close();
      assertEquals(await server.ended, "detached");
      await machine.run({ until: { instructions: machine.instructions + 1 } });
    }
  },
});

Deno.test({
  name: "kill closes the machine and the connection",
  ignore,
  fn: async () => {
    const { machine } = await countingMachine();
    await using server = serveGdb(machine, { port: 0 });
    const { connection } = await connect(server);
    using _connection = connection;
    await connection.write(packet("k"));
    assertEquals(await server.ended, "killed");
    await assertRejects(() => machine.run(), TypeError, "closed");
  },
});

Deno.test({
  name: "a server nobody came to can be closed, and again",
  ignore,
  fn: async () => {
    const { machine } = await countingMachine();
    using _machine = machine;
    const server = serveGdb(machine, { port: 0 });
    await server.close();
    await server.close();
    assertEquals(await server.ended, "detached");
    await assertRejects(() => Deno.connect({ hostname: server.hostname, port: server.port }));
  },
});

Deno.test({
  name: "a port in use, or none, is an error that says so",
  ignore,
  fn: async () => {
    const { machine } = await countingMachine();
    using _machine = machine;
    await using server = serveGdb(machine, { port: 0 });
    const { port } = server;
    const error = assertThrows(() => serveGdb(machine, { port }), Deno.errors.AddrInUse);
    assertStringIncludes(error.message, `127.0.0.1:${port}`);
    for (const wrong of [-1, 65_536, 1.5, NaN]) {
      assertThrows(() => serveGdb(machine, { port: wrong }), RangeError, "port");
    }
    assertThrows(() => serveGdb(machine, { port: 0, checkpointInstructions: 0 }), RangeError);
  },
});
