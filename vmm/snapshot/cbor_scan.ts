/**
 * Checks CBOR before it is decoded: what passes is well-formed (RFC 8949, 5.3.1), of the few kinds
 * of items that snapshots are made of, and decodes to no more than its own size allows.
 *
 * Those are integers below 2^53, floats, booleans, byte strings, UTF-8 text, arrays, maps with
 * distinct text keys, and tag 2 with eight bytes. Lengths are definite.
 *
 * @module
 */

/** How deep arrays and maps may lie in each other. */
const MAX_DEPTH = 64;

/** Tag of an unsigned big number (RFC 8949, 3.4.3). */
const TAG_BIGNUM = 2;

/** The data ends before the item does. */
export class TruncatedCborError extends RangeError {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Checks the item that starts at `offset`.
 *
 * @returns where it ends
 * @throws {TruncatedCborError} if it does not end within the data
 * @throws {SyntaxError} if it is not what the module's description says
 */
export function scanCbor(bytes: Uint8Array, offset = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = offset;

  const take = (count: number): number => {
    if (count > bytes.length - at) {
      throw new TruncatedCborError(`an item at byte ${at} goes beyond the end of the data`);
    }
    const start = at;
    at += count;
    return start;
  };

  const argument = (info: number): number => {
    if (info < 24) return info;
    if (info === 24) return view.getUint8(take(1));
    if (info === 25) return view.getUint16(take(2));
    if (info === 26) return view.getUint32(take(4));
    if (info !== 27) throw new SyntaxError(`byte ${at - 1} starts an item of unknown length`);
    const start = take(8);
    const value = view.getUint32(start) * 2 ** 32 + view.getUint32(start + 4);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new SyntaxError(`the number at byte ${start} is beyond 2^53`);
    }
    return value;
  };

  const text = (length: number): string => {
    const start = take(length);
    try {
      return utf8.decode(bytes.subarray(start, start + length));
    } catch {
      throw new SyntaxError(`the text at byte ${start} is not UTF-8`);
    }
  };

  const item = (depth: number): void => {
    if (depth > MAX_DEPTH) {
      throw new SyntaxError(`items lie deeper than ${MAX_DEPTH} at byte ${at}`);
    }
    const start = take(1);
    const initial = view.getUint8(start);
    const info = initial & 31;
    switch (initial >> 5) {
      case 0:
      case 1:
        argument(info);
        return;
      case 2:
        take(argument(info));
        return;
      case 3:
        text(argument(info));
        return;
      case 4: {
        const length = argument(info);
        for (let n = 0; n < length; n++) item(depth + 1);
        return;
      }
      case 5: {
        const length = argument(info);
        const keys = new Set<string>();
        for (let n = 0; n < length; n++) {
          const keyStart = take(1);
          const keyInitial = view.getUint8(keyStart);
          if (keyInitial >> 5 !== 3) {
            throw new SyntaxError(`the key at byte ${keyStart} is not text`);
          }
          const key = text(argument(keyInitial & 31));
          if (key === "__proto__" || keys.has(key)) {
            throw new SyntaxError(`the key at byte ${keyStart} is not allowed or there twice`);
          }
          keys.add(key);
          item(depth + 1);
        }
        return;
      }
      case 6:
        if (argument(info) !== TAG_BIGNUM || view.getUint8(take(1)) !== 0x48) {
          throw new SyntaxError(`the tag at byte ${start} is not that of a 64-bit number`);
        }
        take(8);
        return;
      default:
        if (info === 25) take(2);
        else if (info === 26) take(4);
        else if (info === 27) take(8);
        else if (info !== 20 && info !== 21) {
          throw new SyntaxError(`byte ${start} is neither a boolean nor a float`);
        }
    }
  };

  item(0);
  return at;
}
