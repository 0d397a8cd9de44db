import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { RamImage } from "../../core/ram_image.ts";
import { noisePage, sampleRecord, sampleSnapshot } from "./samples.ts";
import { haveSameBytes } from "./saver.ts";
import { SnapshotError, type SnapshotProblem } from "./snapshot_error.ts";
import { SnapshotStore } from "./store.ts";

/** A store with a snapshot, and one on it with a page of its own. */
async function makeStore() {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  const store = SnapshotStore.open(directory);
  const below = RamImage.zeros(256).with([[1, noisePage(1)], [2, noisePage(2)]]);
  const parent = await store.save(sampleRecord("below"), sampleSnapshot(below));
  const [parentPack] = [...Deno.readDirSync(`${directory}/packs`)].map(({ name }) => name);
  const above = below.with([[1, noisePage(3)]]);
  const child = await store.save(sampleRecord("above", parent.key), sampleSnapshot(above));
  const childPack = [...Deno.readDirSync(`${directory}/packs`)].map(({ name }) => name)
    .find((name) => name !== parentPack);
  store.close();
  const path = (key: string) => `${directory}/manifests/${key}.cbor`;
  return {
    directory,
    below,
    above,
    parent: {
      key: parent.key,
      manifest: path(parent.key),
      pack: `${directory}/packs/${parentPack}`,
    },
    child: { key: child.key, manifest: path(child.key), pack: `${directory}/packs/${childPack}` },
    open: () => SnapshotStore.open(directory),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

/** Loads a snapshot and all its pages, which has to fail. */
function refusal(store: SnapshotStore, key: string): SnapshotError {
  try {
    return assertThrows(() => {
      for (const [, content] of store.load(key)!.snapshot.ram.pages()) content.bytes();
    }, SnapshotError);
  } finally {
    store.close();
  }
}

function edit(file: string, change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | void): void {
  const bytes = Deno.readFileSync(file);
  Deno.writeFileSync(file, change(bytes) ?? bytes);
}

type Store = Awaited<ReturnType<typeof makeStore>>;

interface Damage {
  readonly what: string;
  readonly damage: (store: Store) => void;
  /** Reason, file and words of the error when the child is loaded. */
  readonly reason: SnapshotProblem;
  readonly file: (store: Store) => string;
  readonly detail: string;
}

const DAMAGES: readonly Damage[] = [
  {
    what: "a manifest that is something else",
    damage: ({ child }) => Deno.writeTextFileSync(child.manifest, "#!/bin/sh\n"),
    reason: "not-a-snapshot",
    file: ({ child }) => child.manifest,
    detail: "not a snapshot",
  },
  {
    what: "a manifest of another format version",
    damage: ({ child }) => edit(child.manifest, (bytes) => void (bytes[22] = 2)),
    reason: "unknown-version",
    file: ({ child }) => child.manifest,
    detail: "format version 2, known is 1",
  },
  {
    what: "a manifest with a bit turned",
    damage: ({ child }) => edit(child.manifest, (bytes) => void (bytes[400]! ^= 1)),
    reason: "damaged",
    file: ({ child }) => child.manifest,
    detail: "digest",
  },
  {
    what: "a manifest that is cut short",
    damage: ({ child }) => edit(child.manifest, (bytes) => bytes.subarray(0, bytes.length - 1)),
    reason: "damaged",
    file: ({ child }) => child.manifest,
    detail: "cut short",
  },
  {
    what: "a manifest that is cut short at its beginning",
    damage: ({ child }) => edit(child.manifest, (bytes) => bytes.subarray(0, 30)),
    reason: "damaged",
    file: ({ child }) => child.manifest,
    detail: "its body is missing",
  },
  {
    what: "a manifest under the name of another",
    damage: ({ child, parent }) => Deno.copyFileSync(parent.manifest, child.manifest),
    reason: "damaged",
    file: ({ child }) => child.manifest,
    detail: "another key",
  },
  {
    what: "a manifest that is a folder",
    damage: ({ child }) => {
      Deno.removeSync(child.manifest);
      Deno.mkdirSync(child.manifest);
    },
    reason: "unreadable",
    file: ({ child }) => child.manifest,
    detail: "cannot be read",
  },
  {
    what: "a missing pack",
    damage: ({ child }) => Deno.removeSync(child.pack),
    reason: "pack-missing",
    file: ({ child }) => child.pack,
    detail: "gone",
  },
  {
    what: "a pack that is cut short",
    damage: ({ child }) => edit(child.pack, (bytes) => bytes.subarray(0, bytes.length - 1)),
    reason: "pack-damaged",
    file: ({ child }) => child.pack,
    detail: "bytes instead of",
  },
  {
    what: "a pack whose header has a bit turned",
    damage: ({ child }) => edit(child.pack, (bytes) => void (bytes[24]! ^= 1)),
    reason: "pack-damaged",
    file: ({ child }) => child.pack,
    detail: "not what its name says",
  },
  {
    what: "a pack whose frame table has a bit turned",
    damage: ({ child }) => edit(child.pack, (bytes) => void (bytes[96]! ^= 1)),
    reason: "pack-damaged",
    file: ({ child }) => child.pack,
    detail: "frame table",
  },
  {
    what: "a pack whose pages have a bit turned",
    damage: ({ child }) => edit(child.pack, (bytes) => void (bytes[bytes.length - 100]! ^= 1)),
    reason: "pack-damaged",
    file: ({ child }) => child.pack,
    detail: "decompressed",
  },
  {
    what: "a missing snapshot below",
    damage: ({ parent }) => Deno.removeSync(parent.manifest),
    reason: "base-missing",
    file: ({ child }) => child.manifest,
    detail: "is gone",
  },
  {
    what: "a damaged snapshot below",
    damage: ({ parent }) => edit(parent.manifest, (bytes) => void (bytes[400]! ^= 1)),
    reason: "base-missing",
    file: ({ child }) => child.manifest,
    detail: "digest",
  },
];

for (const { what, damage, reason, file, detail } of DAMAGES) {
  Deno.test(`${what} is refused with its reason, and verify finds it`, async () => {
    using store = await makeStore();
    damage(store);
    const open = store.open();
    const error = refusal(open, store.child.key);
    assertEquals([error.reason, error.file], [reason, file(store)]);
    assertStringIncludes(error.message, detail);
    assertStringIncludes(error.message, file(store));
    assert(store.open().verify().some((problem) => problem.file === file(store)));
    // Building both anew mends the store.
    if (reason === "unreadable") Deno.removeSync(store.child.manifest);
    await open.save(sampleRecord("below"), sampleSnapshot(store.below));
    await open.save(sampleRecord("above", store.parent.key), sampleSnapshot(store.above));
    open.close();
    assertEquals(store.open().verify(), []);
    assert(haveSameBytes(store.open().load(store.child.key)!.snapshot.ram, store.above));
  });
}

Deno.test("a snapshot below that was replaced by one that differs is refused", async () => {
  using store = await makeStore();
  const open = store.open();
  const other = store.below.with([[7, noisePage(9)]]);
  await open.save(sampleRecord("below"), sampleSnapshot(other));
  const error = refusal(store.open(), store.child.key);
  assertEquals([error.reason, error.file], ["base-changed", store.child.manifest]);
  open.close();
});

Deno.test("a snapshot below that was built anew with the same content is as good", async () => {
  using store = await makeStore();
  Deno.removeSync(store.parent.manifest);
  const open = store.open();
  const copy = RamImage.zeros(256).with([[2, noisePage(2)], [1, noisePage(1)]]);
  await open.save(sampleRecord("below"), sampleSnapshot(copy));
  assert(haveSameBytes(store.open().load(store.child.key)!.snapshot.ram, store.above));
  open.close();
});

Deno.test("unusable snapshots are no candidates, and no base", async () => {
  using store = await makeStore();
  edit(store.parent.manifest, (bytes) => void (bytes[100]! ^= 1));
  const open = store.open();
  assertEquals(open.candidates(undefined, "below"), []);
  const { key } = await open.save(
    sampleRecord("above", store.parent.key),
    sampleSnapshot(store.above),
  );
  assert(haveSameBytes(store.open().load(key)!.snapshot.ram, store.above));
  open.close();
});

Deno.test("a pack with a page that is not what its digest says is found by verify", async () => {
  using store = await makeStore();
  // Frames of one page of the same size can be exchanged unseen by all but the page digests.
  const [file] = [store.child.pack];
  const other = await makeStore();
  const open = other.open();
  const ram = other.below.with([[1, noisePage(4)]]);
  await open.save(sampleRecord("third", other.parent.key), sampleSnapshot(ram));
  open.close();
  const third = [...Deno.readDirSync(`${other.directory}/packs`)]
    .map(({ name }) => `${other.directory}/packs/${name}`)
    .find((path) => path !== other.parent.pack && path !== other.child.pack)!;
  const frameAt = 96 + 4 + 32;
  const frame = Deno.readFileSync(third).subarray(frameAt);
  assertEquals(Deno.readFileSync(file).length, frameAt + frame.length);
  edit(file, (bytes) => bytes.set(frame, frameAt));
  const problems = store.open().verify();
  assertEquals(problems.map(({ file }) => file), [file]);
  assertStringIncludes(problems[0]!.reason, "page 0 is not what its digest says");
  other[Symbol.dispose]();
});
