import { assert, assertEquals } from "@std/assert";
import { cleanUp, keepSmall, removeSnapshots } from "./clean_up.ts";
import { storeSizeBytes, takeInventory } from "./inventory.ts";
import { noisePage } from "./samples.ts";
import { SnapshotStore } from "./store.ts";
import { TemporaryStore } from "./temporary_store_testing.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Ten pages that no compression shortens. */
const pages = (seed: number) =>
  Array.from({ length: 10 }, (_, n) => [n, noisePage(seed * 100 + n)] as const);

function layers(directory: string): string[] {
  return takeInventory(directory).items.map(({ content }) => content!.record.layer).sort();
}

Deno.test("within its limits nothing is removed", async () => {
  using temporary = new TemporaryStore();
  const { key } = await temporary.save("a", pages(1));
  temporary.age({ key }, DAY);
  const result = cleanUp(temporary.store, { maxBytes: 1e6, maxAgeMs: 2 * DAY });
  assertEquals([result.removed, result.freedBytes, result.spared], [[], 0, 0]);
  assertEquals(result.leftBytes, storeSizeBytes(temporary.directory));
});

Deno.test("beyond the size, what was used longest ago goes, with its packs; what was loaded stays", async () => {
  using temporary = new TemporaryStore();
  for (const [n, layer] of ["a", "b", "c", "d"].entries()) {
    const { key } = await temporary.save(layer, pages(n));
    temporary.age({ key }, (10 - n) * DAY);
    if (layer === "a") SnapshotStore.open(temporary.directory).load(key);
  }
  const one = storeSizeBytes(temporary.directory) / 4;
  const { removed, freedBytes, leftBytes, spared } = cleanUp(temporary.store, {
    maxBytes: 2.5 * one,
  });
  assertEquals(removed.map(({ content }) => content?.record.layer), ["b", "c"]);
  assertEquals(layers(temporary.directory), ["a", "d"]);
  assertEquals([temporary.files("packs").length, spared], [2, 0]);
  assert(Math.abs(freedBytes - 2 * one) < 100 && Math.abs(leftBytes - 2 * one) < 100);
  assertEquals(SnapshotStore.open(temporary.directory).verify(), []);
});

Deno.test("beyond the age it goes too", async () => {
  using temporary = new TemporaryStore();
  for (const [layer, days] of [["a", 31], ["b", 29]] as const) {
    const { key } = await temporary.save(layer, []);
    temporary.age({ key }, days * DAY);
  }
  cleanUp(temporary.store, { maxAgeMs: 30 * DAY });
  assertEquals(layers(temporary.directory), ["b"]);
});

Deno.test("what was used a short time ago stays, with what lies below it, unless there is no grace", async () => {
  using temporary = new TemporaryStore();
  const below = await temporary.save("below", pages(1));
  const above = await temporary.save("above", [[1, noisePage(5)]], { below });
  const other = await temporary.save("other", pages(2));
  temporary.age(other, 3 * HOUR);
  temporary.age(above, HOUR);
  temporary.age(below, 9 * DAY);
  const { removed, spared } = cleanUp(temporary.store, { maxBytes: 0, maxAgeMs: 0 });
  assertEquals([removed.map(({ key }) => key), spared], [[other.key], 2]);
  assertEquals(layers(temporary.directory), ["above", "below"]);
  const all = cleanUp(temporary.store, { maxBytes: 0, graceMs: 0 });
  assertEquals(all.removed.map(({ key }) => key), [above.key, below.key]);
  assertEquals([all.leftBytes, temporary.files("manifests", "packs", "used")], [0, []]);
});

Deno.test("a pack stays as long as a snapshot needs a page of it", async () => {
  using temporary = new TemporaryStore();
  const old = await temporary.save("old", pages(1));
  const young = await temporary.save("young", [[70, noisePage(100)]]);
  temporary.age(old, DAY);
  cleanUp(temporary.store, { maxBytes: 0 });
  assertEquals([layers(temporary.directory), temporary.files("packs").length], [["young"], 1]);
  const fresh = SnapshotStore.open(temporary.directory);
  assertEquals(fresh.load(young.key)!.snapshot.ram.page(70)!.bytes(), noisePage(100).bytes());
  fresh.close();
});

Deno.test("a machine in another process goes on when what it was restored from is removed", async () => {
  using temporary = new TemporaryStore();
  const { key } = await temporary.save("a", pages(1));
  const other = SnapshotStore.open(temporary.directory);
  const { ram } = other.load(key)!.snapshot;
  removeSnapshots(temporary.store, takeInventory(temporary.directory).items);
  assertEquals(temporary.files("manifests", "packs"), []);
  assertEquals(ram.page(3)!.bytes(), noisePage(103).bytes());
  other.close();
});

Deno.test("what is damaged goes, young things and leftovers of a process at work stay", async () => {
  using temporary = new TemporaryStore();
  const damaged = await temporary.save("damaged", []);
  const path = `${temporary.directory}/manifests/${damaged.key}.cbor`;
  Deno.writeTextFileSync(path, "nonsense");
  for (const [name, hours] of [["old", 2], ["young", 0]] as const) {
    const leftover = `${temporary.directory}/packs/.tmp-1-${name}`;
    Deno.writeTextFileSync(leftover, "");
    const time = new Date(Date.now() - hours * HOUR);
    Deno.utimeSync(leftover, time, time);
  }
  assertEquals(cleanUp(temporary.store).removed.length, 0);
  temporary.age(damaged, 3 * HOUR);
  assertEquals(cleanUp(temporary.store).removed.map(({ key }) => key), [damaged.key]);
  assertEquals(temporary.files("manifests", "packs").map((file) => file.replace(/.*\//, "")), [
    ".tmp-1-young",
  ]);
});

Deno.test("a snapshot of a later release keeps all packs, until it is old itself", async () => {
  using temporary = new TemporaryStore();
  const own = await temporary.save("own", pages(1));
  const foreign = await temporary.save("foreign", pages(2));
  const packs = temporary.packsOf(foreign.key);
  const path = `${temporary.directory}/manifests/${foreign.key}.cbor`;
  const bytes = Deno.readFileSync(path);
  bytes[22] = 2;
  Deno.writeFileSync(path, bytes);
  temporary.age(foreign, 5 * HOUR, packs);
  temporary.age(own, 9 * HOUR);
  assertEquals(
    takeInventory(temporary.directory).items.map(({ problem }) => problem?.reason),
    ["unknown-version", undefined],
  );
  cleanUp(temporary.store, { maxAgeMs: 6 * HOUR });
  assertEquals([temporary.files("manifests").length, temporary.files("packs").length], [1, 2]);
  cleanUp(temporary.store, { maxBytes: 0 });
  assertEquals(temporary.files("manifests", "packs"), []);
});

Deno.test("after a save: nothing while the store is small, then down to less than the limit", async () => {
  using temporary = new TemporaryStore();
  for (const n of [1, 2, 3, 4]) {
    const { key } = await temporary.save(`layer ${n}`, pages(n));
    temporary.age({ key }, n * DAY);
  }
  const size = storeSizeBytes(temporary.directory);
  assertEquals(keepSmall(temporary.store), undefined);
  assertEquals(keepSmall(temporary.store, size), undefined);
  assertEquals(layers(temporary.directory).length, 4);
  const { removed } = keepSmall(temporary.store, size - 1)!;
  assertEquals(removed.map(({ content }) => content!.record.layer), ["layer 4"]);
  assertEquals(keepSmall(temporary.store, size - 1), undefined);
});

Deno.test("after a save: a store full of what is in use is not looked through each time", async () => {
  using temporary = new TemporaryStore();
  await temporary.save("a", pages(1));
  assertEquals(keepSmall(temporary.store, 1)!.spared, 1);
  assertEquals(keepSmall(temporary.store, 1), undefined);
});

Deno.test("removing by name: used or not, with the packs, and what lies on it is told", async () => {
  using temporary = new TemporaryStore();
  const below = await temporary.save("below", pages(1));
  const above = await temporary.save("above", [[1, noisePage(5)]], { below });
  const before = storeSizeBytes(temporary.directory);
  const items = takeInventory(temporary.directory).items.filter(({ key }) => key === below.key);
  const { freedBytes, orphans } = removeSnapshots(temporary.store, items);
  assertEquals(orphans.map(({ key }) => key), [above.key]);
  assert(freedBytes > 40_000 && storeSizeBytes(temporary.directory) === before - freedBytes);
  // Made again, it is what the other needs.
  await temporary.save("below", pages(1));
  const fresh = SnapshotStore.open(temporary.directory);
  assertEquals(fresh.load(above.key)!.snapshot.ram.page(1)!.bytes(), noisePage(5).bytes());
  fresh.close();
});
