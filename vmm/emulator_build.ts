/**
 * Which emulator this is: a snapshot of one is none of another.
 *
 * @module
 */

import { sha256Hex } from "./snapshot/digest.ts";

/** Folders whose programs decide what a machine does, and what it boots by default. */
const FOLDERS = ["core", "devices", "vmm", "fixtures"];
const LEFT_OUT =
  /(_test|_testing|_test_support)\.ts$|\/(testing|conformance|hart|lkvm|artefacts|build)\//;

let known: string | undefined;

/**
 * A digest of the emulator's programs: another one whenever any of them is edited.
 *
 * Needs permission to read them. Where they do not lie in a file system, it is `version`.
 */
export function emulatorBuild(version: string): string {
  return known ??= import.meta.url.startsWith("file:") ? digestOfPrograms() : version;
}

function digestOfPrograms(): string {
  const root = new URL("../", import.meta.url);
  const files = [...FOLDERS.flatMap((folder) => [...programsIn(new URL(`${folder}/`, root))])];
  files.push(new URL("core/hart.wasm", root));
  const digests = files.map((file) =>
    `${file.href.slice(root.href.length)} ${sha256Hex(Deno.readFileSync(file))}\n`
  );
  return sha256Hex(new TextEncoder().encode(digests.sort().join("")));
}

function* programsIn(folder: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (LEFT_OUT.test(url.pathname)) continue;
    if (isDirectory) yield* programsIn(url);
    else if (name.endsWith(".ts")) yield url;
  }
}
