/**
 * `node:zlib`, loaded when first used.
 *
 * The first module of `node:` makes Deno set up all of its Node compatibility: 20 ms, more than Deno itself
 * needs to start, and most machines boot from files that are not compressed.
 *
 * @module
 */

/** The module. */
export function nodeZlib(): typeof import("node:zlib") {
  // deno-lint-ignore no-process-global -- an import is what this avoids
  return process.getBuiltinModule("node:zlib");
}
