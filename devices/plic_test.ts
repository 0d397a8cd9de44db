import { assertEquals, assertThrows } from "@std/assert";
import { Plic, PLIC_REGISTERS } from "./plic.ts";
import { Pin } from "./testing.ts";

const { priority, pending, enable, threshold, claim } = PLIC_REGISTERS;

/** A PLIC for two harts, its registers used by name, source and context. */
function bench() {
  const pins = Array.from({ length: 4 }, () => new Pin());
  const plic = new Plic({ contexts: pins });
  return {
    plic,
    pins,
    levels: () => pins.map((pin) => pin.level),
    setPriority: (source: number, value: number) =>
      plic.write(priority.offset + 4 * source, 4, value),
    getPriority: (source: number) => plic.read(priority.offset + 4 * source, 4),
    pendingWord: (word: number) => plic.read(pending.offset + 4 * word, 4),
    enableWord: (context: number, word: number, value: number) =>
      plic.write(enable.offset + context * enable.strideBytes + 4 * word, 4, value),
    enabledWord: (context: number, word: number) =>
      plic.read(enable.offset + context * enable.strideBytes + 4 * word, 4),
    setThreshold: (context: number, value: number) =>
      plic.write(threshold.offset + context * threshold.strideBytes, 4, value),
    getThreshold: (context: number) =>
      plic.read(threshold.offset + context * threshold.strideBytes, 4),
    claim: (context: number) => plic.read(claim.offset + context * claim.strideBytes, 4),
    complete: (context: number, source: number) =>
      plic.write(claim.offset + context * claim.strideBytes, 4, source),
  };
}

/** Source 10 with priority 1, enabled for context 1 alone. */
function withSource10() {
  const b = bench();
  b.setPriority(10, 1);
  b.enableWord(1, 0, 1 << 10);
  return b;
}

Deno.test("a line goes to the enabled context, until it is claimed", () => {
  const b = withSource10();
  b.plic.source(10).set(true);
  assertEquals(b.levels(), [false, true, false, false]);
  assertEquals(b.pendingWord(0), 1 << 10);
  assertEquals(b.claim(1), 10);
  assertEquals(b.levels(), [false, false, false, false]);
  assertEquals(b.pendingWord(0), 0);
  assertEquals(b.claim(1), 0);
});

Deno.test("the gateway stays closed until completion, then asks again while the line is high", () => {
  const b = withSource10();
  const line = b.plic.source(10);
  line.set(true);
  b.claim(1);
  line.set(false);
  line.set(true);
  assertEquals(b.pendingWord(0), 0);
  b.complete(1, 10);
  assertEquals(b.pins[1]?.level, true);
  assertEquals(b.claim(1), 10);
  line.set(false);
  b.complete(1, 10);
  assertEquals(b.pins[1]?.level, false);
  assertEquals(b.claim(1), 0);
});

// PLIC 1.0, 1.2: the gateway cannot retract a request.
Deno.test("a request stays when its line drops before the claim", () => {
  const b = withSource10();
  b.plic.source(10).set(true);
  b.plic.source(10).set(false);
  assertEquals(b.pins[1]?.level, true);
  assertEquals(b.claim(1), 10);
  b.complete(1, 10);
  assertEquals(b.claim(1), 0);
});

Deno.test("setting the same level twice asks once", () => {
  const b = withSource10();
  b.plic.source(10).set(true);
  b.plic.source(10).set(true);
  assertEquals(b.claim(1), 10);
  b.plic.source(10).set(true);
  assertEquals(b.claim(1), 0);
  assertEquals(b.pins[1]?.risingEdges, 1);
});

Deno.test("the highest priority is claimed first, the lowest number among equals", () => {
  const b = bench();
  const priorities = [[3, 2], [40, 7], [41, 7], [64, 3], [95, 1]] as const;
  for (const [source, value] of priorities) {
    b.setPriority(source, value);
    b.plic.source(source).set(true);
  }
  for (const word of [0, 1, 2]) b.enableWord(3, word, 0xffff_ffff);
  assertEquals([1, 2, 3, 4, 5, 6].map(() => b.claim(3)), [40, 41, 64, 3, 95, 0]);
});

Deno.test("priority 0 never interrupts and is never claimed", () => {
  const b = withSource10();
  b.setPriority(10, 0);
  b.plic.source(10).set(true);
  assertEquals(b.pendingWord(0), 1 << 10);
  assertEquals(b.pins[1]?.level, false);
  assertEquals(b.claim(1), 0);
  b.setPriority(10, 1);
  assertEquals(b.pins[1]?.level, true);
});

// PLIC 1.0, chapters 7 and 8: the threshold masks notifications, not claims.
Deno.test("a threshold masks priorities up to it but lets a claim through", () => {
  const b = withSource10();
  b.setPriority(10, 3);
  b.plic.source(10).set(true);
  b.setThreshold(1, 3);
  assertEquals(b.pins[1]?.level, false);
  b.setThreshold(1, 2);
  assertEquals(b.pins[1]?.level, true);
  b.setThreshold(1, 7);
  assertEquals(b.pins[1]?.level, false);
  assertEquals(b.claim(1), 10);
});

Deno.test("all enabled contexts are told; the first to claim wins", () => {
  const b = withSource10();
  b.enableWord(3, 0, 1 << 10);
  b.plic.source(10).set(true);
  assertEquals(b.levels(), [false, true, false, true]);
  assertEquals(b.claim(3), 10);
  assertEquals(b.levels(), [false, false, false, false]);
  assertEquals(b.claim(1), 0);
});

// PLIC 1.0, chapter 9. Linux enables a masked source around its completion for this reason.
Deno.test("completion is ignored unless the source is enabled for that context", () => {
  const b = withSource10();
  b.plic.source(10).set(true);
  b.claim(1);
  b.complete(0, 10);
  assertEquals(b.pendingWord(0), 0);
  b.enableWord(1, 0, 0);
  b.complete(1, 10);
  assertEquals(b.pendingWord(0), 0);
  b.enableWord(1, 0, 1 << 10);
  b.complete(1, 10);
  assertEquals(b.pendingWord(0), 1 << 10);
});

Deno.test("completing what nobody claimed, or no source at all, does nothing", () => {
  const b = withSource10();
  b.plic.source(10).set(true);
  for (const source of [0, 10, 96, 1024, 0xffff_ffff]) b.complete(1, source);
  assertEquals(b.pendingWord(0), 1 << 10);
  assertEquals(b.claim(1), 10);
});

Deno.test("priorities, thresholds and enables keep only the bits that exist", () => {
  const b = bench();
  b.setPriority(1, 0xffff_ffff);
  b.setPriority(0, 7);
  b.setPriority(95, 12);
  b.setPriority(96, 7);
  assertEquals([1, 0, 95, 96].map(b.getPriority), [7, 0, 4, 0]);
  b.setThreshold(0, 0xffff_fff9);
  assertEquals(b.getThreshold(0), 1);
  for (const word of [0, 1, 2, 3, 31]) b.enableWord(2, word, 0xffff_ffff);
  assertEquals([0, 1, 2, 3, 31].map((word) => b.enabledWord(2, word)), [
    0xffff_fffe,
    0xffff_ffff,
    0xffff_ffff,
    0,
    0,
  ]);
  assertEquals(b.enabledWord(1, 0), 0, "contexts have words of their own");
});

Deno.test("pending bits cannot be written, contexts that are not there read 0", () => {
  const b = withSource10();
  b.plic.write(pending.offset, 4, 0xffff_ffff);
  assertEquals(b.pendingWord(0), 0);
  b.enableWord(4, 0, 0xffff_ffff);
  b.setThreshold(4, 7);
  assertEquals([b.enabledWord(4, 0), b.getThreshold(4), b.claim(4)], [0, 0, 0]);
  assertEquals(b.plic.read(0x5f_fffc, 4), 0);
});

Deno.test("disabling and raising the threshold take the line back, enabling gives it again", () => {
  const b = withSource10();
  b.plic.source(10).set(true);
  b.enableWord(1, 0, 0);
  assertEquals(b.pins[1]?.level, false);
  b.enableWord(1, 0, 1 << 10);
  assertEquals(b.pins[1]?.level, true);
});

Deno.test("sources and contexts that do not fit are refused", () => {
  const { plic } = bench();
  for (const source of [0, 96, -1, 1.5]) {
    assertThrows(() => plic.source(source), RangeError, `source ${source} of the plic`);
  }
  assertThrows(() => new Plic({ contexts: [], sources: 1024 }), RangeError, "1024 sources");
  const contexts = Array.from({ length: 1025 }, () => new Pin());
  assertThrows(() => new Plic({ contexts }), RangeError, "1025 contexts");
});

Deno.test("restore refuses states that the chip cannot be in", () => {
  const { plic } = bench();
  const state = plic.save();
  for (
    const [field, value] of [
      ["priority", [1, ...Array(95).fill(0)]],
      ["priority", [0, 8, ...Array(94).fill(0)]],
      ["pending", [1, 0, 0]],
      ["claimed", [0, 0]],
    ] as const
  ) {
    const bad = { ...state, fields: { ...state.fields, [field]: value } };
    assertThrows(() => plic.restore(bad), RangeError, `"${field}`);
  }
  const both = { ...state, fields: { ...state.fields, pending: [4, 0, 0], claimed: [4, 0, 0] } };
  assertThrows(() => plic.restore(both), RangeError, "claimed and not completed");
  assertEquals(plic.save(), state);
});
