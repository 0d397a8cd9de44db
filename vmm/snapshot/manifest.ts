/**
 * What a manifest says: the record, the machine but its RAM, and which chunk each page is.
 *
 * ```text
 * { "record":  { "key", "parent" unless there is none, "layer", "material", "actions", "build" },
 *   "machine": { "shape", "instructions", "virtualNs", "components" },
 *   "ram":     { "pageCount", "image", "base" if it is a difference,
 *                "pages", "pageChunks", "packs", "digests", "chunkPacks", "chunkPages" } }
 * ```
 *
 * `pages` and the arrays behind it are byte strings: 32-bit little-endian numbers, `digests` 32
 * bytes for each chunk. Page `pages[i]` holds chunk `pageChunks[i]`, or zeros; every other page is
 * the base's, or zeros if there is none. Chunk `c` is page `chunkPages[c]` of `packs[chunkPacks[c]]`.
 *
 * @module
 */

import type { SavedState, StateValue } from "../../core/device.ts";
import { DIGEST_BYTES } from "./digest.ts";
import { FieldReader } from "./fields.ts";
import { layerKey } from "./layer_key.ts";
import { PACK_MAX_PAGES } from "./pack_format.ts";
import type { SnapshotRecord } from "./record.ts";
import type { MachineShape, MachineSnapshot } from "./snapshot.ts";

/** In place of a chunk: the page holds zeros. */
export const ZERO_CHUNK = 0xffff_ffff;

/** Most pages of an image: 64 GiB of RAM. */
export const MAX_IMAGE_PAGES = 2 ** 24;

/** A pack as a manifest names it. */
export interface PackReference {
  readonly name: string;
  readonly sizeBytes: number;
}

/** RAM as a manifest has it. */
export interface PageTable {
  readonly pageCount: number;
  /** Stands for the content of all pages; see `imageDigest`. */
  readonly image: Uint8Array;
  /** The image of the parent from which this is the difference. */
  readonly base: Uint8Array | undefined;
  /** Numbers of pages, rising. */
  readonly pages: Uint32Array;
  /** Chunk of each of them, or {@link ZERO_CHUNK}. */
  readonly pageChunks: Uint32Array;
  readonly packs: readonly PackReference[];
  /** SHA-256 of each chunk. */
  readonly digests: Uint8Array;
  readonly chunkPacks: Uint32Array;
  readonly chunkPages: Uint32Array;
}

/** What a manifest says. */
export interface Manifest {
  readonly record: SnapshotRecord;
  readonly machine: Omit<MachineSnapshot, "ram">;
  readonly ram: PageTable;
}

/** As a value to encode. `record` is the first field, so that it can be read alone. */
export function manifestToValue({ record, machine, ram }: Manifest): StateValue {
  const { base } = ram;
  return {
    record: recordToValue(record),
    machine: machineToValue(machine),
    ram: {
      pageCount: ram.pageCount,
      image: ram.image,
      ...(base === undefined ? {} : { base }),
      pages: bytesOf(ram.pages),
      pageChunks: bytesOf(ram.pageChunks),
      packs: ram.packs.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
      digests: ram.digests,
      chunkPacks: bytesOf(ram.chunkPacks),
      chunkPages: bytesOf(ram.chunkPages),
    },
  };
}

/** A record as a value to encode. */
export function recordToValue({ parent, ...rest }: SnapshotRecord): StateValue {
  return parent === undefined ? rest : { ...rest, parent };
}

/** A machine as a value to encode. */
export function machineToValue(machine: Omit<MachineSnapshot, "ram">): StateValue {
  return {
    shape: { ...machine.shape },
    instructions: machine.instructions,
    virtualNs: machine.virtualNs,
    components: Object.fromEntries(
      Object.entries(machine.components).map(([name, { kind, version, fields }]) => [
        name,
        { kind, version, fields },
      ]),
    ),
  };
}

/**
 * Reads a decoded manifest. Throws as {@link recordFromValue}.
 */
export function manifestFromValue(value: StateValue): Manifest {
  const manifest = new FieldReader(value, "the manifest").only("record", "machine", "ram");
  return {
    record: recordFromValue(manifest.value("record")),
    machine: machineFromValue(manifest.value("machine")),
    ram: readPageTable(manifest.map("ram")),
  };
}

/**
 * Reads a decoded record.
 *
 * @throws {SyntaxError} if it is none or contradicts itself
 */
export function recordFromValue(value: StateValue): SnapshotRecord {
  const fields = new FieldReader(value, "record")
    .only("key", "parent", "layer", "material", "actions", "build");
  const material = fields.map("material");
  const record = {
    key: fields.hexDigest("key"),
    parent: fields.has("parent") ? fields.hexDigest("parent") : undefined,
    layer: fields.text("layer"),
    material: Object.fromEntries(material.names().map((name) => [name, material.text(name)])),
    actions: fields.array("actions"),
    build: fields.text("build"),
  };
  if (layerKey(record) !== record.key) {
    throw new SyntaxError("record.key is not that of the record");
  }
  return record;
}

/**
 * Reads a decoded machine.
 *
 * @throws {SyntaxError} if it is none
 */
export function machineFromValue(value: StateValue): Omit<MachineSnapshot, "ram"> {
  const machine = new FieldReader(value, "machine")
    .only("shape", "instructions", "virtualNs", "components");
  const components = machine.map("components");
  return {
    shape: readShape(machine.map("shape")),
    instructions: machine.integer("instructions"),
    virtualNs: machine.integer("virtualNs"),
    components: Object.fromEntries(
      components.names().map((name) => [name, readState(components.map(name))]),
    ),
  };
}

function readShape(shape: FieldReader): MachineShape {
  shape.only("harts", "memMiB", "isa");
  return {
    harts: shape.integer("harts"),
    memMiB: shape.integer("memMiB"),
    isa: shape.text("isa"),
  };
}

function readState(state: FieldReader): SavedState {
  state.only("kind", "version", "fields");
  const fields = state.map("fields");
  return {
    kind: state.text("kind"),
    version: state.integer("version"),
    fields: Object.fromEntries(fields.names().map((name) => [name, fields.value(name)])),
  };
}

function readPageTable(ram: FieldReader): PageTable {
  ram.only(
    "pageCount",
    "image",
    "base",
    "pages",
    "pageChunks",
    "packs",
    "digests",
    "chunkPacks",
    "chunkPages",
  );
  const pages = ram.words("pages");
  const chunkPacks = ram.words("chunkPacks");
  const table: PageTable = {
    pageCount: ram.integer("pageCount", MAX_IMAGE_PAGES),
    image: ram.bytes("image", DIGEST_BYTES).slice(),
    base: ram.has("base") ? ram.bytes("base", DIGEST_BYTES).slice() : undefined,
    pages,
    pageChunks: ram.words("pageChunks", pages.length),
    packs: ram.maps("packs").map((pack) => pack.only("name", "sizeBytes")).map((pack) => ({
      name: pack.hexDigest("name"),
      sizeBytes: pack.integer("sizeBytes"),
    })),
    digests: ram.bytes("digests", chunkPacks.length * DIGEST_BYTES),
    chunkPacks,
    chunkPages: ram.words("chunkPages", chunkPacks.length),
  };
  checkPageTable(table);
  return table;
}

function checkPageTable(
  { pageCount, pages, pageChunks, packs, chunkPacks, chunkPages }: PageTable,
): void {
  const chunkCount = chunkPacks.length;
  const packCount = packs.length;
  let least = 0;
  for (let n = 0; n < pages.length; n++) {
    const page = pages[n] as number;
    if (page < least || page >= pageCount) {
      throw new SyntaxError(`ram.pages: page ${page} is out of order or outside RAM`);
    }
    least = page + 1;
    const chunk = pageChunks[n] as number;
    if (chunk >= chunkCount && chunk !== ZERO_CHUNK) {
      throw new SyntaxError(`ram.pageChunks: there is no chunk ${chunk}`);
    }
  }
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    if ((chunkPacks[chunk] as number) >= packCount) {
      throw new SyntaxError(`ram.chunkPacks: there is no pack ${chunkPacks[chunk]}`);
    }
    if ((chunkPages[chunk] as number) >= PACK_MAX_PAGES) {
      throw new SyntaxError(`ram.chunkPages: no pack has a page ${chunkPages[chunk]}`);
    }
  }
}

/** The bytes of numbers, as a view. */
export function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
