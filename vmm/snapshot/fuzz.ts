/**
 * Loads snapshots whose files have been tampered with: each must load as it was saved, or be refused
 * with a {@link SnapshotError}.
 *
 * In half of the manifests the digest of the body is made to fit again, so that what is behind it
 * is reached. Those may load as something else, but must not fail in any other way.
 *
 * `deno run --allow-read --allow-write=/tmp vmm/snapshot/fuzz.ts --count 100000 --seed 1`
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type PageContent, RamImage } from "../../core/ram_image.ts";
import { sha256 } from "./digest.ts";
import { noisePage, plainPage, SampleNumbers, sampleRecord, sampleSnapshot } from "./samples.ts";
import { haveSameBytes } from "./saver.ts";
import { SnapshotError } from "./snapshot_error.ts";
import { SnapshotStore } from "./store.ts";

const IMAGE_PAGES = 1024;
/** Where manifest_file.ts puts the digest of the body, and the body. */
const DIGEST_AT = 25;
const BODY_AT = 62;

/** Bytes that mean much in CBOR, in lengths and in digests. */
const TELLING_BYTES = [
  0,
  1,
  0x18,
  0x1b,
  0x5a,
  0x5b,
  0x7b,
  0x9b,
  0xbb,
  0xc2,
  0xd9,
  0xdf,
  0xfb,
  0xff,
];

/** How often each thing came of it. */
export interface FuzzResult {
  readonly loaded: number;
  /** By the error's reason. */
  readonly refused: { readonly [reason: string]: number };
}

/**
 * Loads `count` tampered files.
 *
 * @throws {Error} if one is neither refused nor loaded as it was saved
 */
export async function fuzzStore(seed: number, count: number): Promise<FuzzResult> {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  try {
    const images = await makeStore(directory);
    const files = ["manifests", "packs"].flatMap((folder) =>
      [...Deno.readDirSync(`${directory}/${folder}`)].map(({ name }) =>
        `${directory}/${folder}/${name}`
      ).sort()
    );
    const originals = new Map(files.map((file) => [file, Deno.readFileSync(file)]));
    const numbers = new SampleNumbers(seed);
    const refused: { [reason: string]: number } = {};
    let loaded = 0;
    for (let n = 0; n < count; n++) {
      const file = files[n % files.length] as string;
      const bytes = mutate(originals.get(file) as Uint8Array, numbers);
      const isResealed = file.endsWith(".cbor") && numbers.below(2) === 0 && bytes.length > BODY_AT;
      if (isResealed) bytes.set(sha256(bytes.subarray(BODY_AT)), DIGEST_AT);
      Deno.writeFileSync(file, bytes);
      const store = SnapshotStore.open(directory);
      store.records();
      for (const [key, image] of images) {
        const reason = tryLoad(store, key, isResealed ? undefined : image, `seed ${seed}, ${n}`);
        if (reason === undefined) loaded++;
        else refused[reason] = (refused[reason] ?? 0) + 1;
      }
      store.close();
      Deno.writeFileSync(file, originals.get(file) as Uint8Array);
    }
    return { loaded, refused };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** A snapshot and one on it; answers their images by key. */
async function makeStore(directory: string): Promise<Map<string, RamImage>> {
  const store = SnapshotStore.open(directory);
  const pages: [number, PageContent][] = [];
  for (let n = 0; n < 40; n++) pages.push([n * 5, n % 4 === 0 ? noisePage(n) : plainPage(n)]);
  const below = RamImage.zeros(IMAGE_PAGES).with(pages);
  const parent = await store.save(sampleRecord("below"), sampleSnapshot(below));
  const above = below.with([[3, noisePage(100)], [5, undefined], [1023, plainPage(200)]]);
  const child = await store.save(sampleRecord("above", parent.key), sampleSnapshot(above));
  store.close();
  return new Map([[parent.key, below], [child.key, above]]);
}

/** The reason why it was refused; undefined if it was loaded. */
function tryLoad(
  store: SnapshotStore,
  key: string,
  image: RamImage | undefined,
  what: string,
): string | undefined {
  try {
    const ram = store.load(key)?.snapshot.ram;
    if (ram === undefined) throw new Error("it is not found");
    if (image === undefined) { for (const [, content] of ram.pages()) content.bytes(); }
    else if (!haveSameBytes(ram, image)) throw new Error("it is not what was saved");
    return undefined;
  } catch (error) {
    if (error instanceof SnapshotError) return error.reason;
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

/** A copy with some bytes changed, left out, put in or cut off. */
export function mutate(original: Uint8Array, numbers: SampleNumbers): Uint8Array<ArrayBuffer> {
  let bytes = original.slice();
  for (let times = 1 + numbers.below(3); times > 0 && bytes.length > 0; times--) {
    // Mostly at the beginning, where there is more structure.
    const at = numbers.below(numbers.below(2) === 0 ? Math.min(bytes.length, 600) : bytes.length);
    switch (numbers.below(7)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ 1 << numbers.below(8);
        break;
      case 1:
        bytes[at] = TELLING_BYTES[numbers.below(TELLING_BYTES.length)] as number;
        break;
      case 2:
        bytes[at] = numbers.below(256);
        break;
      case 3:
        bytes.fill(0xff, at, at + 1 + numbers.below(8));
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5:
        bytes.copyWithin(at, numbers.below(bytes.length), at + numbers.below(64));
        break;
      default: {
        const longer = new Uint8Array(bytes.length + 1 + numbers.below(16));
        longer.set(bytes.subarray(0, at));
        longer.set(bytes.subarray(at), longer.length - bytes.length + at);
        bytes = longer;
      }
    }
  }
  return bytes;
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    string: ["count", "seed"],
    default: { count: "100000", seed: "1" },
  });
  const { loaded, refused } = await fuzzStore(Number(options.seed), Number(options.count));
  console.log(`${options.count} tampered files: loaded ${loaded}, refused`, refused);
}
