// Clients that mean harm: whatever comes, the session answers, and neither throws nor hangs.

import { assert, assertMatch } from "@std/assert";
import { SplitMix64 } from "../fdt/split_mix64.ts";
import { countingMachine, CTRL_C, TestClient } from "./client_test_support.ts";
import { packet } from "./packet.ts";

const PACKETS = 10_000;
/** Longer than any answer takes on a machine under load. */
const HANG_MS = 20_000;

const SEEDS = [
  "?",
  "g",
  `G${"0".repeat(64)}`,
  "p20",
  "P20=0000008000000000",
  "m80000000,40",
  "M80000100,4:01020304",
  "X80000100,4:abcd",
  "Z0,80000010,4",
  "z0,80000010,4",
  "Z2,80008000,8",
  "Z3,80008000,8",
  "Z4,80008000,8",
  "z2,80008000,8",
  "Hg1",
  "Hc-1",
  "T1",
  "c",
  "s",
  "C05",
  "S05;80000010",
  "bs",
  "bc",
  "vCont?",
  "vCont;c",
  "vCont;s:1;c",
  "vCont;r80000010,80000020:2",
  "vCont;C05:-1",
  "QStartNoAckMode",
  "qSupported:multiprocess+;swbreak+",
  "qC",
  "qAttached",
  "qCRC:80000000,100",
  "qSymbol::",
  "qfThreadInfo",
  "qsThreadInfo",
  "qThreadExtraInfo,1",
  "qRcmd,6d6f6465",
  "qRcmd,7472616e736c617465203830303030303030",
  "qRcmd,676f746f20313030",
  "qXfer:features:read:target.xml:0,1000",
  "qXfer:memory-map:read::0,1000",
  "qXfer:threads:read::0,1000",
];
const ALPHABET = "0123456789abcdef,;:=#$}*-+ \x00\x03\xff";

function mutate(random: SplitMix64, text: string): string {
  const pick = (count: number) => random.below(count);
  const at = pick(text.length + 1);
  const character = ALPHABET[pick(ALPHABET.length)]!;
  switch (pick(6)) {
    case 0:
      return text.slice(0, at) + character + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + character + text.slice(at);
    case 2:
      return text.slice(0, at);
    case 3:
      return text.slice(0, at) + text.slice(at + 1);
    case 4:
      return text.slice(0, at) + SEEDS[pick(SEEDS.length)]!.slice(pick(6));
    default:
      return text.slice(0, at) + character.repeat(1 + pick(40)) + text.slice(at);
  }
}

Deno.test(`${PACKETS} mutated packets: each is answered`, async () => {
  const random = new SplitMix64(5n);
  const pick = (count: number) => random.below(count);
  let { machine } = await countingMachine({ harts: 2, jit: false });
  let client = new TestClient(machine, { checkpointInstructions: 1_000_000 });
  const replace = async () => {
    machine.close();
    ({ machine } = await countingMachine({ harts: 2, jit: false }));
    client = new TestClient(machine, { checkpointInstructions: 1_000_000 });
  };
  let answered = 0;
  let errors = 0;
  for (let n = 0; n < PACKETS; n++) {
    let text = SEEDS[pick(SEEDS.length)]!;
    for (let times = pick(4); times > 0; times--) text = mutate(random, text);
    const bytes = packet(text);
    if (pick(20) === 0) bytes[pick(bytes.length)] = pick(256);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hang = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer to ${JSON.stringify(text)}`)), HANG_MS);
    });
    const asked = client.send(bytes);
    // Whatever it starts is soon asked to stop: it could go on for ever.
    const wish = setTimeout(() => client.session.receive(CTRL_C), 1);
    const replies = await Promise.race([asked, hang]);
    clearTimeout(timer);
    clearTimeout(wish);
    for (const reply of replies) {
      assertMatch(reply, /^(OK|E[0-9a-f]{2}|[TWOQCml][^\n]*|[0-9a-f]*|vCont.*|PacketSize.*|1|)/s);
    }
    if (replies.length > 0) answered++;
    if (/^E[0-9a-f]{2}$/.test(replies.at(-1) ?? "")) errors++;
    if (client.session.end !== undefined || n % 500 === 499) await replace();
  }
  assert(answered > 0.9 * PACKETS, `${answered} answered`);
  assert(errors > 0.1 * PACKETS, `${errors} errors`);
  machine.close();
});

Deno.test("streams of bytes without sense", async () => {
  const random = new SplitMix64(6n);
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  for (let n = 0; n < 200; n++) {
    const bytes = Uint8Array.from({ length: 500 }, () => random.below(256));
    await client.session.receive(bytes);
  }
});

Deno.test("a client that never waits for an answer is shown out", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const flood = Uint8Array.from(Array.from({ length: 1000 }, () => [...packet("c")]).flat());
  await client.session.receive(flood);
  assert(client.session.end === "flooded");
  const { instructions } = machine;
  await machine.run({ until: { instructions: instructions + 1 } });
});
