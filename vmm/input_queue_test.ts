import { assert, assertEquals } from "@std/assert";
import { InputQueue } from "./input_queue.ts";

function take(queue: InputQueue, atMost: number): number[] {
  const bytes = queue.peek(atMost);
  queue.drop(bytes.length);
  return [...bytes];
}

Deno.test("bytes come out as they went in, across what they were put in by", () => {
  const queue = new InputQueue();
  const given = Uint8Array.of(1, 2, 3);
  queue.push(given);
  given.fill(9); // it was copied
  queue.push(new Uint8Array());
  queue.push(Uint8Array.of(4));
  queue.push(Uint8Array.of(5, 6, 7));
  assertEquals(take(queue, 2), [1, 2]);
  assertEquals([...queue.toBytes()], [3, 4, 5, 6, 7]);
  assertEquals([...queue.peek(4)], [3, 4, 5, 6]);
  queue.drop(1); // fewer than were shown
  queue.drop(0);
  assertEquals(take(queue, 2), [4, 5]);
  assertEquals(queue.length, 2);
  assertEquals(take(queue, 16), [6, 7]);
  assertEquals(take(queue, 16), []);
  queue.push(Uint8Array.of(8));
  assertEquals([...queue.toBytes()], [8]);
  queue.clear();
  assertEquals([queue.length, queue.toBytes().length], [0, 0]);
});

Deno.test("any mixture of puts and takes keeps the order", () => {
  const queue = new InputQueue();
  const taken: number[] = [];
  let given = 0;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: round % 7 }, () => given++ % 251);
    queue.push(bytes);
    taken.push(...take(queue, round % 5));
    assertEquals(queue.length, given - taken.length);
  }
  taken.push(...take(queue, Infinity));
  assertEquals(taken, Array.from({ length: given }, (_, n) => n % 251));
});

Deno.test("each byte is moved twice, however many wait and however they were put in", () => {
  for (const chunkBytes of [1, 15, 150_000]) {
    const queue = new InputQueue();
    for (let n = 0; n < 150_000; n += chunkBytes) queue.push(new Uint8Array(chunkBytes));
    while (queue.length > 0) take(queue, 16);
    // Bytes in and out; chunks once more at most.
    const most = 2 * 150_000 + 150_000 / chunkBytes;
    assert(queue.work <= most, `${queue.work} of ${most}`);
  }
});
