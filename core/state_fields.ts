/**
 * Reading a saved state with its limits checked.
 *
 * A snapshot file is hostile input, so `restore` of every device reads each field through
 * {@link StateFields} into locals first, calls {@link StateFields.finish}, and only then assigns:
 * a state that does not fit changes nothing. Every error names the component and the field.
 *
 * @module
 */

import type { SavedState, StateValue } from "./device.ts";

/** Largest unsigned 64-bit value, the usual limit of {@link StateFields.bigint}. */
export const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

type Fields = { readonly [field: string]: StateValue };

/** Typed, checked access to the fields of one saved state; each read marks its field as known. */
export class StateFields {
  readonly #owner: string;
  readonly #path: string;
  readonly #fields: Fields;
  readonly #known = new Set<string>();
  readonly #nested: StateFields[] = [];

  private constructor(owner: string, path: string, fields: Fields) {
    this.#owner = owner;
    this.#path = path;
    this.#fields = fields;
  }

  /**
   * Opens `state` as one of `kind` and `version`.
   *
   * @throws {TypeError} if the kind differs or there is no record of fields
   * @throws {RangeError} if the version differs
   */
  static open(state: SavedState, kind: string, version: number): StateFields {
    if (!isRecord(state)) throw new TypeError(`Cannot restore ${kind}: the state is not a record`);
    if (state.kind !== kind) {
      throw new TypeError(`Cannot restore ${kind}: the state is of kind ${show(state.kind)}`);
    }
    if (state.version !== version) {
      throw new RangeError(
        `Cannot restore ${kind}: the state has version ${show(state.version)}, known is ${version}`,
      );
    }
    if (!isRecord(state.fields)) {
      throw new TypeError(`Cannot restore ${kind}: "fields" is not a record`);
    }
    return new StateFields(kind, "", state.fields);
  }

  /** A field that is `true` or `false`. */
  boolean(name: string): boolean {
    const value = this.#take(name);
    if (typeof value !== "boolean") throw this.#wrongType(name, value, "a boolean");
    return value;
  }

  /** A field that is a whole number from 0 to `max`. */
  integer(name: string, max: number): number {
    return this.#checkInteger(name, this.#take(name), max);
  }

  /** A field that is a bigint from 0 to `max`. */
  bigint(name: string, max: bigint = UINT64_MAX): bigint {
    const value = this.#take(name);
    if (typeof value !== "bigint") throw this.#wrongType(name, value, "a bigint");
    if (value < 0n || value > max) throw this.#outOfRange(name, value, `0 to ${max}`);
    return value;
  }

  /** A field of bytes, `length` of them or up to `length.atMost`; they are not copied. */
  bytes(name: string, length: number | { readonly atMost: number }): Uint8Array {
    const value = this.#take(name);
    if (!(value instanceof Uint8Array)) throw this.#wrongType(name, value, "bytes");
    const fits = typeof length === "number"
      ? value.length === length
      : value.length <= length.atMost;
    if (!fits) {
      const wanted = typeof length === "number" ? `${length}` : `at most ${length.atMost}`;
      this.reject(name, `has ${value.length} bytes, must have ${wanted}`);
    }
    return value;
  }

  /** A field of text, at most so many UTF-16 code units long. */
  text(name: string, atMost: number): string {
    const value = this.#take(name);
    if (typeof value !== "string") throw this.#wrongType(name, value, "text");
    if (value.length > atMost) {
      this.reject(name, `has ${value.length} characters, must have at most ${atMost}`);
    }
    return value;
  }

  /** A field that is an array of `length` (or of up to `length.atMost`) numbers from 0 to `max`. */
  integers(name: string, length: number | { readonly atMost: number }, max: number): number[] {
    const value = this.#takeArray(name, length);
    return value.map((item, index) => this.#checkInteger(`${name}[${index}]`, item, max));
  }

  /** A field that is an array of `length` (or of up to `length.atMost`) records, each to be read through its own fields. */
  records(name: string, length: number | { readonly atMost: number }): StateFields[] {
    const value = this.#takeArray(name, length);
    return value.map((item, index) => {
      if (!isRecord(item)) throw this.#wrongType(`${name}[${index}]`, item, "a record");
      const path = `${this.#path}${name}[${index}].`;
      const nested = new StateFields(this.#owner, path, item as Fields);
      this.#nested.push(nested);
      return nested;
    });
  }

  /** Refuses a value that is well-formed alone but contradicts another field. */
  reject(name: string, reason: string): never {
    throw new RangeError(`Cannot restore ${this.#owner}: field "${this.#path}${name}" ${reason}`);
  }

  /**
   * Ends the reading.
   *
   * @throws {TypeError} if a field was there that nobody asked for
   */
  finish(): void {
    for (const name of Object.keys(this.#fields)) {
      if (!this.#known.has(name)) {
        throw new TypeError(
          `Cannot restore ${this.#owner}: field "${this.#path}${name}" is not known`,
        );
      }
    }
    for (const nested of this.#nested) nested.finish();
  }

  #take(name: string): unknown {
    this.#known.add(name);
    if (!Object.hasOwn(this.#fields, name)) {
      throw new TypeError(`Cannot restore ${this.#owner}: field "${this.#path}${name}" is missing`);
    }
    return this.#fields[name];
  }

  #takeArray(name: string, length: number | { readonly atMost: number }): unknown[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) throw this.#wrongType(name, value, "an array");
    const fits = typeof length === "number"
      ? value.length === length
      : value.length <= length.atMost;
    if (!fits) {
      const wanted = typeof length === "number" ? `${length}` : `at most ${length.atMost}`;
      this.reject(name, `has ${value.length} entries, must have ${wanted}`);
    }
    return value;
  }

  #checkInteger(name: string, value: unknown, max: number): number {
    if (typeof value !== "number") throw this.#wrongType(name, value, "a number");
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw this.#outOfRange(name, value, `a whole number from 0 to ${max}`);
    }
    return value;
  }

  #wrongType(name: string, value: unknown, wanted: string): TypeError {
    const path = `${this.#path}${name}`;
    return new TypeError(
      `Cannot restore ${this.#owner}: field "${path}" is ${show(value)}, must be ${wanted}`,
    );
  }

  #outOfRange(name: string, value: unknown, wanted: string): RangeError {
    const path = `${this.#path}${name}`;
    return new RangeError(
      `Cannot restore ${this.#owner}: field "${path}" is ${show(value)}, must be ${wanted}`,
    );
  }
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !ArrayBuffer.isView(value);
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
