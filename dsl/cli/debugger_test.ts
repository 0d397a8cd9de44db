import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { packet } from "../../vmm/gdb/packet.ts";
import { canServe } from "../../vmm/gdb/server_test_support.ts";
import { callCli, finisherProgram } from "./cli_test_support.ts";
import { debugMachine } from "./debugger.ts";
import { Machine } from "../../vmm/machine.ts";
import { ConsoleOutput } from "./console_output.ts";

const ignore = !canServe();
const PASS = 0x5555;

class Sink {
  text = "";
  writeSync(bytes: Uint8Array): number {
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }
}

/** Connects to what `stderr` announces, and sends packets one after the other, each when the last is answered. */
async function client(stderr: Sink, ...packets: readonly string[]): Promise<string> {
  let port;
  while ((port = /127\.0\.0\.1:(\d+)/.exec(stderr.text)?.[1]) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  let received = "";
  for (const text of packets) {
    await connection.write(packet(text));
    const buffer = new Uint8Array(4096);
    for (let answer = ""; !/\$[^#]*#../.test(answer);) {
      const count = await connection.read(buffer);
      if (count === null) break;
      answer += new TextDecoder().decode(buffer.subarray(0, count));
      received += answer;
    }
  }
  return received;
}

async function debugged(...packets: readonly string[]) {
  const machine = await Machine.create({ elf: finisherProgram(PASS, "hello"), memMiB: 1 });
  const [stdout, stderr] = [new Sink(), new Sink()];
  const streams = {
    stdout,
    stderr,
    stdin: { read: () => Promise.resolve(null), isTerminal: () => false, setRaw: () => {} },
  };
  const output = new ConsoleOutput(machine.console, stdout);
  const [end, received] = await Promise.all([
    debugMachine(machine, 0, output, streams),
    client(stderr, ...packets),
  ]);
  return { machine, end, received, stdout: stdout.text };
}

Deno.test({
  name: "gdb has the machine, and lets it go where it stands",
  ignore,
  fn: async () => {
    const { machine, end, received } = await debugged("?", "s", "D");
    using _machine = machine;
    assertEquals(end, "detached");
    assertMatch(received, /\$T05/);
    assertEquals(machine.instructions, 1);
    assertEquals((await machine.run()).finish, { kind: "pass", code: 0 });
  },
});

Deno.test({
  name: "what the machine prints under gdb is on standard output, to its end",
  ignore,
  fn: async () => {
    const { machine, received, stdout } = await debugged("c", "D");
    using _machine = machine;
    assertEquals(stdout, "hello");
    assertMatch(received, /\$W00#/);
  },
});

Deno.test({
  name: "a port that is in use is named",
  ignore,
  fn: async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const program = Deno.makeTempFileSync({ dir: "/tmp" });
    try {
      Deno.writeFileSync(program, finisherProgram(PASS));
      const { code, stderr } = await callCli("--elf", program, "--gdb", String(port));
      assertEquals(code, 1);
      assertStringIncludes(stderr, `127.0.0.1:${port}`);
    } finally {
      Deno.removeSync(program);
    }
  },
});

Deno.test("a port is a number, and gdb does not go with a trace", async () => {
  const wrong = await callCli("--gdb", "70000");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "--gdb 70000");
  const both = await callCli("--gdb", "1234", "--trace", "t");
  assertEquals(both.code, 2);
  assertStringIncludes(both.stderr, "leave one of them out");
});
