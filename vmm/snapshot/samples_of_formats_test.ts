// Snapshots that were committed when their format was the present one: they still load, or are refused with
// a reason that has them made anew.

import { assertEquals } from "@std/assert";
import { PAGE_BYTES } from "../../core/ram_image.ts";
import { Machine } from "../machine.ts";
import { importBundle } from "./bundle_import.ts";
import { sha256Hex } from "./digest.ts";
import { factsOf, type RealSnapshot } from "./real_store_testing.ts";
import { TemporaryStore } from "./temporary_store_testing.ts";

const SAMPLES = new URL("samples_of_formats/", import.meta.url);
const FORMATS = [1];

for (const format of FORMATS) {
  const bundle = new URL(`format_${format}.bundle`, SAMPLES);
  const facts: RealSnapshot[] = JSON.parse(
    Deno.readTextFileSync(new URL(`format_${format}.json`, SAMPLES)),
  );

  Deno.test(`a store of format ${format} is read, and is what it was`, async () => {
    using to = new TemporaryStore();
    await importBundle(to.store, bundle.pathname, "another build");
    assertEquals(to.store.verify(), []);
    for (const { key, layer, instructions, virtualNs, ramSha256, transcriptBytes } of facts) {
      const stored = to.store.load(key)!;
      const { ram, components } = stored.snapshot;
      const bytes = new Uint8Array(ram.pageCount * PAGE_BYTES);
      for (const [page, content] of ram.pages()) bytes.set(content.bytes(), page * PAGE_BYTES);
      const { length } = components["console"]!.fields["transcript"] as Uint8Array;
      assertEquals(
        [stored.layer, stored.snapshot.instructions, stored.snapshot.virtualNs],
        [layer, instructions, virtualNs],
      );
      assertEquals([sha256Hex(bytes), length], [ramSha256, transcriptBytes]);
    }
  });

  Deno.test(`a machine of format ${format} goes on, or says which component is too old`, async () => {
    using to = new TemporaryStore();
    await importBundle(to.store, bundle.pathname, "another build");
    for (const { key, ...expected } of facts) {
      const { snapshot } = to.store.load(key)!;
      let machine;
      try {
        machine = Machine.restore(snapshot);
      } catch (error) {
        // Its version is another one: the layer code takes none of another build.
        assertEquals((error as Error).name, "RangeError");
        assertEquals(
          /the state has version \d+, known is \d+/.test((error as Error).message),
          true,
        );
        continue;
      }
      using restored = machine;
      assertEquals(factsOf(restored, expected.layer), expected);
    }
  });
}
