import { assert, assertEquals } from "@std/assert";
import { storeSizeBytes, takeInventory } from "./inventory.ts";
import { noisePage } from "./samples.ts";
import { TemporaryStore } from "./temporary_store_testing.ts";

Deno.test("a folder that is not there is an empty store, and stays away", () => {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  Deno.removeSync(directory);
  const { items, totalBytes } = takeInventory(directory);
  assertEquals([items, totalBytes, storeSizeBytes(directory)], [[], 0, 0]);
  assertEquals(takeInventory(`${directory}/x`).items, []);
});

Deno.test("sizes: what would be free without a snapshot, what others need too, what nobody needs", async () => {
  using temporary = new TemporaryStore();
  const below = await temporary.save("below", [[1, noisePage(1)], [2, noisePage(2)]]);
  // A page of its own, and one that is where the other snapshot's is.
  const above = await temporary.save("above", [[3, noisePage(3)], [4, noisePage(1)]], { below });
  Deno.writeFileSync(`${temporary.directory}/packs/.tmp-1-x`, new Uint8Array(77));
  temporary.age(below, 60_000);
  const { items, packs, totalBytes, unneededBytes } = takeInventory(temporary.directory);
  assertEquals(items.map(({ key }) => key), [above.key, below.key]);
  const [first, second] = items;
  const size = (path: string) => Deno.statSync(`${temporary.directory}/${path}`).size;
  const manifestBytes = [above, below].map(({ key }) => size(`manifests/${key}.cbor`));
  assertEquals(items.map((item) => item.manifestBytes), manifestBytes);
  assertEquals(packs.size, 2);
  const [shared] = second!.packs;
  const own = first!.packs.find((name) => name !== shared)!;
  assertEquals(second!.sharedBytes, size(`packs/${shared}.pack`));
  assertEquals(first!.sharedBytes, size(`packs/${shared}.pack`));
  assertEquals(first!.ownBytes, manifestBytes[0]! + size(`packs/${own}.pack`));
  assertEquals(second!.ownBytes, manifestBytes[1]);
  assertEquals(unneededBytes, 77);
  assertEquals(totalBytes, first!.ownBytes + second!.ownBytes + first!.sharedBytes + 77);
  assertEquals(storeSizeBytes(temporary.directory), totalBytes);
  const { record, shape, instructions, virtualNs } = second!.content!;
  assertEquals([record.layer, record.key, shape.harts], ["below", below.key, 2]);
  assertEquals([instructions, virtualNs], [2 ** 53 - 1, 2 ** 40 + 1]);
});

Deno.test("times: when it was saved, and when it was last loaded", async () => {
  using temporary = new TemporaryStore();
  const { key } = await temporary.save("a", []);
  temporary.age({ key }, 5_000_000);
  const before = takeInventory(temporary.directory).items[0]!;
  assertEquals(before.usedMs, before.savedMs);
  assert(Date.now() - before.savedMs >= 5_000_000);
  temporary.store.load(key);
  const after = takeInventory(temporary.directory).items[0]!;
  assertEquals(after.savedMs, before.savedMs);
  assert(Date.now() - after.usedMs < 60_000);
});

Deno.test("what cannot be used is listed, with the reason", async () => {
  using temporary = new TemporaryStore();
  const below = await temporary.save("below", [[1, noisePage(1)]]);
  const above = await temporary.save("above", [[2, noisePage(2)]], { below });
  const damaged = await temporary.save("damaged", []);
  Deno.writeTextFileSync(`${temporary.directory}/manifests/${damaged.key}.cbor`, "nonsense");
  temporary.store.remove(below.key);
  const reasonOf = (key: string) =>
    takeInventory(temporary.directory).items.find((item) => item.key === key)?.problem?.reason;
  assertEquals([reasonOf(damaged.key), reasonOf(above.key)], ["not-a-snapshot", "base-missing"]);
  for (const path of temporary.files("packs")) Deno.removeSync(path);
  assertEquals(reasonOf(above.key), "pack-missing");
});
