import { assert } from "@std/assert";
import { createBoardFdt } from "../board_fdt.ts";
import { DTS_SOURCE, DTS_TOKENS } from "./dts_source_test_support.ts";
import { parseDts, printDts, readDtb, writeDtb } from "./mod.ts";
import { fuzz, mutateBytes, mutateText } from "./mutation_test_support.ts";
import { randomTree } from "./random_tree_test_support.ts";
import { SplitMix64 } from "./split_mix64.ts";

const BOARD_DTB = writeDtb(createBoardFdt({ harts: 2, memBytes: 1 << 27, bootargs: "quiet" }));
const SMALL_DTBS = Array.from(
  { length: 20 },
  (_, seed) => writeDtb(randomTree(new SplitMix64(seed))),
);

Deno.test("readDtb: damaged trees are read or refused with an offset", () => {
  const { accepted, refused } = fuzz({
    seed: 1,
    runs: 2500,
    input: (random) =>
      mutateBytes(random.below(2) === 0 ? BOARD_DTB : random.pick(SMALL_DTBS), random),
    read: (input) => {
      const tree = readDtb(input, "fuzz.dtb");
      printDts(tree);
      try {
        writeDtb(tree);
      } catch (error) {
        // A damaged tree can have a phandle twice; the writer says so.
        assert(error instanceof TypeError && /[Pp]handle/.test(error.message), `${error}`);
      }
    },
    errors: [SyntaxError, RangeError],
    message: /^fuzz\.dtb: offset \d+: /,
  });
  assert(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`);
});

Deno.test("readDtb: truncated trees are refused, whatever totalsize says", () => {
  fuzz({
    seed: 4,
    runs: 500,
    input: (random) => {
      const truncated = BOARD_DTB.slice(0, random.below(BOARD_DTB.length));
      if (truncated.length >= 8) new DataView(truncated.buffer).setUint32(4, truncated.length);
      return truncated;
    },
    read: (input) => {
      readDtb(input, "fuzz.dtb");
      throw new Error(`${input.length} bytes were accepted`);
    },
    errors: [SyntaxError],
    message: /^fuzz\.dtb: offset \d+: /,
  });
});

Deno.test("readDtb: random bytes behind a good header", () => {
  fuzz({
    seed: 2,
    runs: 1000,
    input: (random) => {
      const bytes = new Uint8Array(BOARD_DTB);
      const at = 40 + random.below(bytes.length - 40);
      bytes.set(random.bytes(Math.min(64, bytes.length - at)), at);
      return bytes;
    },
    read: (input) => readDtb(input, "fuzz.dtb"),
    errors: [SyntaxError, RangeError],
    message: /^fuzz\.dtb: offset \d+: /,
  });
});

Deno.test("parseDts: damaged source is parsed or refused with line and column", () => {
  const printed = Array.from(
    { length: 10 },
    (_, seed) => printDts(randomTree(new SplitMix64(seed))),
  );
  parseDts(DTS_SOURCE);
  const { accepted, refused } = fuzz({
    seed: 3,
    runs: 2500,
    input: (random) =>
      mutateText(random.below(2) === 0 ? DTS_SOURCE : random.pick(printed), DTS_TOKENS, random),
    read: (input) => {
      writeDtb(parseDts(input, "fuzz.dts"));
    },
    errors: [SyntaxError],
    message: /^fuzz\.dts:\d+:\d+: /,
  });
  assert(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`);
});

Deno.test("parseDts: what would take a careless parser long", () => {
  const body = (text: string) => `/dts-v1/; / { a = <${text}>; };`;
  const inputs = [
    body("(".repeat(100_000)),
    body("(" + "-".repeat(100_000) + "1)"),
    body("(" + "1 ? 1 : ".repeat(100_000) + "1)"),
    body("9".repeat(1_000_000)),
    body("0x" + "0".repeat(1_000_000)),
    `/dts-v1/; / ${"{ n ".repeat(100_000)}`,
    `/dts-v1/; / { a = "${"\\".repeat(500_001)}; };`,
    `/dts-v1/; ${"/* */".repeat(200_000)}`,
    `/dts-v1/; ${"/*".repeat(500_000)}`,
    `/dts-v1/; / { ${"a = <&b>; /delete-property/ a; ".repeat(20_000)} };`,
  ];
  const start = performance.now();
  for (const input of inputs) {
    fuzz({
      seed: 0,
      runs: 1,
      input: () => input,
      read: (text) => parseDts(text, "fuzz.dts"),
      errors: [SyntaxError],
      message: /^fuzz\.dts:\d+:\d+: /,
    });
  }
  assert(performance.now() - start < 5000);
});
