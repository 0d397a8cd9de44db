// docs/snapshot.cddl is what is written: real files are as it says, and it lets nothing else pass.

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { StateValue } from "../../core/device.ts";
import { exportBundle } from "./bundle_export.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { type CddlType, parseCddl } from "./cddl_parser_testing.ts";
import { CddlMismatch, checkCddl } from "./cddl_testing.ts";
import { sha256 } from "./digest.ts";
import { writeRealStore } from "./real_store_testing.ts";
import { SnapshotStore } from "./store.ts";

const SCHEMA = Deno.readTextFileSync(new URL("../../docs/snapshot.cddl", import.meta.url));
const DOCUMENT = Deno.readTextFileSync(new URL("../../docs/snapshot-format.md", import.meta.url));
const BODY_AT = 62;
const BUNDLE_INDEX_AT = 56;

type Fields = { readonly [name: string]: StateValue };

const rules = parseCddl(SCHEMA, ["bundle-index"]);

interface RealFiles {
  /** The lower layer first. */
  readonly manifests: readonly [Uint8Array, Uint8Array];
  readonly bundleIndex: Uint8Array;
}

/** Files that a machine wrote. */
async function realFiles(): Promise<RealFiles> {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  try {
    const [below, above] = await writeRealStore(directory);
    const manifest = (key: string) => Deno.readFileSync(`${directory}/manifests/${key}.cbor`);
    const store = SnapshotStore.open(directory);
    exportBundle(store, above.key, `${directory}/bundle`);
    store.close();
    const bundle = Deno.readFileSync(`${directory}/bundle`);
    const indexBytes = new DataView(bundle.buffer).getUint32(20, true);
    return {
      manifests: [manifest(below.key), manifest(above.key)],
      bundleIndex: bundle.subarray(BUNDLE_INDEX_AT, BUNDLE_INDEX_AT + indexBytes),
    };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** A manifest file with another body. */
function withBody(file: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BODY_AT + body.length);
  bytes.set(file.subarray(0, BODY_AT));
  bytes.set(sha256(body), 25);
  new DataView(bytes.buffer).setUint32(BODY_AT - 4, body.length);
  bytes.set(body, BODY_AT);
  return bytes;
}

Deno.test("files that a machine wrote are as the schema says", async () => {
  const { manifests, bundleIndex } = await realFiles();
  for (const file of manifests) {
    checkCddl(rules, file);
    checkCddl(rules, withBody(file, encodeCbor(decodeCbor(file.subarray(BODY_AT)))));
  }
  checkCddl(rules, bundleIndex, "bundle-index");
});

/** What may be left out, and where there may be more, without the schema's minding. */
const OPTIONAL = /(^|\.)(record\.parent|ram\.base|record\.material\..*)$/;
const OPEN = /(^|\.)record\.material$/;

Deno.test("the schema refuses every field too many, missing, or of another type", async () => {
  const { manifests: [, file], bundleIndex } = await realFiles();
  const expectRefusal = (bytes: Uint8Array, what: string, rule?: string) =>
    assertThrows(() => checkCddl(rules, bytes, rule), CddlMismatch, undefined, `${what} passes`);
  let count = 0;
  for (const { what, value } of changes(decodeCbor(file.subarray(BODY_AT)), "")) {
    expectRefusal(withBody(file, encodeCbor(value)), what);
    count++;
  }
  assert(count > 500, `${count}`);
  // Records and machines have just been seen.
  for (const { what, value } of changes(decodeCbor(bundleIndex), "")) {
    if (/\.(record|machine)\./.test(what)) continue;
    expectRefusal(encodeCbor(value), what, "bundle-index");
  }
});

/** The value with one thing changed that makes it wrong, for each thing and each way. */
function* changes(
  value: StateValue,
  path: string,
): Generator<{ readonly what: string; readonly value: StateValue }> {
  yield { what: `${path} of another type`, value: otherType(value) };
  if (Array.isArray(value)) {
    if (value.length === 0) return;
    for (const change of changes(value[0], `${path}[0]`)) {
      yield { ...change, value: value.with(0, change.value) };
    }
  } else if (typeof value === "object" && !(value instanceof Uint8Array)) {
    const fields = value as Fields;
    if (!OPEN.test(path)) yield { what: `${path}.surplus`, value: { ...fields, surplus: 1 } };
    for (const [name, field] of Object.entries(fields)) {
      const at = path === "" ? name : `${path}.${name}`;
      const { [name]: _, ...rest } = fields;
      if (!OPTIONAL.test(at)) yield { what: `no ${at}`, value: rest };
      for (const change of changes(field, at)) {
        yield { ...change, value: { ...fields, [name]: change.value } };
      }
    }
  }
}

function otherType(value: StateValue): StateValue {
  if (typeof value === "bigint") return Number(value & 0xffffn);
  if (typeof value === "number") return BigInt(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return [...value.subarray(0, 8)];
  return Array.isArray(value) ? { ...value } : Object.values(value);
}

Deno.test("the schema refuses numbers out of range, and files of another kind", async () => {
  const { manifests: [file] } = await realFiles();
  const manifest = decodeCbor(file.subarray(BODY_AT)) as unknown as {
    machine: { shape: Fields; virtualNs: number; components: Record<string, { fields: Fields }> };
  };
  const { machine } = manifest;
  const { components } = machine;
  const refused = (changed: unknown, message: string) => {
    const body = encodeCbor({ ...manifest, machine: changed } as StateValue);
    assertThrows(() => checkCddl(rules, withBody(file, body)), CddlMismatch, message);
  };
  refused({ ...machine, shape: { ...machine.shape, harts: 9 } }, "harts is 9, not from 1 to 8");
  refused({ ...machine, virtualNs: 2 ** 53 }, "virtualNs is the float 9007199254740992");
  refused({ ...machine, virtualNs: -1 }, "virtualNs is -1");
  const { harts, ...others } = components;
  refused({ ...machine, components: others }, "components.harts is missing");
  refused({ ...machine, components: { ...components, gpio: harts } }, "gpio is not in the schema");
  const newer = { ...components, harts: { ...harts, version: 2 } };
  refused({ ...machine, components: newer }, "harts.version is 2, not 1");

  const changed = (at: number, byte: number) => {
    const copy = file.slice();
    copy[at] = byte;
    return () => checkCddl(rules, copy);
  };
  assertThrows(changed(2, 0xf8), CddlMismatch, "tag 55800");
  assertThrows(changed(3, 0x85), SyntaxError);
  assertThrows(changed(5, 0x48), CddlMismatch, '"Himawari-snapshot"');
  assertThrows(changed(22, 2), CddlMismatch, "is 2, not 1");
  assertThrows(changed(BODY_AT, 0xa2), SyntaxError);
});

Deno.test("the document names every field and kind of the schema", () => {
  const named = new Set([...DOCUMENT.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!));
  // `x1` to `x31` names those in between.
  for (const [, stem, first, last] of DOCUMENT.matchAll(/`([a-z]+)(\d+)`\s+to\s+`\1(\d+)`/g)) {
    for (let n = Number(first); n <= Number(last); n++) named.add(`${stem}${n}`);
  }
  const missing = [...rules].flatMap(([rule, type]) =>
    [...namesIn(type)].filter((name) => !named.has(name)).map((name) => `${rule}: ${name}`)
  );
  assertEquals(missing, []);
});

/** Keys of maps, and texts that fields may have. */
function* namesIn(type: CddlType): Generator<string> {
  switch (type.is) {
    case "map":
      for (const { key, type: each } of type.members) {
        if (key?.is === "literal" && typeof key.value === "string") yield key.value;
        yield* namesIn(each);
      }
      break;
    case "array":
      for (const member of type.members) yield* namesIn(member.type);
      break;
    case "choice":
      for (const each of type.of) yield* namesIn(each);
      break;
    case "tag":
      yield* namesIn(type.of);
      break;
    case "control":
      yield* namesIn(type.target);
      break;
    case "literal":
      if (typeof type.value === "string" && type.value !== "") yield type.value;
  }
}
