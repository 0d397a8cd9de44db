import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Moment, TranscriptTimes } from "./transcript_times.ts";

/** Uneven gaps, with sleep now and then; the same each time. */
function moments(count: number): Moment[] {
  const list: Moment[] = [];
  let [nowNs, sleptNs, random] = [0, 0, 1];
  for (let n = 0; n < count; n++) {
    random = (random * 48_271) % 0x7fff_ffff;
    nowNs += n % 7 < 3 ? 40 : random % 5000;
    if (n % 50 === 0) {
      sleptNs += random;
      nowNs += random;
    }
    list.push({ nowNs, instructions: nowNs - sleptNs });
  }
  return list;
}

function timesOf(list: readonly Moment[]): TranscriptTimes {
  const times = new TranscriptTimes();
  for (const moment of list) times.append(moment);
  return times;
}

Deno.test("each byte has its virtual time and instruction count", () => {
  const list = moments(20_000);
  const times = timesOf(list);
  assertEquals(times.length, list.length);
  for (const n of [0, 1, 2, 49, 50, 9_999, 10_000, 19_998, 19_999]) {
    assertEquals(times.at(n), list[n]);
  }
  // One after the other, and backwards.
  assert(list.every((moment, n) => times.at(n).nowNs === moment.nowNs));
  for (let n = 500; n >= 0; n--) assertEquals(times.at(n), list[n]);
});

Deno.test("there is no byte before the first and behind the last", () => {
  const times = timesOf(moments(3));
  for (const n of [-1, 3, 0.5]) assertThrows(() => times.at(n), RangeError, `No byte ${n}`);
  assertThrows(() => new TranscriptTimes().at(0), RangeError, "a transcript of 0");
});

Deno.test("a steady pace costs nothing, an uneven one three bytes a byte at most", () => {
  const steady = new TranscriptTimes();
  for (let n = 1; n <= 1_000_000; n++) steady.append({ nowNs: 70 * n, instructions: 70 * n });
  assert(steady.save().length < 8, `${steady.save().length}`);
  assertEquals(steady.at(999_999), { nowNs: 70_000_000, instructions: 70_000_000 });
  assert(timesOf(moments(10_000)).save().length < 30_000);
});

Deno.test("large gaps are kept to the nanosecond", () => {
  const late = 2 ** 52 + 12_345;
  const times = timesOf([{ nowNs: 5, instructions: 5 }, { nowNs: late, instructions: 6 }]);
  const again = TranscriptTimes.open(times.save(), 2);
  for (const each of [times, again]) assertEquals(each.at(1), { nowNs: late, instructions: 6 });
});

Deno.test("saved and opened, times are the same, and go on the same", () => {
  const list = moments(9_000);
  const times = timesOf(list.slice(0, 6_000));
  const saved = times.save();
  const kept = saved.slice();
  const again = TranscriptTimes.open(saved, 6_000);
  for (const moment of list.slice(6_000)) {
    times.append(moment);
    again.append(moment);
  }
  for (let n = 0; n < 9_000; n += 13) assertEquals(again.at(n), list[n]);
  assertEquals(again.at(8_999), times.at(8_999));
  assertEquals(saved, kept, "the stream that was opened is not written to");
});

Deno.test("a part of a record is taken over with its times", () => {
  const list = moments(5_000);
  const recorded = TranscriptTimes.open(timesOf(list).save(), 5_000);
  const times = new TranscriptTimes();
  for (const [start, end] of [[0, 1], [1, 2], [2, 700], [700, 700], [700, 5_000]] as const) {
    times.appendFrom(recorded, start, end - start);
    assertEquals(times.length, end);
  }
  for (let n = 0; n < 5_000; n++) assertEquals(times.at(n), list[n]);
  assertEquals(TranscriptTimes.open(times.save(), 5_000).at(4_999), list[4_999]);
});

Deno.test("a malformed stream is refused", () => {
  const cases: [number[], number, string][] = [
    [[], 1, "times of 0 bytes for a transcript of 1"],
    [[0x04], 2, "times of 1 bytes for a transcript of 2"],
    [[0x04, 0x04], 1, "times of 2 bytes"],
    [[0x80], 1, "in the midst of a run"],
    [[0x80, ...Array(8).fill(0xff), 0x01], 1, "beyond 2^53"],
    [[0x01, 0x00], 0, "empty run"],
    [[0x06, 0x05], 1, "up to 1 ns"], // slept for longer than it took
    [[0x01, 0xff, 0xff, 0xff, 0xff, 0x0f], 5, "times of 4294967295 bytes or more"],
  ];
  for (const [stream, bytes, message] of cases) {
    assertThrows(() => TranscriptTimes.open(Uint8Array.from(stream), bytes), RangeError, message);
  }
});

Deno.test("a transcript that was read goes on as the one that was saved", () => {
  const print = (times: TranscriptTimes, from: number, to: number) => {
    // Steady runs, with a pause now and then.
    for (let n = from; n < to; n++) {
      const nowNs = n * 20 + Math.floor(n / 7) * 1000;
      times.append({ nowNs, instructions: n * 20 });
    }
  };
  const whole = new TranscriptTimes();
  print(whole, 0, 60);
  for (let cut = 0; cut <= 60; cut++) {
    const before = new TranscriptTimes();
    print(before, 0, cut);
    const after = TranscriptTimes.open(before.save(), cut);
    assertEquals(after.save(), before.save());
    print(after, cut, 60);
    assertEquals(after.save(), whole.save(), `cut before byte ${cut}`);
    for (let n = 0; n < 60; n++) assertEquals(after.at(n), whole.at(n));
  }
});
