/**
 * Reads CBOR without losing how a value was written: an integer is not a float, a tag stays a tag. For
 * checks of files against a schema; the emulator itself reads with `cbor.ts`.
 *
 * @module
 */

/** One item. */
export type CborItem =
  | { readonly type: "int"; readonly value: bigint }
  | { readonly type: "float"; readonly value: number; readonly sizeBytes: 2 | 4 | 8 }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  | { readonly type: "array"; readonly items: readonly CborItem[] }
  | { readonly type: "map"; readonly entries: readonly (readonly [key: CborItem, CborItem])[] }
  | { readonly type: "tag"; readonly number: bigint; readonly item: CborItem };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the one item that `bytes` are.
 *
 * @throws {SyntaxError} if they are something else, or hold items of indefinite length or simple values
 * other than booleans
 */
export function readCborItem(bytes: Uint8Array): CborItem {
  const reader = new ItemReader(bytes);
  const item = reader.item();
  if (reader.at !== bytes.length) throw new SyntaxError(`there is more behind byte ${reader.at}`);
  return item;
}

class ItemReader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  item(): CborItem {
    const start = this.at;
    const initial = this.#number(1n);
    const major = Number(initial >> 5n);
    const info = initial & 31n;
    if (info > 27n) throw new SyntaxError(`byte ${start} starts an item of unknown length`);
    const argument = info < 24n ? info : this.#number(1n << (info - 24n));
    switch (major) {
      case 0:
        return { type: "int", value: argument };
      case 1:
        return { type: "int", value: -1n - argument };
      case 2:
        return { type: "bytes", value: this.#take(argument) };
      case 3:
        return { type: "text", value: utf8.decode(this.#take(argument)) };
      case 4:
        return { type: "array", items: this.#several(argument, () => this.item()) };
      case 5:
        return {
          type: "map",
          entries: this.#several(argument, () => [this.item(), this.item()] as const),
        };
      case 6:
        return { type: "tag", number: argument, item: this.item() };
      default:
        return simpleOrFloat(Number(info), this.#bytes.slice(start + 1, this.at), start);
    }
  }

  #several<T>(count: bigint, read: () => T): T[] {
    const items: T[] = [];
    for (let n = 0n; n < count; n++) items.push(read());
    return items;
  }

  #number(sizeBytes: bigint): bigint {
    return this.#take(sizeBytes).reduce((value, byte) => value << 8n | BigInt(byte), 0n);
  }

  #take(count: bigint): Uint8Array {
    if (count > BigInt(this.#bytes.length - this.at)) {
      throw new SyntaxError(`the item at byte ${this.at} is cut short`);
    }
    const start = this.at;
    this.at += Number(count);
    return this.#bytes.subarray(start, this.at);
  }
}

function simpleOrFloat(info: number, payload: Uint8Array<ArrayBuffer>, start: number): CborItem {
  const view = new DataView(payload.buffer);
  switch (info) {
    case 20:
    case 21:
      return { type: "bool", value: info === 21 };
    case 25:
      return { type: "float", value: view.getFloat16(0), sizeBytes: 2 };
    case 26:
      return { type: "float", value: view.getFloat32(0), sizeBytes: 4 };
    case 27:
      return { type: "float", value: view.getFloat64(0), sizeBytes: 8 };
    default:
      throw new SyntaxError(`byte ${start} starts a simple value that is no boolean`);
  }
}
