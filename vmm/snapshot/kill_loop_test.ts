import { assert, assertEquals } from "@std/assert";
import { killSavers } from "./kill_loop.ts";
import { haveSameBytes, saverLayers } from "./saver.ts";
import { SnapshotStore } from "./store.ts";

function makeDirectory(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ dir: "/tmp" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test("a store is whole after each of 20 kills while saving", async () => {
  using directory = makeDirectory();
  const { kills, saved } = await killSavers(directory.path, 20);
  assertEquals(kills, 20);
  assert(saved >= 20);
});

Deno.test("two processes save the same layers at once", async () => {
  using directory = makeDirectory();
  const command = new Deno.Command("deno", {
    args: [
      ...["run", "--no-prompt", "--allow-read", "--allow-write=/tmp"],
      new URL("./saver.ts", import.meta.url).pathname,
      ...[directory.path, "1", "12", "80"],
    ],
  });
  const [one, other] = await Promise.all([command.output(), command.output()]);
  assertEquals([one.code, other.code], [0, 0]);
  assertEquals(one.stdout, other.stdout);
  const store = SnapshotStore.open(directory.path);
  assertEquals(store.verify(), []);
  let layers = 0;
  for (const { key, ram } of saverLayers(1, 12, 80)) {
    assert(haveSameBytes(store.load(key)!.snapshot.ram, ram));
    layers++;
  }
  assertEquals([layers, store.records().length], [12, 12]);
  store.close();
});
