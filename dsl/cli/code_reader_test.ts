import { assertEquals } from "@std/assert";
import { HartArray } from "../../core/hart_array.ts";
import { CodeReader } from "./code_reader.ts";

const RAM = 0x8000_0000;
const PTE = { V: 1n, X: 8n, N: 1n << 63n };
const SV39 = 8n << 60n;
const SV48 = 9n << 60n;

/** A machine whose RAM and hart the test sets up by hand. */
class Bench {
  readonly harts = new HartArray({
    harts: 1,
    ramBase: RAM,
    ramSizeBytes: 1 << 20,
    rom: { base: 0x1000, bytes: Uint8Array.of(0x13, 0x05, 0x10, 0x00) },
  });
  readonly reader = new CodeReader(this.harts);

  word(address: number, value: bigint): this {
    const bytes = this.harts.ramAt(address, 8)!;
    new DataView(bytes.buffer, bytes.byteOffset, 8).setBigUint64(0, value, true);
    return this;
  }

  /** An entry of a table: leads to `target`. */
  entry(table: number, index: number, target: bigint, bits = PTE.V): this {
    return this.word(table + 8 * index, (target >> 12n) << 10n | bits);
  }

  mode(privilege: number, virtual: boolean): this {
    const { module } = this.harts;
    module.setU32(module.hartField(0, "prv"), privilege);
    module.setU32(module.hartField(0, "virt"), virtual ? 1 : 0);
    return this;
  }
}

const atp = (mode: bigint, root: number) => mode | BigInt(root) >> 12n;

Deno.test("M-mode reads physical addresses: ROM, RAM, and nothing elsewhere", () => {
  const bench = new Bench().word(RAM, 0x4501_0010_0513n);
  assertEquals(bench.reader.read(0, 0x1000n), 0x0010_0513);
  assertEquals(bench.reader.read(0, BigInt(RAM)), 0x0010_0513);
  assertEquals(bench.reader.read(0, BigInt(RAM + 4)), 0x4501);
  assertEquals(bench.reader.read(0, 0x1000_0000n), undefined);
  assertEquals(bench.reader.read(0, (1n << 64n) - 2n), undefined);
});

Deno.test("Sv39: small pages; an instruction may lie on two of them", () => {
  const [root, middle, leaf] = [RAM + 0x1000, RAM + 0x2000, RAM + 0x3000];
  const bench = new Bench().mode(1, false)
    .entry(root, 511, BigInt(middle)).entry(middle, 0, BigInt(leaf))
    .entry(leaf, 4, BigInt(RAM + 0x8000), PTE.V | PTE.X)
    .entry(leaf, 5, BigInt(RAM + 0x6000), PTE.V | PTE.X)
    .word(RAM + 0x8ff8, 0x0513n << 48n).word(RAM + 0x6000, 0x0010n);
  bench.harts.set(0, "satp", atp(SV39, root));
  assertEquals(bench.reader.read(0, 0xffff_ffff_c000_4ffen), 0x0010_0513);
  assertEquals(bench.reader.read(0, 0xffff_ffff_c000_6000n), undefined);
});

Deno.test("Sv39: an Svnapot entry stands for 64 KiB", () => {
  const [root, middle, leaf] = [RAM + 0x1000, RAM + 0x2000, RAM + 0x3000];
  const bench = new Bench().mode(0, false)
    .entry(root, 0, BigInt(middle)).entry(middle, 0, BigInt(leaf))
    .entry(leaf, 3, BigInt(RAM + 0x1_8000), PTE.V | PTE.X | PTE.N)
    .word(RAM + 0x1_3000, 0x4501n);
  bench.harts.set(0, "satp", atp(SV39, root));
  assertEquals(bench.reader.read(0, 0x3000n), 0x4501);
});

Deno.test("VS-mode: the guest's tables and its code go through the G-stage", () => {
  // G-stage: guest-physical 1 TiB + x is RAM + x; the root of Sv48x4 has 2048 entries.
  const [gRoot, gMiddle] = [RAM + 0x4000, RAM + 0x8000];
  const guestBase = 1n << 40n;
  const [root, middle] = [RAM + 0x9000, RAM + 0xa000];
  const bench = new Bench().mode(1, true)
    .entry(gRoot, 2, BigInt(gMiddle)).entry(gMiddle, 0, BigInt(RAM), PTE.V | PTE.X)
    .entry(root, 1, guestBase + 0xa000n).entry(middle, 0, guestBase, PTE.V | PTE.X)
    .word(RAM + 0xb000, 0x4501n);
  bench.harts.set(0, "hgatp", atp(SV48, gRoot));
  bench.harts.set(0, "vsatp", SV39 | (guestBase + 0x9000n) >> 12n);
  assertEquals(bench.reader.read(0, 0x4000_b000n), 0x4501);
  assertEquals(bench.reader.read(0, 0x8000_b000n), undefined);
});

Deno.test("VS-mode without tables of its own: guest-physical addresses", () => {
  const gRoot = RAM + 0x4000;
  const bench = new Bench().mode(1, true).entry(gRoot, 0, BigInt(RAM), PTE.V | PTE.X)
    .word(RAM + 0xb000, 0x4501n);
  bench.harts.set(0, "hgatp", atp(SV39, gRoot));
  assertEquals(bench.reader.read(0, 0xb000n), 0x4501);
});
