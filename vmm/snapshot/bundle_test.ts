import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { RamImage } from "../../core/ram_image.ts";
import { Bundle, BundleError } from "./bundle.ts";
import { exportBundle } from "./bundle_export.ts";
import { BUNDLE_HEADER_BYTES, encodeBundleHead } from "./bundle_format.ts";
import { importBundle } from "./bundle_import.ts";
import { mutate } from "./fuzz.ts";
import { sha256 } from "./digest.ts";
import { noisePage, plainPage, SampleNumbers, sampleSnapshot } from "./samples.ts";
import { haveSameBytes } from "./saver.ts";
import { SnapshotStore } from "./store.ts";
import { TemporaryStore } from "./temporary_store_testing.ts";

const BUILD = "build 1";

/** Two layers with equal, changed and cleared pages, exported. */
async function exported(from: TemporaryStore) {
  const pages = Array.from(
    { length: 40 },
    (_, n) => [n * 3, n % 4 === 0 ? noisePage(n) : plainPage(n)] as const,
  );
  const below = await from.save("below", pages);
  const changes = [[3, noisePage(100)], [6, undefined], [2047, noisePage(4)]] as const;
  const above = await from.save("above", changes, { below });
  const path = `${from.directory}/x.bundle`;
  const result = exportBundle(from.store, above.key, path);
  return { below, above, path, result };
}

Deno.test("what was exported is imported elsewhere: records, machines, RAM", async () => {
  using from = new TemporaryStore();
  using to = new TemporaryStore();
  const { below, above, path, result } = await exported(from);
  assertEquals(result.layers.map(({ key }) => key), [below.key, above.key]);
  assertEquals([result.missingParent, result.sizeBytes], [undefined, Deno.statSync(path).size]);
  // 11 noisy pages, as one is there twice, and 30 plain ones.
  assert(result.sizeBytes > 11 * 4096 && result.sizeBytes < 13 * 4096, `${result.sizeBytes}`);
  const imported = await importBundle(to.store, path, BUILD);
  assertEquals(imported.map(({ record: { key }, how }) => [key, how]), [
    [below.key, "stored"],
    [above.key, "stored"],
  ]);
  const fresh = SnapshotStore.open(to.directory);
  for (const original of [below, above]) {
    const { snapshot: { ram, ...machine }, ...record } = fresh.load(original.key)!;
    const { snapshot: { ram: originalRam, ...originalMachine }, ...originalRecord } = original;
    assertEquals([machine, record], [originalMachine, originalRecord]);
    assert(haveSameBytes(ram, originalRam));
  }
  const changes = [...fresh.load(above.key)!.snapshot.ram.changesFrom(
    fresh.load(below.key)!.snapshot.ram,
  )];
  assertEquals(changes.map(([page]) => page), [3, 6, 2047]);
  assertEquals(fresh.verify(), []);
  fresh.close();
});

Deno.test("a bundle of more than one frame", async () => {
  using from = new TemporaryStore();
  using to = new TemporaryStore();
  const numbered = (n: number) => {
    const bytes = new Uint8Array(4096);
    new DataView(bytes.buffer).setUint32(0, n + 1);
    return { bytes: () => bytes };
  };
  const pages = Array.from({ length: 1500 }, (_, n) => [n, numbered(n)] as const);
  const { key, snapshot } = await from.save("a", pages);
  exportBundle(from.store, key, `${from.directory}/x.bundle`);
  await importBundle(to.store, `${from.directory}/x.bundle`, BUILD);
  assert(haveSameBytes(to.store.load(key)!.snapshot.ram, snapshot.ram));
});

Deno.test("an image without pages, and one of another size than the one below", async () => {
  using from = new TemporaryStore();
  using to = new TemporaryStore();
  const below = await from.save("below", []);
  const ram = RamImage.zeros(64).with([[5, noisePage(1)]]);
  const { key } = await from.store.save(
    { ...below, layer: "above", parent: below.key },
    sampleSnapshot(ram),
  );
  exportBundle(from.store, key, `${from.directory}/x.bundle`);
  await importBundle(to.store, `${from.directory}/x.bundle`, BUILD);
  assert(haveSameBytes(to.store.load(key)!.snapshot.ram, ram));
  assertEquals([...to.store.load(below.key)!.snapshot.ram.pages()], []);
});

Deno.test("a snapshot whose parent is gone is exported with all its pages, if it has them", async () => {
  using from = new TemporaryStore();
  using to = new TemporaryStore();
  const parent = "1".repeat(64);
  const { key } = await from.save("a", [[1, noisePage(1)]], { parent });
  const { missingParent } = exportBundle(from.store, key, `${from.directory}/x.bundle`);
  assertEquals(missingParent, parent);
  await importBundle(to.store, `${from.directory}/x.bundle`, BUILD);
  assertEquals(to.store.load(key)!.parent, parent);
});

Deno.test("what is there stays if it is as good, and is replaced if not", async () => {
  using from = new TemporaryStore();
  const { below, above, path } = await exported(from);
  const hows = async (store: SnapshotStore, build = BUILD) =>
    (await importBundle(store, path, build)).map(({ how }) => how);
  assertEquals(await hows(from.store), ["kept", "kept"]);
  {
    // Of another build: only that of the running emulator is worth keeping.
    using to = new TemporaryStore();
    await to.save("below", [[1, noisePage(77)]], { build: "build 2" });
    assertEquals(await hows(to.store, "build 2"), ["kept", "stored"]);
    // What lies on it is what was exported all the same.
    assert(haveSameBytes(to.store.load(above.key)!.snapshot.ram, above.snapshot.ram));
    // It was the difference from what is replaced now, and so cannot be used any more.
    assertEquals(await hows(to.store), ["replaced", "stored"]);
    assert(haveSameBytes(to.store.load(below.key)!.snapshot.ram, below.snapshot.ram));
  }
  Deno.writeTextFileSync(`${from.directory}/manifests/${above.key}.cbor`, "nonsense");
  assertEquals(await hows(from.store), ["kept", "stored"]);
  assertEquals(from.store.verify(), []);
});

Deno.test("a damaged snapshot is not exported, and no file is left", async () => {
  using from = new TemporaryStore();
  const { key } = await from.save("a", [[1, noisePage(1)]]);
  const [pack] = from.files("packs");
  const bytes = Deno.readFileSync(pack!);
  bytes[bytes.length - 100]! ^= 1;
  Deno.writeFileSync(pack!, bytes);
  const fresh = SnapshotStore.open(from.directory);
  assertThrows(
    () => exportBundle(fresh, key, `${from.directory}/x`),
    Error,
    "cannot be decompressed",
  );
  assertThrows(
    () => exportBundle(fresh, "2".repeat(64), `${from.directory}/x`),
    Error,
    "no snapshot",
  );
  fresh.close();
  assertEquals(
    [...Deno.readDirSync(from.directory)].map(({ name }) => name).sort(),
    ["manifests", "packs", "used"],
  );
});

Deno.test("a file that cannot be written is an error that names it", async () => {
  using from = new TemporaryStore();
  const { key } = await from.save("a", []);
  assertThrows(() => exportBundle(from.store, key, "/tmp/no/x"), Error, "Cannot write /tmp/no/x: ");
});

Deno.test("what is no bundle, cut short, longer or damaged is refused, and nothing is stored", async () => {
  using from = new TemporaryStore();
  using to = new TemporaryStore();
  const { path } = await exported(from);
  const good = Deno.readFileSync(path);
  const indexBytes = new DataView(good.buffer).getUint32(20, true);
  const damaged = (at: number) => good.map((byte, n) => n === at ? byte ^ 1 : byte);
  const huge = good.slice();
  new DataView(huge.buffer).setUint32(20, 0xffff_ffff, true);
  const cases: readonly (readonly [Uint8Array<ArrayBuffer>, string])[] = [
    [new Uint8Array(), "it holds no snapshots"],
    [good.slice(0, 30), "it is cut short"],
    [good.slice(0, BUNDLE_HEADER_BYTES + indexBytes - 1), "it is cut short"],
    [good.slice(0, -1), "bytes instead of"],
    [new Uint8Array([...good, 0]), "bytes instead of"],
    [huge, "it is cut short"],
    [damaged(3), "it holds no snapshots"],
    [damaged(16), "it has format version 0, known is 1"],
    [damaged(30), "its index is damaged"],
    [damaged(BUNDLE_HEADER_BYTES + 100), "its index is damaged"],
    [damaged(good.length - 1), "a frame cannot be decompressed"],
  ];
  for (const [bytes, detail] of cases) {
    Deno.writeFileSync(path, bytes);
    await assertRejects(
      () => importBundle(to.store, path, BUILD),
      BundleError,
      `Cannot import ${path}: ${detail === "bytes instead of" ? "it has" : detail}`,
    );
  }
  await assertRejects(
    () => importBundle(to.store, "/tmp/no/x", BUILD),
    BundleError,
    "no such file",
  );
  await assertRejects(() => importBundle(to.store, "/tmp", BUILD), BundleError, "/tmp");
  assertEquals(to.files("manifests", "packs"), []);
});

Deno.test("an index that contradicts itself is refused, whatever its digest", async () => {
  using from = new TemporaryStore();
  const { path } = await exported(from);
  using bundle = Bundle.open(path);
  const [below, above] = bundle.layers;
  const words = (...numbers: number[]) => Uint32Array.from(numbers);
  const empty = { digests: new Uint8Array(), framePages: 1024, frames: words() };
  const bare = { ...below!, pages: words(), pageChunks: words() };
  const cases = [
    [{ ...empty, layers: [] }, "it has 0 layers"],
    [{ ...empty, layers: [bare, bare] }, "layer below does not lie on the one before it"],
    [
      { ...empty, layers: [{ ...above!, pages: words(), pageChunks: words() }, bare] },
      "does not lie",
    ],
    [
      { ...empty, layers: [{ ...bare, record: { ...bare.record, layer: "x" } }] },
      "record.key is not",
    ],
    [{ ...empty, layers: [{ ...bare, pageCount: 2 ** 24 }] }, "pageCount is not"],
    [{ ...empty, layers: [{ ...bare, pages: words(5, 5), pageChunks: words(0, 0) }] }, "chunk 0"],
    [{ ...empty, layers: [{ ...bare, pages: words(2048), pageChunks: words(0) }] }, "outside RAM"],
    [{ ...empty, layers: [bare], framePages: 0 }, "framePages is 0"],
    [{ ...empty, layers: [bare], framePages: 2048 }, "framePages is not"],
    [{ ...empty, layers: [bare], frames: words(1) }, "frames is not 0 bytes long"],
    [{ ...empty, layers: [bare], digests: new Uint8Array(33) }, "whole number of digests"],
    [{ ...empty, layers: [bare], digests: new Uint8Array(32), frames: words(9) }, "bytes instead"],
  ] as const;
  for (const [index, message] of cases) {
    Deno.writeFileSync(path, encodeBundleHead(index));
    assertThrows(() => Bundle.open(path), BundleError, message);
  }
});

Deno.test("a page that is not what its digest says is refused, however well it is compressed", async () => {
  using from = new TemporaryStore();
  const { path } = await exported(from);
  const bytes = Deno.readFileSync(path);
  const indexBytes = new DataView(bytes.buffer).getUint32(20, true);
  const body = bytes.subarray(BUNDLE_HEADER_BYTES, BUNDLE_HEADER_BYTES + indexBytes);
  // The last page's digest, found by its content.
  const digest = sha256(noisePage(100).bytes());
  const at = body.findIndex((_, start) => digest.every((byte, n) => byte === body[start + n]));
  body[at]! ^= 1;
  bytes.set(sha256(body), 24);
  Deno.writeFileSync(path, bytes);
  using bundle = Bundle.open(path);
  assertThrows(() => bundle.verify(), BundleError, "is not what its digest says");
});

Deno.test("2000 tampered bundles are refused, or hold what was exported", async () => {
  using from = new TemporaryStore();
  const { below, above, path } = await exported(from);
  const good = Deno.readFileSync(path);
  const numbers = new SampleNumbers(4);
  let [accepted, refused] = [0, 0];
  for (let n = 0; n < 2000; n++) {
    const bytes = mutate(good, numbers);
    // With a digest that fits again, what is behind it is reached; that may be something else.
    const isResealed = numbers.below(2) === 0 && bytes.length > BUNDLE_HEADER_BYTES;
    if (isResealed) {
      const end = BUNDLE_HEADER_BYTES + new DataView(bytes.buffer).getUint32(20, true);
      bytes.set(sha256(bytes.subarray(BUNDLE_HEADER_BYTES, Math.min(end, bytes.length))), 24);
    }
    Deno.writeFileSync(path, bytes);
    try {
      using bundle = Bundle.open(path);
      bundle.verify();
      const images = [...bundle.images()];
      if (!isResealed) {
        assertEquals(images.length, 2);
        assert(haveSameBytes(images[0]!, below.snapshot.ram));
        assert(haveSameBytes(images[1]!, above.snapshot.ram));
      }
      for (const image of images) for (const [, content] of image.pages()) content.bytes();
      accepted++;
    } catch (error) {
      assert(error instanceof BundleError, `${n}: ${error}`);
      refused++;
    }
  }
  assert(accepted > 0 && refused > 1000, `${accepted} accepted, ${refused} refused`);
});
