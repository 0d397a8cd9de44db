/**
 * Numbers and bytes as gdb's remote protocol writes them: hexadecimal, in the order of a register's bytes
 * for values, in the usual order for addresses and lengths.
 *
 * @module
 */

const ADDRESS = /^[0-9a-f]{1,16}$/i;
const BYTES = /^(?:[0-9a-f]{2})*$/i;

/** An address or length, most significant digit first; undefined if it is none. */
export function parseNumber(text: string | undefined): bigint | undefined {
  return text !== undefined && ADDRESS.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** As {@link parseNumber}, for what must be no more than `atMost`. */
export function parseSmall(text: string | undefined, atMost: number): number | undefined {
  const value = parseNumber(text);
  return value === undefined || value > BigInt(atMost) ? undefined : Number(value);
}

/** Two digits a byte; undefined if the text is something else. */
export function parseBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!BYTES.test(text)) return undefined;
  return Uint8Array.from(
    { length: text.length / 2 },
    (_, index) => parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}

/** Bytes as two digits each. */
export function formatBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The text's bytes as two digits each. */
export function formatText(text: string): string {
  return formatBytes(new TextEncoder().encode(text));
}

/** A register's value, least significant byte first. */
export function formatValue(value: bigint, sizeBytes: number): string {
  let text = "";
  for (let n = 0; n < sizeBytes; n++) {
    text += Number((value >> BigInt(8 * n)) & 0xffn).toString(16).padStart(2, "0");
  }
  return text;
}

/** A register's value from such bytes. */
export function valueOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** A number for people. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
