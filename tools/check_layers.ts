/**
 * Checks that imports run downwards only: the table below says which folder may import which.
 *
 * A file belongs to the row with the longest folder that it lies in. Within a row everything may import
 * everything. Test code (tests, their helpers, the conformance engine) may import from every row below
 * its own, and nothing but test code may import test helpers. Cycles between folders are violations
 * too, imports of types alone not counted, as nothing of them is left when the program runs.
 *
 * @module
 */

/** One row of the table: what may be imported from the files of a folder. */
export interface Layer {
  /** Folder from the project's root, or a file of the root. */
  readonly path: string;
  /** Folders and files that its code may import, besides its own. */
  readonly imports: readonly string[];
  /** Files of which it may import types, and no more. */
  readonly types?: readonly string[];
  /** Beginnings of the package names that its code may import. */
  readonly packages?: readonly string[];
  /** Its tests may import no more than the rest. */
  readonly isStrict?: boolean;
}

/** Who may import whom. */
export const LAYERS: readonly Layer[] = [
  // The instruction table: nothing.
  { path: "core/isa", imports: [] },
  // AssemblyScript, compiled apart: only itself.
  { path: "core/hart", imports: [] },
  // What it needs of the hart are the layout and the functions that hart.wasm exports.
  { path: "core/jit", imports: ["core/isa"], types: ["core/hart_module.ts"] },
  { path: "core", imports: ["core/isa", "core/jit"] },
  { path: "core/conformance", imports: ["core", "core/isa"], packages: ["@std/"] },
  { path: "core/testing", imports: ["core", "core/isa", "core/conformance"] },
  // A chip knows its contract with the bus, and no more.
  { path: "devices", imports: ["core/device.ts", "core/state_fields.ts"] },
  {
    path: "vmm",
    imports: ["core", "core/isa", "core/jit", "devices"],
    packages: ["@std/", "node:zlib", "node:crypto", "cbor-x"],
  },
  { path: "fixtures", imports: ["vmm/initramfs"], packages: ["@std/", "node:"] },
  {
    path: "dsl",
    // core/isa for the disassembly of traces, deno.json for the version.
    imports: ["vmm", "fixtures", "core/isa", "deno.json"],
    // What a machine hands out to those who look inside.
    types: ["core/device.ts", "core/hart_array.ts", "devices/test_finisher.ts"],
    packages: ["@std/", "node:"],
  },
  { path: "mod.ts", imports: ["vmm", "fixtures", "dsl"] },
  // Executable specifications: what they cannot say with the public API is missing from it.
  { path: "scenarios", imports: ["mod.ts"], packages: ["@std/"], isStrict: true },
  {
    path: "bench",
    imports: ["mod.ts", "core", "core/jit", "vmm", "dsl"],
    packages: ["@std/", "node:"],
  },
  {
    path: "tools",
    imports: ["core/isa", "core/jit", "mod.ts"],
    packages: ["@std/", "assemblyscript/"],
  },
];

/** Folders of which every file is test code. */
const TEST_FOLDERS = ["core/conformance/", "core/testing/"];
/** Test code elsewhere, by its name. */
const TEST_FILE = /(_test|_testing|_test_support|\/testing|\/conformance|\/qtest)\.ts$/;
/** Packages that any test may import. */
const TEST_PACKAGES = ["@std/", "node:", "assemblyscript/"];
/** Names of the import map that stand for a file of the project. */
const ALIASES: Readonly<Record<string, string>> = { himawari: "mod.ts" };

/** One import of a file. */
export interface Import {
  readonly specifier: string;
  /** Line number, from 1. */
  readonly line: number;
  /** It imports types and leaves nothing behind when compiled. */
  readonly isTypeOnly: boolean;
}

const STATIC =
  /^(?:import|export)\s+(type\s+)?((?:[\w$]+\s*,\s*)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\}|[\w$]+))\s+from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']/gm;
const DYNAMIC = /^(?!\s*(?:\*|\/\/)).*\bimport\(\s*["']([^"']+)["']/gm;

/**
 * Finds the imports and re-exports of a module. They are recognised as `deno fmt` writes them: a
 * statement begins in the first column, which those in comments do not.
 */
export function importsOf(source: string): Import[] {
  const found: (Import & { readonly at: number })[] = [];
  const add = (at: number, specifier: string, isTypeOnly: boolean) =>
    found.push({ at, specifier, line: source.slice(0, at).split("\n").length, isTypeOnly });
  for (const match of source.matchAll(STATIC)) {
    const [, type, names, from, bare] = match;
    const isTypeOnly = type !== undefined || (names?.startsWith("{") && onlyTypes(names)) === true;
    add(match.index, (from ?? bare)!, isTypeOnly);
  }
  for (const match of source.matchAll(DYNAMIC)) add(match.index, match[1]!, false);
  return found.sort((a, b) => a.at - b.at)
    .map(({ specifier, line, isTypeOnly }) => ({ specifier, line, isTypeOnly }));
}

/** Whether every name in `{ type A, type B }` is a type. */
function onlyTypes(names: string): boolean {
  const each = names.slice(1, -1).split(",").map((name) => name.trim()).filter(Boolean);
  return each.length > 0 && each.every((name) => name.startsWith("type "));
}

/** A breach of the rules, ready to be printed. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Prints a violation as `file:line: what`. */
export function formatViolation({ file, line, message }: Violation): string {
  return `${file}:${line}: ${message}`;
}

function isWithin(path: string, folderOrFile: string): boolean {
  return path === folderOrFile || path.startsWith(`${folderOrFile}/`);
}

function layerOf(path: string, layers: readonly Layer[]): Layer | undefined {
  return layers.filter((layer) => isWithin(path, layer.path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function isTestCode(path: string): boolean {
  return TEST_FILE.test(path) || TEST_FOLDERS.some((folder) => path.startsWith(folder));
}

/** Everything below a layer, however far. */
function below(layer: Layer, layers: readonly Layer[], seen = new Set<string>()): Set<string> {
  for (const path of [...layer.imports, ...layer.types ?? []]) {
    if (seen.has(path)) continue;
    seen.add(path);
    const next = layerOf(path, layers);
    if (next !== undefined && next !== layer) {
      seen.add(next.path);
      below(next, layers, seen);
    }
  }
  return seen;
}

/** The path that a relative specifier means; AssemblyScript leaves the ending out. */
function resolve(file: string, specifier: string): string {
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0) return specifier;
      parts.pop();
    } else if (part !== ".") parts.push(part);
  }
  const path = parts.join("/");
  return /\.(ts|json|js)$/.test(path) ? path : `${path}.ts`;
}

function list(paths: readonly string[]): string {
  return paths.length === 0 ? "nothing" : paths.join(", ");
}

/** Why an import is not allowed, or undefined. */
function refusal(
  file: string,
  { specifier, isTypeOnly }: Import,
  layer: Layer,
  layers: readonly Layer[],
): string | undefined {
  const isTest = isTestCode(file) && layer.isStrict !== true;
  const alias = ALIASES[specifier];
  if (alias === undefined && !specifier.startsWith(".")) {
    const packages = [...layer.packages ?? [], ...isTest ? TEST_PACKAGES : []];
    return packages.some((name) => specifier.startsWith(name))
      ? undefined
      : `imports package ${specifier}; ${layer.path} may import packages: ${list(packages)}`;
  }
  const target = alias ?? resolve(file, specifier);
  if (isTestCode(target) && !isTest) {
    return `imports ${target}, which is test code; only test code may`;
  }
  const owner = layerOf(target, layers);
  const isAllowed = (paths: Iterable<string>) =>
    // A row for a folder stands for that folder, not for rows of its subfolders.
    [...paths].some((path) => isWithin(target, path) && (owner?.path.length ?? 0) <= path.length) ||
    [...paths].includes(owner?.path ?? target);
  if (owner === layer || isAllowed(layer.imports)) return undefined;
  if (layer.types !== undefined && isAllowed(layer.types)) {
    return isTypeOnly || isTest
      ? undefined
      : `imports ${target}, of which ${layer.path} may import types only`;
  }
  if (isTest) {
    if (isTestCode(target) && owner !== undefined && isWithin(owner.path, layer.path)) {
      return undefined;
    }
    const all = below(layer, layers);
    if (isAllowed(all)) return undefined;
    // Test helpers that live beside a layer below.
    if (isTestCode(target) && [...all].some((path) => isWithin(target, path))) return undefined;
    return `imports ${target}; tests of ${layer.path} may import what lies below: ${
      list([...all])
    }`;
  }
  return `imports ${target}; ${layer.path} may import: ${list(layer.imports)}`;
}

/**
 * Checks files against the table.
 *
 * @param files source text by path from the project's root, with `/`
 * @returns violations in the order of the files
 */
export function checkLayers(
  files: ReadonlyMap<string, string>,
  layers: readonly Layer[] = LAYERS,
): Violation[] {
  const violations: Violation[] = [];
  const edges: Edge[] = [];
  for (const [file, source] of files) {
    const layer = layerOf(file, layers);
    if (layer === undefined) {
      violations.push({ file, line: 1, message: "lies in no folder of the table of layers" });
      continue;
    }
    for (const found of importsOf(source)) {
      const message = refusal(file, found, layer, layers);
      if (message !== undefined) violations.push({ file, line: found.line, message });
      const target = ALIASES[found.specifier] ??
        (found.specifier.startsWith(".") ? resolve(file, found.specifier) : undefined);
      if (target === undefined || found.isTypeOnly || isTestCode(file)) continue;
      const [from, to] = [folderOf(file, layers), folderOf(target, layers)];
      edges.push({ file, line: found.line, from, to });
    }
  }
  return [...violations, ...findCycles(edges, layers)];
}

/** A runtime import from one folder to another. */
interface Edge {
  readonly file: string;
  readonly line: number;
  readonly from: string;
  readonly to: string;
}

/** The folder of a file; a file with a row of its own stands for itself. */
function folderOf(path: string, layers: readonly Layer[]): string {
  return layerOf(path, layers)?.path === path ? path : path.slice(0, path.lastIndexOf("/"));
}

/** Subfolders of a layer are its parts: going down into one and back is no cycle. */
function isWithinOneLayer({ from, to }: Edge, layers: readonly Layer[]): boolean {
  return layerOf(from, layers) === layerOf(to, layers) &&
    (isWithin(from, to) || isWithin(to, from));
}

/** Reports each cycle of folders once, at the import that closes it. */
function findCycles(edges: readonly Edge[], layers: readonly Layer[]): Violation[] {
  const next = new Map<string, Edge[]>();
  for (const edge of edges) {
    if (edge.from === edge.to || isWithinOneLayer(edge, layers)) continue;
    next.set(edge.from, [...next.get(edge.from) ?? [], edge]);
  }
  const violations: Violation[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (folder: string): void => {
    path.push(folder);
    for (const edge of next.get(folder) ?? []) {
      const start = path.indexOf(edge.to);
      if (start >= 0) {
        const cycle = [...path.slice(start), edge.to].join(" -> ");
        if (violations.some(({ message }) => message.endsWith(cycle))) continue;
        violations.push({ file: edge.file, line: edge.line, message: `closes a cycle: ${cycle}` });
      } else if (!done.has(edge.to)) visit(edge.to);
    }
    path.pop();
    done.add(folder);
  };
  for (const folder of next.keys()) if (!done.has(folder)) visit(folder);
  return violations;
}

const SKIPPED = new Set(["node_modules", "coverage"]);

/** Reads every TypeScript file below a folder; hidden folders are left out. */
export async function readTree(root: URL): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const walk = async (folder: string): Promise<void> => {
    const entries = await Array.fromAsync(Deno.readDir(new URL(folder, root)));
    for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
      if (name.startsWith(".") || SKIPPED.has(name)) continue;
      const path = `${folder}${name}`;
      if (isDirectory) await walk(`${path}/`);
      else if (name.endsWith(".ts")) {
        files.set(path.slice(2), await Deno.readTextFile(new URL(path, root)));
      }
    }
  };
  await walk("./");
  return files;
}

if (import.meta.main) {
  const files = await readTree(new URL("../", import.meta.url));
  const violations = checkLayers(files);
  for (const violation of violations) console.error(formatViolation(violation));
  if (violations.length > 0) Deno.exit(1);
  console.log(`Imports of ${files.size} files run downwards only`);
}
