import { assert } from "@std/assert";
import { fuzzStore } from "./fuzz.ts";

Deno.test("5000 tampered manifests and packs are refused or load as they were saved", async () => {
  const { loaded, refused } = await fuzzStore(1, 5000);
  assert(loaded > 100);
  for (const reason of ["damaged", "pack-damaged", "base-missing", "not-a-snapshot"]) {
    assert((refused[reason] ?? 0) > 100, `${reason}: ${refused[reason]}`);
  }
});
