import { assertEquals } from "@std/assert";
import asc from "assemblyscript/asc";
import { decode } from "../core/isa/decode.ts";
import { instructions } from "../core/isa/mod.ts";
import { generateDecode, generatedFiles, generateOps } from "./generate_decoder.ts";

for (const [path, text] of generatedFiles()) {
  Deno.test(`the committed ${path} equals a fresh generation`, async () => {
    assertEquals(await Deno.readTextFile(new URL(`../${path}`, import.meta.url)), text);
  });
}

/** Compiles the generated text alone and returns a function that decodes a word to its slot. */
async function compiledDecoder(): Promise<(word: number) => DataView> {
  const sources: Record<string, string> = {
    "decode.ts": generateDecode(),
    "ops.ts": generateOps(),
  };
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(["decode.ts", "--runtime", "stub", "-o", "decode.wasm"], {
    stderr,
    readFile: (name) => sources[name] ?? null,
    writeFile: (_name, contents) => {
      binary = contents as Uint8Array<ArrayBuffer>;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw new Error(`${error}\n${stderr}`);
  const { instance } = await WebAssembly.instantiate(binary, {});
  const { decode, memory } = instance.exports as {
    decode(word: number, slot: number): void;
    memory: WebAssembly.Memory;
  };
  // The module has no data below 64, and nothing else runs in it.
  if (memory.buffer.byteLength < 64) memory.grow(1);
  return (word) => {
    decode(word, 16);
    return new DataView(memory.buffer, 16, 16);
  };
}

/** The slot that the interpreter must find for a word, from the TypeScript decoder. */
function expectedSlot(word: number): number[] {
  const narrow = (word & 3) !== 3;
  const insn = narrow ? word & 0xffff : word >>> 0;
  const decoded = decode(word);
  if (decoded === undefined) return [insn, 0, 0, 0, 0, 0, 0, 0, narrow ? 2 : 4];
  const { op, rd, rs1, imm, rs2, rs3, rm, length } = decoded;
  return [insn, op, rd, rs1, imm, rs2, rs3, rm, length];
}

function slotFields(slot: DataView): number[] {
  return [
    slot.getUint32(0, true),
    slot.getUint16(4, true),
    slot.getUint8(6),
    slot.getUint8(7),
    slot.getInt32(8, true),
    slot.getUint8(12),
    slot.getUint8(13),
    slot.getUint8(14),
    slot.getUint8(15),
  ];
}

/** A small xorshift generator: the same words on every run. */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function compare(compiled: (word: number) => DataView, word: number): void {
  const actual = slotFields(compiled(word));
  const expected = expectedSlot(word);
  // assertEquals renders a diff each time it is called with arrays; only pay when they differ.
  if (actual.some((value, index) => value !== expected[index])) {
    assertEquals(actual, expected, `slot of 0x${word.toString(16).padStart(8, "0")}`);
  }
}

Deno.test("the generated decoder agrees with the TypeScript decoder", async (test) => {
  const compiled = await compiledDecoder();
  const random = randomWords(0x1234_5678);

  await test.step("on every 16-bit word", () => {
    for (let word = 0; word < 0x1_0000; word++) {
      if ((word & 3) !== 3) compare(compiled, word | 0xabcd_0000);
    }
  });
  await test.step("on random operands of every instruction, and with one fixed bit flipped", () => {
    for (const { length, mask, match } of instructions) {
      for (let round = 0; round < 200; round++) {
        const word = ((random() & ~mask) | match) >>> 0;
        compare(compiled, word);
        compare(compiled, (word ^ (1 << (random() % (length * 8)))) >>> 0);
      }
    }
  });
  await test.step("on random words", () => {
    for (let round = 0; round < 100_000; round++) compare(compiled, random());
  });
});
