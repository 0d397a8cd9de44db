import { assertEquals } from "@std/assert";
import type { AccessWidth } from "../core/device.ts";
import { type FinishRequest, TestFinisher } from "./test_finisher.ts";

function requestsOf(...stores: [offset: number, width: AccessWidth, value: number][]) {
  const requests: FinishRequest[] = [];
  const finisher = new TestFinisher({ onFinish: (request) => requests.push(request) });
  for (const [offset, width, value] of stores) finisher.write(offset, width, value);
  return requests;
}

Deno.test("pass, fail with its code and reset reach the host", () => {
  assertEquals(requestsOf([0, 4, 0x5555], [0, 4, 0xbeef_3333], [0, 4, 0x7777]), [
    { kind: "pass", code: 0 },
    { kind: "fail", code: 0xbeef },
    { kind: "reset", code: 0 },
  ]);
});

Deno.test("the upper half counts for a failure alone", () => {
  assertEquals(requestsOf([0, 4, 0x0007_5555], [0, 4, 0x0007_7777]), [
    { kind: "pass", code: 0 },
    { kind: "reset", code: 0 },
  ]);
});

Deno.test("a 16-bit store is enough", () => {
  assertEquals(requestsOf([0, 2, 0x5555], [0, 2, 0x3333]), [
    { kind: "pass", code: 0 },
    { kind: "fail", code: 0 },
  ]);
});

Deno.test("other status words and other offsets do nothing", () => {
  assertEquals(requestsOf([0, 4, 0], [0, 4, 0x5554], [0, 4, 0x5555_0000], [4, 4, 0x5555]), []);
});
