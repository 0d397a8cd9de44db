/**
 * A process that saves layer upon layer and prints the key of each as soon as it is saved, for tests
 * that kill it, run two of it, or give it no room.
 *
 * `deno run saver.ts <directory> <seed> <layers> <pages changed in each>`
 *
 * @module
 */

import { PAGE_BYTES, RamImage } from "../../core/ram_image.ts";
import { layerKey } from "./layer_key.ts";
import { noisePage, sampleRecord, sampleSnapshot } from "./samples.ts";
import { SnapshotStore } from "./store.ts";

const IMAGE_PAGES = 4096;

/** What the layers of one seed are: the same in the process that saves as in the one that checks. */
export function* saverLayers(seed: number, layers: number, changedPages: number) {
  let ram = RamImage.zeros(IMAGE_PAGES);
  let parent: string | undefined;
  for (let layer = 0; layer < layers; layer++) {
    const first = seed * 1_000_000 + layer * 10_000;
    ram = ram.with(Array.from({ length: changedPages }, (_, n) => {
      return [(layer * 7 + n * 3) % IMAGE_PAGES, noisePage(first + n)] as const;
    }));
    const record = sampleRecord(`layer ${seed}.${layer}`, parent);
    parent = layerKey(record);
    yield { key: parent, record, ram };
  }
}

/** Whether two images hold the same bytes. Throws if a page of one cannot be read. */
export function haveSameBytes(a: RamImage, b: RamImage): boolean {
  const zeros = new Uint8Array(PAGE_BYTES);
  for (const [page, content] of a.changesFrom(b)) {
    const bytes = content?.bytes() ?? zeros;
    const others = b.page(page)?.bytes() ?? zeros;
    if (!bytes.every((byte, n) => byte === others[n])) return false;
  }
  return a.pageCount === b.pageCount;
}

if (import.meta.main) {
  const [directory = "", seed, layers, changedPages] = Deno.args;
  const store = SnapshotStore.open(directory);
  const out = new TextEncoder();
  try {
    for (const layer of saverLayers(Number(seed), Number(layers), Number(changedPages))) {
      const { key } = await store.save(layer.record, sampleSnapshot(layer.ram));
      Deno.stdout.writeSync(out.encode(`${key}\n`));
    }
  } catch (error) {
    console.error((error as Error).message);
    Deno.exitCode = 1;
  }
}
