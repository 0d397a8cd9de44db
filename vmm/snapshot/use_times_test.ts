import { assert, assertEquals } from "@std/assert";
import { noisePage } from "./samples.ts";
import { SnapshotStore } from "./store.ts";
import { TemporaryStore } from "./temporary_store_testing.ts";
import { USE_INTERVAL_MS, UseTimes } from "./use_times.ts";

const KEY = "ab".repeat(32);

Deno.test("a use is written down once an hour, however many processes there are", () => {
  using temporary = new TemporaryStore();
  const path = `${temporary.directory}/used`;
  const [one, other] = [new UseTimes(path), new UseTimes(path)];
  assertEquals(one.lastMs(KEY), undefined);
  one.note(KEY, 1_000_000);
  assertEquals(other.lastMs(KEY), 1_000_000);
  for (const uses of [one, other]) uses.note(KEY, 1_000_000 + USE_INTERVAL_MS - 1);
  assertEquals(one.lastMs(KEY), 1_000_000);
  one.note(KEY, 1_000_000 + USE_INTERVAL_MS);
  assertEquals(other.lastMs(KEY), 1_000_000 + USE_INTERVAL_MS);
  assertEquals(other.keys(), [KEY]);
  other.forget(KEY);
  assertEquals([one.lastMs(KEY), other.keys()], [undefined, []]);
});

Deno.test("where uses cannot be written down, nothing fails", () => {
  using temporary = new TemporaryStore();
  Deno.writeTextFileSync(`${temporary.directory}/used`, "");
  const uses = new UseTimes(`${temporary.directory}/used`);
  uses.note(KEY);
  assertEquals([uses.lastMs(KEY), uses.keys()], [undefined, []]);
  uses.forget(KEY);
});

Deno.test("a load is a use, and leaves the order of snapshots and what is loaded as it is", async () => {
  using temporary = new TemporaryStore();
  const { key } = await temporary.save("a", [[1, noisePage(1)]]);
  temporary.age({ key }, 5_000_000);
  const store = SnapshotStore.open(temporary.directory);
  const uses = new UseTimes(`${temporary.directory}/used`);
  const stat = () => Deno.statSync(`${temporary.directory}/manifests/${key}.cbor`).mtime;
  const saved = stat();
  const first = store.load(key);
  assert(Date.now() - uses.lastMs(key)! < 60_000);
  assertEquals(stat(), saved);
  assert(store.load(key) === first);
  assertEquals(temporary.store.verify(), []);
  store.remove(key);
  assertEquals(uses.lastMs(key), undefined);
  assertEquals([store.load(key), uses.keys()], [undefined, []]);
  store.close();
});
