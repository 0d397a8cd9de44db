/**
 * Checks CBOR against a CDDL schema (RFC 8610), as far as `cddl_parser_testing.ts` reads it. Maps are
 * closed: what the schema does not name is refused.
 *
 * @module
 */

import { type CborItem, readCborItem } from "./cbor_items_testing.ts";
import { type CddlMember, type CddlRules, type CddlType, Float } from "./cddl_parser_testing.ts";

/** CBOR that is not what the schema says; the message names the place and what should be there. */
export class CddlMismatch extends Error {
  override readonly name = "CddlMismatch";
}

/**
 * Checks that bytes are one item of a rule: the first one, unless told otherwise.
 *
 * @throws {CddlMismatch} if they are not
 * @throws {SyntaxError} if they are not well-formed CBOR
 *
 * @example
 * ```ts ignore
 * checkCddl(parseCddl("point = [2*2 0..9]"), Uint8Array.of(0x82, 0x03, 0x07));
 * ```
 */
export function checkCddl(
  rules: CddlRules,
  bytes: Uint8Array,
  rule: string = rules.keys().next().value!,
): void {
  new Checker(rules).check({ is: "name", name: rule }, readCborItem(bytes), rule);
}

class Checker {
  readonly #rules: CddlRules;

  constructor(rules: CddlRules) {
    this.#rules = rules;
  }

  check(type: CddlType, item: CborItem, path: string): void {
    switch (type.is) {
      case "name": {
        const rule = this.#rules.get(type.name);
        if (rule !== undefined) return this.check(rule, item, path);
        return require(isOfPrelude(type.name, item), path, type.name, item);
      }
      case "literal":
        return require(isLiteral(type.value, item), path, show(type.value), item);
      case "range":
        return require(
          isWithin(type.low, type.high, item),
          path,
          `from ${show(type.low)} to ${show(type.high)}`,
          item,
        );
      case "choice":
        return this.#choice(type.of, item, path);
      case "tag":
        if (item.type !== "tag" || item.number !== type.number) {
          return require(false, path, `of tag ${type.number}`, item);
        }
        return this.check(type.of, item.item, path);
      case "array":
        if (item.type !== "array") return require(false, path, "an array", item);
        return this.#array(type.members, item.items, path);
      case "map":
        if (item.type !== "map") return require(false, path, "a map", item);
        return this.#map(type.members, item.entries, path);
      case "control":
        this.check(type.target, item, path);
        return this.#control(type.operator, type.argument, item, path);
    }
  }

  #choice(types: readonly CddlType[], item: CborItem, path: string): void {
    const refusals: string[] = [];
    for (const type of types) {
      const refusal = this.#refusal(type, item, path);
      if (refusal === undefined) return;
      refusals.push(refusal.message);
    }
    throw new CddlMismatch(refusals.join(", and "));
  }

  /** Members take what they can in order, as in a parsing expression grammar (RFC 8610, appendix A). */
  #array(members: readonly CddlMember[], items: readonly CborItem[], path: string): void {
    let at = 0;
    let refusal: CddlMismatch | undefined;
    for (const { least, most, type } of members) {
      let count = 0;
      for (; count < most && at < items.length; count++, at++) {
        refusal = this.#refusal(type, items[at]!, `${path}[${at}]`);
        if (refusal !== undefined) break;
      }
      if (count < least) {
        throw refusal ?? new CddlMismatch(`${path} has ${items.length} items: too few`);
      }
    }
    if (at < items.length) {
      throw refusal ?? new CddlMismatch(`${path} has ${items.length} items: too many`);
    }
  }

  #map(
    members: readonly CddlMember[],
    entries: readonly (readonly [key: CborItem, CborItem])[],
    path: string,
  ): void {
    const left = new Map<string, CborItem>();
    for (const [key, value] of entries) {
      if (key.type !== "text") throw new CddlMismatch(`${path} has a key that is not text`);
      if (left.has(key.value)) throw new CddlMismatch(`${path}.${key.value} is there twice`);
      left.set(key.value, value);
    }
    const open: CddlMember[] = [];
    for (const member of members) {
      const { key, least, type } = member;
      if (key?.is !== "literal" || typeof key.value !== "string") {
        open.push(member);
        continue;
      }
      const value = left.get(key.value);
      left.delete(key.value);
      if (value !== undefined) this.check(type, value, `${path}.${key.value}`);
      else if (least > 0) throw new CddlMismatch(`${path}.${key.value} is missing`);
    }
    for (const [name, value] of left) {
      const key: CborItem = { type: "text", value: name };
      const member = open.find((each) => this.#refusal(each.key!, key, "key") === undefined);
      if (member === undefined) throw new CddlMismatch(`${path}.${name} is not in the schema`);
      this.check(member.type, value, `${path}.${name}`);
    }
  }

  /** Why an item is not of a type. */
  #refusal(type: CddlType, item: CborItem, path: string): CddlMismatch | undefined {
    try {
      this.check(type, item, path);
      return undefined;
    } catch (error) {
      if (error instanceof CddlMismatch) return error;
      throw error;
    }
  }

  #control(operator: string, argument: CddlType, item: CborItem, path: string): void {
    if (operator === ".size" && (item.type === "bytes" || item.type === "text")) {
      const { length } = item.type === "bytes" ? item.value : new TextEncoder().encode(item.value);
      return this.check(argument, { type: "int", value: BigInt(length) }, `size of ${path}`);
    }
    if (operator === ".cbor" && item.type === "bytes") {
      return this.check(argument, readCborItem(item.value), path);
    }
    const pattern = argument.is === "literal" ? argument.value : undefined;
    if (operator === ".regexp" && item.type === "text" && typeof pattern === "string") {
      const isMatch = new RegExp(`^(?:${pattern})$`, "u").test(item.value);
      return require(isMatch, path, `as ${pattern}`, item);
    }
    throw new SyntaxError(`${operator} does not go with what stands beside it`);
  }
}

function require(isMet: boolean, path: string, wanted: string, item: CborItem): void {
  if (!isMet) throw new CddlMismatch(`${path} is ${describe(item)}, not ${wanted}`);
}

function isOfPrelude(name: string, item: CborItem): boolean {
  switch (name) {
    case "uint":
      return item.type === "int" && item.value >= 0n;
    case "bytes":
    case "bstr":
      return item.type === "bytes";
    case "text":
    case "tstr":
      return item.type === "text";
    case "float64":
      return item.type === "float" && item.sizeBytes === 8;
    default:
      return item.type === name;
  }
}

function isLiteral(wanted: string | bigint | Float, item: CborItem): boolean {
  if (wanted instanceof Float) return item.type === "float" && item.value === wanted.value;
  return (item.type === "int" || item.type === "text") && item.value === wanted;
}

function isWithin(low: bigint | Float, high: bigint | Float, item: CborItem): boolean {
  if (low instanceof Float && high instanceof Float) {
    return item.type === "float" && item.value >= low.value && item.value <= high.value;
  }
  return item.type === "int" && item.value >= (low as bigint) && item.value <= (high as bigint);
}

function show(value: string | bigint | Float): string {
  if (value instanceof Float) return value.value.toFixed(1);
  return typeof value === "string" ? JSON.stringify(value) : `${value}`;
}

function describe(item: CborItem): string {
  switch (item.type) {
    case "int":
      return `${item.value}`;
    case "float":
      return `the float ${item.value}`;
    case "bool":
      return `${item.value}`;
    case "text":
      return JSON.stringify(item.value.slice(0, 40));
    case "bytes":
      return `${item.value.length} bytes`;
    case "tag":
      return `something of tag ${item.number}`;
    case "array":
      return "an array";
    case "map":
      return "a map";
  }
}
