import { assertEquals } from "@std/assert";
import { type Incoming, MAX_PAYLOAD_BYTES, packet, PacketReader } from "./packet.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

Deno.test("a payload is framed with its checksum; what would end it is escaped", () => {
  assertEquals(textOf(packet("OK")), "$OK#9a");
  assertEquals(textOf(packet("")), "$#00");
  assertEquals(textOf(packet("a#$}*")), "$a}\x03}\x04}]}\x0a#c3");
});

Deno.test("packets are found however the stream is cut", () => {
  const stream = bytesOf("+$g#67\x03-$X80000000,2:}\x03a#0a");
  const expected: Incoming[] = [
    { type: "acknowledged" },
    { type: "packet", payload: "g" },
    { type: "interrupt" },
    { type: "refused" },
    { type: "packet", payload: "X80000000,2:#a" },
  ];
  const sum = [..."X80000000,2:}\x03a"].reduce((n, c) => n + c.charCodeAt(0), 0) & 0xff;
  stream.set(bytesOf(sum.toString(16).padStart(2, "0")), stream.length - 2);
  for (let size = 1; size <= stream.length; size++) {
    const reader = new PacketReader();
    const found: Incoming[] = [];
    for (let at = 0; at < stream.length; at += size) {
      found.push(...reader.read(stream.subarray(at, at + size)));
    }
    assertEquals(found, expected);
  }
});

Deno.test("what was framed is read again, whatever the bytes", () => {
  const payload = Array.from({ length: 256 }, (_, n) => String.fromCharCode(n)).join("");
  assertEquals(new PacketReader().read(packet(payload)), [{ type: "packet", payload }]);
});

Deno.test("wrong checksums, other digits and packets that are broken off", () => {
  const read = (text: string) => new PacketReader().read(bytesOf(text));
  assertEquals(read("$g#68"), [{ type: "damaged" }]);
  assertEquals(read("$g#xy"), [{ type: "damaged" }]);
  assertEquals(read("$qSupp$g#67"), [{ type: "packet", payload: "g" }]);
  assertEquals(read("noise$g#67noise"), [{ type: "packet", payload: "g" }]);
});

Deno.test("a packet that is too long is told from one that is not, and the next one is read", () => {
  const reader = new PacketReader();
  assertEquals(reader.read(packet("m".repeat(MAX_PAYLOAD_BYTES))).map(({ type }) => type), [
    "packet",
  ]);
  assertEquals(reader.read(packet("m".repeat(MAX_PAYLOAD_BYTES + 1))), [{ type: "too-long" }]);
  const endless = reader.read(new Uint8Array(1 << 20).fill(0x61));
  assertEquals(endless, []);
  const huge = new Uint8Array(1 << 20).fill(0x61);
  huge[0] = 0x24;
  huge.set(bytesOf("#00"), huge.length - 3);
  assertEquals(reader.read(huge)[0]?.type !== "packet", true);
  assertEquals(reader.read(packet("g")), [{ type: "packet", payload: "g" }]);
});
