import { assert } from "@std/assert";
import { fuzz, mutateBytes } from "../fdt/mutation_test_support.ts";
import { gzip, readCpio, readInitramfs, writeCpio } from "./mod.ts";

const CPIO = writeCpio({
  "bin/sh": { content: new Uint8Array(300), mode: 0o755 },
  "dev/console": { device: "char", major: 5, minor: 1 },
  "init": { link: "bin/sh" },
});
const GZIP = gzip(CPIO);
const BOTH = new Uint8Array([...GZIP, 0, 0, ...CPIO]);

Deno.test("readCpio: damaged archives are read or refused with an offset", () => {
  const { accepted, refused } = fuzz({
    seed: 20,
    runs: 3000,
    input: (random) => mutateBytes(CPIO, random),
    read: (input) => {
      for (const { data } of readCpio(input, "fuzz.cpio")) {
        assert(data.buffer === input.buffer, "contents are views of the input");
      }
    },
    errors: [SyntaxError],
    message: /^fuzz\.cpio: offset \d+: /,
  });
  assert(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`);
});

Deno.test("readInitramfs: damaged archives, plain and compressed", () => {
  const { accepted, refused } = fuzz({
    seed: 21,
    runs: 3000,
    input: (random) => mutateBytes(random.pick([GZIP, BOTH]), random),
    read: (input) => readInitramfs(input, { name: "fuzz", maxBytes: 1 << 20 }),
    errors: [SyntaxError, RangeError],
    message: /^fuzz( \(offset \d+, unpacked\))?: (offset \d+: |\d+ bytes without)/,
  });
  assert(accepted > 50 && refused > 200, `${accepted} accepted, ${refused} refused`);
});
