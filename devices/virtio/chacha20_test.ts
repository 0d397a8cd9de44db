import { assertEquals } from "@std/assert";
import { chacha20Block } from "./chacha20.ts";

Deno.test("the key streams of RFC 8439, appendix A.1", () => {
  const zero = new Uint32Array(8);
  assertEquals(
    chacha20Block(zero, 0).toHex(),
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7" +
      "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
  );
  assertEquals(
    chacha20Block(zero, 1).toHex(),
    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed" +
      "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
  );
  const lastByteOne = new Uint32Array(8);
  lastByteOne[7] = 0x0100_0000;
  assertEquals(
    chacha20Block(lastByteOne, 1).toHex(),
    "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a" +
      "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
  );
});

Deno.test("the block number has more than 32 bits", () => {
  const key = new Uint32Array(8);
  const blocks = [0, 2 ** 32, 2 ** 33].map((block) => chacha20Block(key, block).toHex());
  assertEquals(new Set(blocks).size, 3);
});
