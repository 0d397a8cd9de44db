/**
 * Checking a whole store: every manifest, and every page of every pack.
 *
 * @module
 */

import { DIGEST_BYTES, sha256 } from "./digest.ts";
import { imageDigest } from "./image_digest.ts";
import type { PageTable } from "./manifest.ts";
import type { ManifestDirectory } from "./manifest_directory.ts";
import type { Pack } from "./pack.ts";
import type { PackDirectory } from "./pack_directory.ts";
import { SnapshotError } from "./snapshot_error.ts";

/** Something wrong in a store. */
export interface StoreProblem {
  readonly file: string;
  /** In words. */
  readonly reason: string;
}

/** Loads a snapshot as the store does: with all that it is the difference from. */
export type LoadManifest = (key: string) => { readonly table: PageTable } | undefined;

/** Checks everything; answers what is wrong, nothing if all is well. */
export function verifyStore(
  manifests: ManifestDirectory,
  packs: PackDirectory,
  load: LoadManifest,
): StoreProblem[] {
  const problems: StoreProblem[] = [];
  const check = (look: () => void) => {
    try {
      look();
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      problems.push({ file: error.file, reason: error.detail });
    }
  };
  const digests = new Map<string, Uint8Array>();
  for (const name of packs.names()) {
    check(() => {
      const pack = packs.pack(name);
      digests.set(name, verifyPack(pack));
    });
  }
  for (const key of manifests.keys()) {
    check(() => {
      // Another process may have removed it meanwhile.
      const table = load(key)?.table;
      if (table !== undefined) verifyTable(manifests.filePath(key), table, digests);
    });
  }
  return problems;
}

/** Checks every page; answers the digests. */
function verifyPack(pack: Pack): Uint8Array {
  const digests = pack.pageDigests();
  for (let page = 0; page < pack.pageCount; page++) {
    if (!isAt(digests, page, sha256(pack.page(page)))) {
      throw new SnapshotError(
        "pack-damaged",
        pack.path,
        `page ${page} is not what its digest says`,
      );
    }
  }
  return digests;
}

function verifyTable(
  path: string,
  table: PageTable,
  packDigests: ReadonlyMap<string, Uint8Array>,
): void {
  const damaged = (detail: string) => new SnapshotError("damaged", path, detail);
  if (!isAt(imageDigest(table), 0, table.image)) {
    throw damaged("its image digest is not that of its pages");
  }
  const packs = table.packs.map(({ name }) => packDigests.get(name));
  for (let chunk = 0; chunk < table.chunkPacks.length; chunk++) {
    const digests = packs[table.chunkPacks[chunk] as number];
    // What is wrong with the pack has been said.
    if (digests === undefined) continue;
    const start = chunk * DIGEST_BYTES;
    const wanted = table.digests.subarray(start, start + DIGEST_BYTES);
    if (!isAt(digests, table.chunkPages[chunk] as number, wanted)) {
      throw damaged(`chunk ${chunk} is not where the manifest says`);
    }
  }
}

function isAt(digests: Uint8Array, number: number, wanted: Uint8Array): boolean {
  const start = number * DIGEST_BYTES;
  return start + DIGEST_BYTES <= digests.length &&
    wanted.every((byte, n) => byte === digests[start + n]);
}
