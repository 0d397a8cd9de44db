// What the real flow stores, host and guest at their prompts, is as docs/snapshot-format.md and
// docs/snapshot.cddl say.

import { assertEquals } from "@std/assert";
import { parseCddl } from "../../vmm/snapshot/cddl_parser_testing.ts";
import { checkCddl } from "../../vmm/snapshot/cddl_testing.ts";
import {
  readIndependently,
  whyNoIndependentReader,
} from "../../vmm/snapshot/independent_reader_testing.ts";
import { factsOf } from "../../vmm/snapshot/real_store_testing.ts";
import { SnapshotStore } from "../../vmm/snapshot/store.ts";
import { openLayer } from "./open.ts";

const SCHEMA = Deno.readTextFileSync(new URL("../../docs/snapshot.cddl", import.meta.url));
const LAYER = "guest-prompt";

Deno.test("a host and a guest at their prompts are stored as the document says", async (t) => {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  const store = SnapshotStore.open(directory);
  try {
    const { host } = await openLayer(LAYER, {
      host: { memMiB: 128, harts: 2 },
      guest: { memMiB: 64 },
      store,
      warn: (line) => {
        throw new Error(line);
      },
    });
    using machine = host.machine;

    await t.step("the manifests are as the schema says", () => {
      const rules = parseCddl(SCHEMA, ["bundle-index"]);
      const keys = store.records().map(({ key }) => key);
      assertEquals(keys.length, 2);
      for (const key of keys) {
        checkCddl(rules, Deno.readFileSync(`${directory}/manifests/${key}.cbor`));
      }
    });

    const reason = whyNoIndependentReader();
    if (reason !== undefined) console.log(`the independent reader is not run: ${reason}`);
    await t.step({
      name: "a reader of the document alone finds what the machine is",
      ignore: reason !== undefined,
      fn() {
        const { key } = store.records().find(({ layer }) => layer === LAYER)!;
        assertEquals(readIndependently(directory, key), { key, ...factsOf(machine, LAYER) });
      },
    });
  } finally {
    store.close();
    Deno.removeSync(directory, { recursive: true });
  }
});
