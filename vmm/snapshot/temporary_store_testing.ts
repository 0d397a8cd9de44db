/**
 * A store in a folder of its own, for tests.
 *
 * @module
 */

import { type PageContent, RamImage } from "../../core/ram_image.ts";
import { takeInventory } from "./inventory.ts";
import type { SnapshotRecord, StoredSnapshot } from "./record.ts";
import { sampleRecord, sampleSnapshot } from "./samples.ts";
import { SnapshotStore } from "./store.ts";

/** Pages of the images that are saved. */
const IMAGE_PAGES = 2048;

/** A store that is removed in the end. */
export class TemporaryStore implements Disposable {
  readonly directory = Deno.makeTempDirSync({ dir: "/tmp" });
  readonly store = SnapshotStore.open(this.directory);

  /** Saves a made-up snapshot. */
  async save(
    layer: string,
    pages: readonly (readonly [number, PageContent | undefined])[],
    { below, ...record }: Partial<SnapshotRecord> & { readonly below?: StoredSnapshot } = {},
  ): Promise<StoredSnapshot> {
    const ram = (below?.snapshot.ram ?? RamImage.zeros(IMAGE_PAGES)).with(pages);
    const whole = { ...sampleRecord(layer, below?.key), ...record };
    return await this.store.save(whole, sampleSnapshot(ram));
  }

  /** Lets a snapshot and all its packs look as if it had been saved so long ago. */
  age({ key }: { readonly key: string }, ms: number, packs = this.packsOf(key)): void {
    const time = new Date(Date.now() - ms);
    for (
      const path of [`manifests/${key}.cbor`, ...packs.map((name) => `packs/${name}.pack`)]
    ) Deno.utimeSync(`${this.directory}/${path}`, time, time);
    try {
      Deno.utimeSync(`${this.directory}/used/${key}`, time, time);
    } catch {
      // It was never used.
    }
  }

  /** Names of the packs of a snapshot. */
  packsOf(key: string): readonly string[] {
    return takeInventory(this.directory).items.find((item) => item.key === key)?.packs ?? [];
  }

  /** Paths of all files in the store's folders. */
  files(...folders: readonly ("manifests" | "packs" | "used")[]): string[] {
    return folders.flatMap((folder) => {
      try {
        return [...Deno.readDirSync(`${this.directory}/${folder}`)]
          .map(({ name }) => `${this.directory}/${folder}/${name}`);
      } catch {
        return [];
      }
    }).sort();
  }

  [Symbol.dispose](): void {
    this.store.close();
    Deno.removeSync(this.directory, { recursive: true });
  }
}
