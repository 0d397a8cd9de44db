import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { PAGE_BYTES, type PageContent, RamImage } from "../../core/ram_image.ts";
import { layerKey } from "./layer_key.ts";
import { noisePage, plainPage, sampleRecord, sampleSnapshot } from "./samples.ts";
import { haveSameBytes } from "./saver.ts";
import { SnapshotStore } from "./store.ts";

class Fixture implements Disposable {
  readonly directory = Deno.makeTempDirSync({ dir: "/tmp" });
  readonly #stores: SnapshotStore[] = [];

  open(): SnapshotStore {
    const store = SnapshotStore.open(this.directory);
    this.#stores.push(store);
    return store;
  }

  /** Sizes of all packs. */
  packSizes(): number[] {
    return [...Deno.readDirSync(`${this.directory}/packs`)]
      .map(({ name }) => Deno.statSync(`${this.directory}/packs/${name}`).size);
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores) store.close();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

const image = (...pages: (readonly [number, PageContent | undefined])[]) =>
  RamImage.zeros(5000).with(pages);

Deno.test("a snapshot comes back as it was saved, in another process's store too", async () => {
  using fixture = new Fixture();
  const ram = image([0, noisePage(1)], [1, plainPage(7)], [700, noisePage(2)], [
    4999,
    noisePage(3),
  ]);
  const snapshot = sampleSnapshot(ram);
  const saved = await fixture.open().save(sampleRecord("a"), snapshot);
  assertEquals(saved.key, layerKey(sampleRecord("a")));
  const loaded = fixture.open().load(saved.key)!;
  for (const stored of [saved, loaded]) {
    const { snapshot: { ram: storedRam, ...machine }, key: _, ...record } = stored;
    assertEquals(machine, (({ ram: _, ...rest }) => rest)(snapshot));
    assertEquals(record, sampleRecord("a"));
    assert(haveSameBytes(storedRam, ram));
    assertEquals([...storedRam.pages()].map(([page]) => page), [0, 1, 700, 4999]);
  }
});

Deno.test("an image of zeros needs no pack", async () => {
  using fixture = new Fixture();
  const { key } = await fixture.open().save(
    sampleRecord("a"),
    sampleSnapshot(image([3, plainPage(0)])),
  );
  assertEquals(fixture.packSizes(), []);
  assertEquals([...fixture.open().load(key)!.snapshot.ram.pages()], []);
});

Deno.test("the same key gives the same object, and a page is a view of what is kept", async () => {
  using fixture = new Fixture();
  const { key } = await fixture.open().save(
    sampleRecord("a"),
    sampleSnapshot(image([9, noisePage(1)])),
  );
  const store = fixture.open();
  const loaded = store.load(key)!;
  assertStrictEquals(store.load(key), loaded);
  const content = loaded.snapshot.ram.page(9)!;
  assertStrictEquals(content.bytes().buffer, content.bytes().buffer);
});

Deno.test("there is nothing under an unknown key, or under what is no key", () => {
  using fixture = new Fixture();
  const store = fixture.open();
  assertEquals(store.load("0".repeat(64)), undefined);
  assertEquals(store.load("../manifests/x"), undefined);
  assertEquals(store.candidates(undefined, "a"), []);
});

Deno.test("only what differs from the parent is saved, and shared with it when loaded", async () => {
  using fixture = new Fixture();
  const below = image([0, noisePage(1)], [1, noisePage(2)], [2, noisePage(3)]);
  const store = fixture.open();
  const parent = await store.save(sampleRecord("a"), sampleSnapshot(below));
  // Page 0 equals the parent's, but is another object; page 2 becomes zeros.
  const above = below.with([[0, noisePage(1)], [2, undefined], [3, noisePage(4)]]);
  const child = await store.save(sampleRecord("b", parent.key), sampleSnapshot(above));
  for (const use of [store, fixture.open()]) {
    const ram = use.load(child.key)!.snapshot.ram;
    assert(haveSameBytes(ram, above));
    const changes = [...ram.changesFrom(use.load(parent.key)!.snapshot.ram)];
    assertEquals(changes.map(([page]) => page), [2, 3]);
    assertEquals(changes[0]![1], undefined);
  }
  assertEquals(fixture.packSizes().length, 2);
  assert(Math.min(...fixture.packSizes()) < 2 * PAGE_BYTES);
});

Deno.test("zeros given as a content become a hole on a parent too", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const parent = await store.save(sampleRecord("a"), sampleSnapshot(image([5, noisePage(1)])));
  const above = parent.snapshot.ram.with([[5, plainPage(0)], [6, plainPage(0)]]);
  const child = await store.save(sampleRecord("b", parent.key), sampleSnapshot(above));
  const loaded = fixture.open().load(child.key)!.snapshot.ram;
  assertEquals([loaded.page(5), loaded.page(6)], [undefined, undefined]);
});

Deno.test("without its parent in the store a snapshot is saved in full", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const ram = image([5, noisePage(1)]);
  const { key } = await store.save(sampleRecord("b", "1".repeat(64)), sampleSnapshot(ram));
  assert(haveSameBytes(fixture.open().load(key)!.snapshot.ram, ram));
});

Deno.test("a parent with other RAM is no base", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const parent = await store.save(sampleRecord("a"), sampleSnapshot(image([5, noisePage(1)])));
  const ram = RamImage.zeros(64).with([[5, noisePage(1)]]);
  const { key } = await store.save(sampleRecord("b", parent.key), sampleSnapshot(ram));
  assert(haveSameBytes(fixture.open().load(key)!.snapshot.ram, ram));
});

Deno.test("equal pages are stored once, across snapshots and processes", async () => {
  using fixture = new Fixture();
  const pages = Array.from({ length: 300 }, (_, n) => [n, noisePage(n % 10)] as const);
  await fixture.open().save(sampleRecord("a"), sampleSnapshot(image(...pages)));
  const [size] = fixture.packSizes();
  assert(size! > 10 * PAGE_BYTES && size! < 11 * PAGE_BYTES);
  const shifted = image(...pages.map(([page, content]) => [page + 1000, content] as const));
  const { key } = await fixture.open().save(sampleRecord("b"), sampleSnapshot(shifted));
  assertEquals(fixture.packSizes(), [size]);
  assert(haveSameBytes(fixture.open().load(key)!.snapshot.ram, shifted));
});

Deno.test("pages of a loaded snapshot are saved elsewhere without being read", async () => {
  using fixture = new Fixture();
  const saved = await fixture.open().save(
    sampleRecord("a"),
    sampleSnapshot(image([5, noisePage(1)])),
  );
  const store = fixture.open();
  const moved = image([77, store.load(saved.key)!.snapshot.ram.page(5)]);
  const { key } = await store.save(sampleRecord("b"), sampleSnapshot(moved));
  assert(haveSameBytes(fixture.open().load(key)!.snapshot.ram, moved));
  assertEquals(fixture.packSizes().length, 1);
});

Deno.test("pages of another store's snapshot are copied", async () => {
  using one = new Fixture();
  using other = new Fixture();
  const saved = await one.open().save(sampleRecord("a"), sampleSnapshot(image([5, noisePage(1)])));
  const { key } = await other.open().save(sampleRecord("a"), sampleSnapshot(saved.snapshot.ram));
  assert(haveSameBytes(other.open().load(key)!.snapshot.ram, saved.snapshot.ram));
});

Deno.test("more pages than fit a pack make several", async () => {
  using fixture = new Fixture();
  const numbered = (n: number) => {
    const bytes = new Uint8Array(PAGE_BYTES);
    new DataView(bytes.buffer).setUint32(0, n + 1);
    return { bytes: () => bytes };
  };
  const pages = Array.from({ length: 16400 }, (_, n) => [n, numbered(n)] as const);
  const ram = RamImage.zeros(16400).with(pages);
  const { key } = await fixture.open().save(sampleRecord("a"), sampleSnapshot(ram));
  assertEquals(fixture.packSizes().length, 2);
  assert(haveSameBytes(fixture.open().load(key)!.snapshot.ram, ram));
  assertEquals(fixture.open().verify(), []);
});

Deno.test("candidates are the records of a layer on a parent, newest first", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const keys: string[] = [];
  for (const seed of ["1", "2", "3"]) {
    const record = { ...sampleRecord("b", "1".repeat(64)), material: { seed } };
    const { key } = await store.save(record, sampleSnapshot());
    Deno.utimeSync(`${fixture.directory}/manifests/${key}.cbor`, Number(seed), Number(seed));
    keys.push(key);
  }
  await store.save(sampleRecord("b"), sampleSnapshot());
  await store.save(sampleRecord("c", "1".repeat(64)), sampleSnapshot());
  const found = fixture.open().candidates("1".repeat(64), "b");
  assertEquals(found.map(({ key }) => key), keys.reverse());
  assertEquals(found[0], {
    ...sampleRecord("b", "1".repeat(64)),
    material: { seed: "3" },
    key: keys[0]!,
  });
});

Deno.test("a record that is longer than what is read at first is found too", async () => {
  using fixture = new Fixture();
  const record = { ...sampleRecord("a"), actions: [{ send: "x".repeat(50_000) }] };
  await fixture.open().save(record, sampleSnapshot());
  assertEquals(fixture.open().candidates(undefined, "a")[0]?.actions, record.actions);
});

Deno.test("saving the same key again replaces the snapshot for those who load it later", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const first = await store.save(sampleRecord("a"), sampleSnapshot(image([1, noisePage(1)])));
  const ram = image([1, noisePage(2)], [2, noisePage(3)]);
  await fixture.open().save(sampleRecord("a"), sampleSnapshot(ram));
  assert(haveSameBytes(store.load(first.key)!.snapshot.ram, ram));
  // What was loaded before is still what it was.
  assertEquals(first.snapshot.ram.page(1)!.bytes(), noisePage(1).bytes());
});

Deno.test("a snapshot shares its pages with the one below after that was saved again", async () => {
  using fixture = new Fixture();
  const below = image([1, noisePage(1)], [2, noisePage(2)]);
  const store = fixture.open();
  const parent = await store.save(sampleRecord("a"), sampleSnapshot(below));
  const above = below.with([[2, noisePage(3)]]);
  const child = await store.save(sampleRecord("b", parent.key), sampleSnapshot(above));
  await fixture.open().save(sampleRecord("a"), sampleSnapshot(below));
  const ram = store.load(child.key)!.snapshot.ram;
  const changes = [...ram.changesFrom(store.load(parent.key)!.snapshot.ram)];
  assertEquals(changes.map(([page]) => page), [2]);
});

Deno.test("removed snapshots are gone, and gc takes the packs that only they needed", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const a = await store.save(sampleRecord("a"), sampleSnapshot(image([1, noisePage(1)])));
  const b = await store.save(sampleRecord("b"), sampleSnapshot(image([1, noisePage(2)])));
  Deno.writeFileSync(`${fixture.directory}/packs/.tmp-1-x`, new Uint8Array(3));
  store.remove(a.key);
  store.remove(a.key);
  assertEquals(store.load(a.key), undefined);
  assertEquals(store.gc().files, 0);
  assertEquals(store.gc({ graceMs: -1000 }).files, 2);
  assertEquals(fixture.packSizes().length, 1);
  assertEquals(fixture.open().verify(), []);
  assertEquals(fixture.open().load(b.key)!.snapshot.ram.page(1)!.bytes(), noisePage(2).bytes());
  // The page that gc took is not believed to be there.
  const again = await store.save(sampleRecord("a"), sampleSnapshot(image([1, noisePage(1)])));
  assertEquals(fixture.open().load(again.key)!.snapshot.ram.page(1)!.bytes(), noisePage(1).bytes());
});

Deno.test("several saves at once in one process", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const images = [1, 2, 3, 4].map((n) => image([1, noisePage(n)], [2, noisePage(5)]));
  const saved = await Promise.all(
    images.map((ram, n) => store.save(sampleRecord(`layer ${n}`), sampleSnapshot(ram))),
  );
  saved.forEach(({ key }, n) => {
    assert(haveSameBytes(fixture.open().load(key)!.snapshot.ram, images[n]!));
  });
});

Deno.test("what cannot be expressed is refused, and nothing is written", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  const snapshot = sampleSnapshot(image([1, noisePage(1)]));
  const bad = { kind: "uart", version: 1, fields: { value: -1n } };
  await assertRejects(
    () => store.save(sampleRecord("a"), { ...snapshot, components: { uart0: bad } }),
    RangeError,
    "uart0.fields.value: -1 does not fit",
  );
  await assertRejects(() => store.save(sampleRecord("a", "x"), snapshot), RangeError, "no key");
  await assertRejects(
    () => store.save(sampleRecord("a"), { ...snapshot, virtualNs: 2 ** 53 }),
    RangeError,
    "virtualNs",
  );
  assertEquals(fixture.packSizes(), []);
  assertEquals(store.records(), []);
});

Deno.test("a folder that cannot be written to is an error that says so", async () => {
  using fixture = new Fixture();
  const store = fixture.open();
  Deno.removeSync(`${fixture.directory}/packs`, { recursive: true });
  Deno.writeTextFileSync(`${fixture.directory}/packs`, "");
  await assertRejects(
    () => store.save(sampleRecord("a"), sampleSnapshot(image([1, noisePage(1)]))),
    Error,
    `Cannot write ${fixture.directory}/packs`,
  );
});

Deno.test("keys depend on all that a layer is made of, and not on the order of fields", () => {
  const record = sampleRecord("a");
  const key = layerKey(record);
  assertEquals(layerKey({ ...record, material: { seed: "1", emulator: "abc" } }), key);
  for (
    const other of [
      { ...record, layer: "b" },
      { ...record, parent: key },
      { ...record, material: { ...record.material, seed: "2" } },
      { ...record, actions: [] },
      { ...record, actions: [...record.actions, 1] },
      { ...record, actions: [...record.actions, 1n] },
    ]
  ) assertNotEquals(layerKey(other), key);
});
