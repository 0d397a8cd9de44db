/**
 * Reading decoded CBOR with its types and limits checked.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import { isHexDigest } from "./hex.ts";

type Fields = { readonly [name: string]: StateValue };

/** Typed access to the fields of a map. Everything throws a SyntaxError that names the field. */
export class FieldReader {
  readonly #fields: Fields;
  readonly #path: string;

  constructor(value: StateValue | undefined, path: string) {
    if (!isMap(value)) throw new SyntaxError(`${path} is not a map`);
    this.#fields = value;
    this.#path = path;
  }

  /** Names of all fields. */
  names(): string[] {
    return Object.keys(this.#fields);
  }

  /** Refuses fields of other names: what they mean is not known. */
  only(...names: readonly string[]): this {
    const other = this.names().find((name) => !names.includes(name));
    if (other !== undefined) throw new SyntaxError(`${this.#path}.${other} is not known`);
    return this;
  }

  /** Whether there is such a field. */
  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  /** A field of any type. */
  value(name: string): StateValue {
    if (!this.has(name)) throw new SyntaxError(`${this.#path}.${name} is missing`);
    return this.#fields[name] as StateValue;
  }

  /** A field that is a map. */
  map(name: string): FieldReader {
    return new FieldReader(this.value(name), `${this.#path}.${name}`);
  }

  /** A field that is an array. */
  array(name: string): readonly StateValue[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw this.#wrong(name, "an array");
    return value;
  }

  /** A field that is an array of maps. */
  maps(name: string): FieldReader[] {
    return this.array(name).map((item, n) => new FieldReader(item, `${this.#path}.${name}[${n}]`));
  }

  /** A field that is text. */
  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== "string") throw this.#wrong(name, "text");
    return value;
  }

  /** A field that is a digest in hex. */
  hexDigest(name: string): string {
    const value = this.value(name);
    if (!isHexDigest(value)) throw this.#wrong(name, "a digest in hex");
    return value;
  }

  /** A field that is a whole number from 0 to `max`. */
  integer(name: string, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.value(name);
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
      throw this.#wrong(name, `a whole number from 0 to ${max}`);
    }
    return value;
  }

  /** A field that is a byte string, of a length if one is given. */
  bytes(name: string, length?: number): Uint8Array {
    const value = this.value(name);
    if (!(value instanceof Uint8Array)) throw this.#wrong(name, "a byte string");
    if (length !== undefined && value.length !== length) {
      throw this.#wrong(name, `${length} bytes long`);
    }
    return value;
  }

  /** A field that is a byte string of little-endian 32-bit numbers, so many if a count is given. */
  words(name: string, count?: number): Uint32Array {
    const bytes = this.bytes(name, count === undefined ? undefined : count * 4);
    if (bytes.length % 4 !== 0) throw this.#wrong(name, "a whole number of words");
    // A copy, as the words of the file are aligned to nothing.
    return new Uint32Array(bytes.slice().buffer);
  }

  #wrong(name: string, wanted: string): SyntaxError {
    return new SyntaxError(`${this.#path}.${name} is not ${wanted}`);
  }
}

function isMap(value: StateValue | undefined): value is Fields {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array);
}
