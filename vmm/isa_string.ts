/**
 * The ISA string of a machine's harts: what the device tree promises must be what the harts do.
 *
 * @module
 */

import type { OptionalExtension } from "../core/hart_array.ts";

/** Extensions that every hart has, whatever the ISA string says. */
const FIXED = [
  ..."imafdch",
  "g",
  "zicbom",
  "zicbop",
  "zicboz",
  "zicntr",
  "zicond",
  "zicsr",
  "zifencei",
  "zihintpause",
  "zihintntl",
  "zihpm",
  "zawrs",
  "zca",
  "zcd",
  "zfhmin",
  "zba",
  "zbb",
  "zbc",
  "zbs",
  "svade",
  "svinval",
  "svvptc",
] as const;

/** Extensions that a hart has if the ISA string names them. */
const OPTIONAL: readonly OptionalExtension[] = [
  "smstateen",
  "sscofpmf",
  "sstc",
  "svadu",
  "svnapot",
  "svpbmt",
];

/** Extensions without which firmware and kernel do not start. */
const REQUIRED = [..."imafdc"];

/**
 * Reads an ISA string (unprivileged ISA, "ISA Extension Naming Conventions").
 *
 * @returns the optional extensions that the harts are to have
 * @throws {SyntaxError} if it is no RV64 ISA string
 * @throws {RangeError} if it names an extension that the harts do not have
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { optionalExtensionsOf } from "./isa_string.ts";
 *
 * assertEquals(optionalExtensionsOf("rv64imafdch_zicsr_sstc_svpbmt"), ["sstc", "svpbmt"]);
 * ```
 */
export function optionalExtensionsOf(isa: string): OptionalExtension[] {
  const match = /^rv64([a-z]+)((?:_[a-z][a-z0-9]*)*)$/.exec(isa);
  if (match === null) {
    throw new SyntaxError(
      `isa: ${JSON.stringify(isa)} is no ISA string; write it as rv64imafdch_zicsr_sstc`,
    );
  }
  const names = [...match[1]!, ...match[2]!.split("_").slice(1)];
  const known = new Set<string>([...FIXED, ...OPTIONAL]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new RangeError(
      `isa: the harts do not have ${unknown.join(", ")}; they have ${[...known].join(", ")}`,
    );
  }
  const missing = names.includes("g") ? [] : REQUIRED.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new RangeError(`isa: ${missing.join(", ")} missing; every hart has rv64imafdc`);
  }
  return OPTIONAL.filter((name) => names.includes(name));
}
