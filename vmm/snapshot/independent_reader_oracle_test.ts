// The format is what its document says: a reader in another language, written from that alone, finds what
// the machine was when it was saved, and what our own reader finds.

import { assertEquals, assertThrows } from "@std/assert";
import { PAGE_BYTES } from "../../core/ram_image.ts";
import { exportBundle } from "./bundle_export.ts";
import { sha256Hex } from "./digest.ts";
import {
  readBundleIndependently,
  readIndependently,
  whyNoIndependentReader,
} from "./independent_reader_testing.ts";
import { type RealSnapshot, writeRealStore } from "./real_store_testing.ts";
import { SnapshotStore } from "./store.ts";

const reason = whyNoIndependentReader();
if (reason !== undefined) console.log(`the independent reader's tests are ignored: ${reason}`);
const ignore = reason !== undefined;

class Fixture implements Disposable {
  readonly directory = Deno.makeTempDirSync({ dir: "/tmp" });

  manifest(key: string): string {
    return `${this.directory}/manifests/${key}.cbor`;
  }

  /** A bundle of a snapshot and those below it. */
  exported(key: string): string {
    const store = SnapshotStore.open(this.directory);
    const path = `${this.directory}/bundle`;
    exportBundle(store, key, path);
    store.close();
    return path;
  }

  packs(): string[] {
    return [...Deno.readDirSync(`${this.directory}/packs`)]
      .map(({ name }) => `${this.directory}/packs/${name}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function readOurselves(directory: string, key: string): RealSnapshot {
  const store = SnapshotStore.open(directory);
  try {
    const { layer, snapshot } = store.load(key)!;
    const { ram, components, instructions, virtualNs } = snapshot;
    const bytes = new Uint8Array(ram.pageCount * PAGE_BYTES);
    for (const [page, content] of ram.pages()) bytes.set(content.bytes(), page * PAGE_BYTES);
    const harts = components["harts"]!.fields["harts"] as readonly { pc: bigint }[];
    const { length } = components["console"]!.fields["transcript"] as Uint8Array;
    return {
      key,
      layer,
      instructions,
      virtualNs,
      ramSha256: sha256Hex(bytes),
      pc: `0x${harts[0]!.pc.toString(16)}`,
      transcriptBytes: length,
    };
  } finally {
    store.close();
  }
}

function changeByte(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = bytes[place]! ^ 1;
  Deno.writeFileSync(path, bytes);
}

Deno.test({
  name: "a reader of the document alone finds in a store what the machine was",
  ignore,
  async fn() {
    using fixture = new Fixture();
    const snapshots = await writeRealStore(fixture.directory);
    assertEquals(fixture.packs().length, 2);
    for (const snapshot of snapshots) {
      assertEquals(readIndependently(fixture.directory, snapshot.key), snapshot);
      assertEquals(readOurselves(fixture.directory, snapshot.key), snapshot);
    }
  },
});

Deno.test({
  name: "a reader of the document alone finds the same in a bundle",
  ignore,
  async fn() {
    using fixture = new Fixture();
    const snapshots = await writeRealStore(fixture.directory);
    const path = fixture.exported(snapshots[1].key);
    assertEquals(readBundleIndependently(path), snapshots);
    for (const [at, says] of [[16, "it has format version 0"], [60, "index"], [-1, "a frame"]]) {
      changeByte(path, at as number);
      assertThrows(() => readBundleIndependently(path), Error, says as string);
      changeByte(path, at as number);
    }
  },
});

const DAMAGES: readonly {
  readonly what: string;
  readonly spoil: (fixture: Fixture, below: RealSnapshot, above: RealSnapshot) => void;
  readonly says: string;
}[] = [
  {
    what: "of another format version",
    spoil: (fixture, _, { key }) => changeByte(fixture.manifest(key), 22),
    says: "it has format version 0",
  },
  {
    what: "that is no snapshot",
    spoil: (fixture, _, { key }) => changeByte(fixture.manifest(key), 10),
    says: "it is no snapshot",
  },
  {
    what: "with a changed byte",
    spoil: (fixture, _, { key }) => changeByte(fixture.manifest(key), -1),
    says: "its digest is not that of its body",
  },
  {
    what: "with a changed byte in the one below",
    spoil: (fixture, { key }) => changeByte(fixture.manifest(key), 5000),
    says: "its digest is not that of its body",
  },
  {
    what: "without the one below",
    spoil: (fixture, { key }) => Deno.removeSync(fixture.manifest(key)),
    says: "FileNotFoundError",
  },
  {
    what: "under another key",
    spoil: (fixture, below, above) =>
      Deno.renameSync(fixture.manifest(below.key), fixture.manifest(above.key)),
    says: "it is the snapshot of another key",
  },
  {
    what: "with a changed header of a pack",
    spoil: (fixture) => fixture.packs().forEach((path) => changeByte(path, 40)),
    says: "a pack's header is not what its name says",
  },
  {
    what: "with a changed page digest in a pack",
    spoil: (fixture) => fixture.packs().forEach((path) => changeByte(path, 130)),
    says: "a pack's page digests are damaged",
  },
  {
    what: "with a changed frame in a pack",
    spoil: (fixture) => fixture.packs().forEach((path) => changeByte(path, -1)),
    says: "a frame does not decompress to its pages",
  },
];

for (const { what, spoil, says } of DAMAGES) {
  Deno.test({
    name: `the reader of the document alone refuses a snapshot ${what}`,
    ignore,
    async fn() {
      using fixture = new Fixture();
      const [below, above] = await writeRealStore(fixture.directory);
      spoil(fixture, below, above);
      assertThrows(() => readIndependently(fixture.directory, above.key), Error, says);
    },
  });
}
