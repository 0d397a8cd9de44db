import { assert } from "@std/assert";
import { fuzz, mutateBytes } from "../fdt/mutation_test_support.ts";
import { gzip } from "../initramfs/mod.ts";
import { loadFirmware, loadKernel } from "./mod.ts";
import { makeElf, makeImage } from "./program_test_support.ts";

const RAM_BASE = 0x8000_0000;
const IMAGE = makeImage(128, 256);
const ELF = makeElf({ symbols: { main: 0x8000_0000n, tohost: 0x8000_0008n } });
const GOOD = [IMAGE, ELF, ELF, gzip(IMAGE), gzip(ELF)];

Deno.test("damaged kernels are loaded or refused with name and reason", () => {
  const { accepted, refused } = fuzz({
    seed: 10,
    runs: 4000,
    input: (random) => mutateBytes(random.pick(GOOD), random),
    read: (input) => {
      const program = loadKernel(input, { ramBase: RAM_BASE, name: "fuzz" });
      assert(Number.isSafeInteger(program.entry));
      for (const { physAddr, bytes, memSizeBytes } of program.segments) {
        assert(Number.isSafeInteger(physAddr + memSizeBytes) && memSizeBytes >= bytes.length);
      }
    },
    errors: [SyntaxError, RangeError],
    message: /^fuzz( \(unpacked\))?: .*(offset|bytes|compressed)/,
  });
  assert(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`);
});

Deno.test("damaged firmware is loaded or refused with name and reason", () => {
  fuzz({
    seed: 11,
    runs: 1000,
    input: (random) => mutateBytes(ELF, random),
    read: (input) => loadFirmware(input, { ramBase: RAM_BASE, name: "fuzz" }),
    errors: [SyntaxError, RangeError],
    message: /^fuzz: (offset \d+: |the file is empty)/,
  });
});
