import { assertEquals } from "@std/assert";
import { findKallsyms } from "./kallsyms.ts";

interface Sample {
  /** Type and name each, as `nm` has them. */
  readonly names: readonly string[];
  readonly base: bigint;
}

/** A kernel's table as `scripts/kallsyms.c` writes it, but with two tokens longer than a character. */
function makeImage({ names, base }: Sample): Uint8Array {
  const tokens = Array.from(
    { length: 256 },
    (_, code) => code < 0x7f ? String.fromCharCode(code) : "",
  );
  tokens[0] = "";
  tokens[200] = "do_";
  tokens[201] = "Tsys_";
  const bytes: number[] = Array(4096).fill(0x13);
  const align = () => {
    while (bytes.length % 8 !== 0) bytes.push(0);
  };
  const u32 = (value: number) => {
    for (let n = 0; n < 4; n++) bytes.push(value >>> 8 * n & 0xff);
  };
  u32(names.length);
  align();
  const start = bytes.length;
  const markers: number[] = [];
  for (const [n, name] of names.entries()) {
    if (n % 256 === 0) markers.push(bytes.length - start);
    const packed = name.replaceAll("Tsys_", "\u00c9").replaceAll("do_", "\u00c8");
    if (packed.length > 127) bytes.push(packed.length & 0x7f | 0x80, packed.length >> 7);
    else bytes.push(packed.length);
    for (const character of packed) bytes.push(character.charCodeAt(0));
  }
  align();
  markers.forEach(u32);
  align();
  const table = bytes.length;
  const index: number[] = [];
  for (const token of tokens) {
    index.push(bytes.length - table);
    for (const character of token) bytes.push(character.charCodeAt(0));
    bytes.push(0);
  }
  align();
  for (const offset of index) bytes.push(offset & 0xff, offset >> 8);
  align();
  names.forEach((_, n) => u32(n * 32));
  align();
  for (let n = 0n; n < 64n; n += 8n) bytes.push(Number(base >> n & 0xffn));
  return Uint8Array.from([...bytes, ...Array(100).fill(0)]);
}

const BASE = 0xffff_ffff_8000_0000n;

Deno.test("functions are found by name and address; data is left out", () => {
  const table = findKallsyms(
    makeImage({ base: BASE, names: ["T_start", "tdo_idle", "Tsys_read", "Dx"] }),
  );
  assertEquals(table?.size, 3);
  assertEquals(table?.describe(BASE + 32n), "do_idle");
  assertEquals(table?.describe(BASE + 70n), "sys_read+0x6");
  assertEquals(table?.addressOf("x"), undefined);
});

Deno.test("any number of symbols, and long names", () => {
  for (const count of [1, 255, 256, 257, 1500]) {
    const names = Array.from({ length: count }, (_, n) => `Tfunction_${n}`);
    names[count - 1] = `T${"long".repeat(60)}`;
    const table = findKallsyms(makeImage({ base: BASE, names }));
    assertEquals(table?.size, count);
    assertEquals(table?.describe(BASE + BigInt(32 * (count - 1))), "long".repeat(60));
    if (count > 1) assertEquals(table?.describe(BASE + 2n), "function_0+0x2");
  }
});

Deno.test("what is none, or was cut or damaged, gives nothing or no harm", () => {
  assertEquals(findKallsyms(new Uint8Array(1000)), undefined);
  const image = makeImage({ base: BASE, names: ["T_start", "tdo_idle"] });
  for (let end = 4000; end < image.length; end += 37) findKallsyms(image.slice(0, end));
  assertEquals(findKallsyms(image.slice(0, image.length - 110)), undefined);
  for (let at = 4096; at < image.length; at += 5) {
    const damaged = image.slice();
    damaged[at]! ^= 0xff;
    findKallsyms(damaged);
  }
});
