/**
 * Saved states that somebody tampered with.
 *
 * @module
 */

import type { Random } from "../conformance/random.ts";
import type { SavedState, StateValue } from "../device.ts";

/** A state with one thing changed. */
export interface Mutation {
  /** What was changed and how. */
  readonly what: string;
  readonly state: SavedState;
}

type Path = readonly (string | number)[];
type Tree = { readonly [name: string]: unknown } | readonly unknown[];

const UNKNOWN = "surprise";
const WRONG_TYPES: readonly unknown[] = [
  undefined,
  null,
  true,
  7,
  7n,
  "7",
  [],
  {},
  new Uint8Array(3),
  new Float64Array(2),
  () => 7,
];

/**
 * States that no reader may accept: each field missing, of each wrong type, negative, no whole number or
 * beyond what any field holds; records with a field more; another kind and other versions.
 */
export function* wrongStates(state: SavedState): Generator<Mutation> {
  for (const wrong of [undefined, null, 7, "state", [], {}, new Uint8Array(3)]) {
    yield { what: `the state is ${show(wrong)}`, state: wrong as unknown as SavedState };
  }
  yield { what: "another kind", state: { ...state, kind: `${state.kind}s` } };
  for (const version of [0, state.version + 1, 99, -1, 1.5, NaN, "1", undefined]) {
    yield { what: `version ${version}`, state: { ...state, version: version as number } };
  }
  for (const fields of [undefined, null, 7, [], new Uint8Array(3)]) {
    yield { what: `fields are ${show(fields)}`, state: { ...state, fields } as never };
  }
  for (const path of paths(state.fields)) {
    const value = at(state.fields, path);
    const make = (what: string, replacement: unknown): Mutation => ({
      what: `${path.join(".")} ${what}`,
      state: { ...state, fields: replaced(state.fields, path, replacement) as never },
    });
    for (const wrong of WRONG_TYPES) {
      if (typeOf(wrong) !== typeOf(value)) yield make(`is ${show(wrong)}`, wrong);
    }
    if (typeof value === "number") {
      for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53]) yield make(`is ${wrong}`, wrong);
    }
    if (typeof value === "bigint") {
      for (const wrong of [-1n, 1n << 64n]) yield make(`is ${wrong}n`, wrong);
    }
    if (isRecord(value)) yield make("has a field more", { ...value, [UNKNOWN]: 1 });
    const last = path.at(-1)!;
    if (typeof last === "string") {
      const parent = { ...(at(state.fields, path.slice(0, -1)) as object) } as never;
      delete parent[last];
      yield {
        what: `${path.join(".")} is missing`,
        state: { ...state, fields: replaced(state.fields, path.slice(0, -1), parent) as never },
      };
    }
  }
  yield { what: "a field more", state: { ...state, fields: { ...state.fields, [UNKNOWN]: 1 } } };
}

/** A state with some values changed to others of their type; a reader may accept it or not. */
export function randomState(random: Random, state: SavedState): SavedState {
  const all = [...paths(state.fields)].filter((path) => !isTree(at(state.fields, path)));
  let fields: unknown = state.fields;
  for (let n = 1 + random.below(4); n > 0 && all.length > 0; n--) {
    const path = random.pick(all);
    fields = replaced(fields, path, randomValue(random, at(fields, path) as StateValue));
  }
  return { ...state, fields: fields as SavedState["fields"] };
}

function randomValue(random: Random, value: StateValue): StateValue {
  switch (typeof value) {
    case "number":
      return random.pick([
        0,
        1,
        value + 1,
        Math.max(0, value - 1),
        value ^ (1 << random.below(31)) & 0x7fff_ffff,
        random.u32(),
        0xffff_ffff,
        Number.MAX_SAFE_INTEGER,
      ]);
    case "bigint":
      return random.pick([
        0n,
        random.u64(),
        value ^ (1n << BigInt(random.below(64))),
        (1n << 64n) - 1n,
        1n << BigInt(random.below(64)),
      ]);
    case "boolean":
      return !value;
    case "string":
      return random.pick(["", value + "x", "pass", "reset"]);
  }
  const bytes = (value as Uint8Array).slice();
  if (random.chance(0.1)) return bytes.slice(0, random.below(bytes.length + 1));
  for (let n = 1 + random.below(8); n > 0 && bytes.length > 0; n--) {
    bytes[random.below(bytes.length)] = random.chance(0.5) ? random.u32() & 0xff : 0xff;
  }
  return bytes;
}

/** Every value in a tree by its path, branches too. Of longer arrays the first, second and last are enough. */
function* paths(tree: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (Array.isArray(tree)) {
    const picked = new Set([0, 1, tree.length - 1].filter((n) => n >= 0 && n < tree.length));
    for (const index of picked) yield* paths(tree[index], [...path, index]);
  } else if (isRecord(tree)) {
    for (const [name, value] of Object.entries(tree)) yield* paths(value, [...path, name]);
  }
}

function at(tree: unknown, path: Path): unknown {
  return path.reduce((branch, step) => (branch as Record<string | number, unknown>)[step], tree);
}

/** A copy with something else at a path. */
function replaced(tree: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  const copy = (Array.isArray(tree) ? [...tree] : { ...(tree as object) }) as Record<
    string | number,
    unknown
  >;
  copy[step] = replaced(copy[step], rest, value);
  return copy;
}

function isTree(value: unknown): value is Tree {
  return Array.isArray(value) || isRecord(value);
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !ArrayBuffer.isView(value);
}

function typeOf(value: unknown): string {
  if (value instanceof Uint8Array) return "bytes";
  return Array.isArray(value) ? "array" : isRecord(value) ? "record" : typeof value;
}

function show(value: unknown): string {
  return typeof value === "function" ? "a function" : `${value} (${typeOf(value)})`;
}
