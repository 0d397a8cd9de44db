/**
 * Values of saved states as CBOR (RFC 8949), without any of cbor-x's own extensions, so that anyone
 * can write a reader.
 *
 * An unsigned 64-bit number (`bigint`) is tag 2 with always eight bytes, however small it is: it
 * comes back as a `bigint`, and a `number` as a `number`. Whole numbers are integers, whatever their size.
 *
 * @module
 */

// The package's main module looks at the environment, for which there is no permission.
import { Encoder, Tag } from "cbor-x/encode";
import type { StateValue } from "../../core/device.ts";
import { scanCbor } from "./cbor_scan.ts";

const TAG_BIGNUM = 2;
const UINT64_LIMIT = 1n << 64n;

// A variable, as the package's types do not know all of its options.
const options = {
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  variableMapSize: true,
  int64AsNumber: true,
};
const coder = new Encoder(options);

/**
 * Encodes a value.
 *
 * @throws {TypeError} if something in it is no {@link StateValue}
 * @throws {RangeError} if a bigint does not fit 64 bits unsigned
 */
export function encodeCbor(value: StateValue): Uint8Array<ArrayBuffer> {
  // The encoder's buffer is used again for what comes next.
  return new Uint8Array(coder.encode(toEncodable(value, "value")));
}

/**
 * Decodes one item, which has to be all of the data. Byte strings are views of it.
 *
 * @throws {SyntaxError | RangeError} if it is not what {@link scanCbor} allows
 */
export function decodeCbor(bytes: Uint8Array): StateValue {
  const end = scanCbor(bytes);
  if (end !== bytes.length) throw new SyntaxError(`there is something after the item, at ${end}`);
  return coder.decode(bytes);
}

function toEncodable(value: unknown, path: string): unknown {
  switch (typeof value) {
    case "number":
      // Beyond 32 bits the encoder would write a float.
      return Number.isSafeInteger(value) && Math.abs(value) >= 2 ** 32 ? BigInt(value) : value;
    case "boolean":
    case "string":
      return value;
    case "bigint":
      return toBignum(value, path);
    case "object":
      if (value instanceof Uint8Array) return value;
      if (Array.isArray(value)) {
        return value.map((item, index) => toEncodable(item, `${path}[${index}]`));
      }
      if (isPlain(value)) {
        const fields: { [name: string]: unknown } = {};
        for (const [name, item] of Object.entries(value)) {
          if (name === "__proto__") {
            throw new TypeError(`Cannot encode ${path}: a field "__proto__"`);
          }
          fields[name] = toEncodable(item, `${path}.${name}`);
        }
        return fields;
      }
  }
  throw new TypeError(`Cannot encode ${path}: ${value === null ? "null" : typeof value}`);
}

function toBignum(value: bigint, path: string): Tag {
  if (value < 0n || value >= UINT64_LIMIT) {
    throw new RangeError(`Cannot encode ${path}: ${value} does not fit 64 bits unsigned`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return new Tag(bytes, TAG_BIGNUM);
}

function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
