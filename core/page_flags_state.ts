/**
 * Which pages the TLBs hold as code or as data, as plain fields: runs of pages that are alike.
 *
 * @module
 */

import type { SavedState } from "./device.ts";
import { StateFields } from "./state_fields.ts";

const KIND = "page-flags";
const VERSION = 1;
/** A run: first page, number of pages, flags; u32 little-endian. */
const RUN_BYTES = 12;

/** Saves a byte of flags for each page. */
export function savePageFlags(flags: Uint8Array<ArrayBuffer>): SavedState {
  const runs: number[] = [];
  const words = new Int32Array(flags.buffer, flags.byteOffset, flags.length >> 2);
  for (let page = 0; page < flags.length;) {
    const value = flags[page]!;
    if (value === 0) {
      page++;
      while ((page & 3) === 0 && page >> 2 < words.length && words[page >> 2] === 0) page += 4;
      continue;
    }
    const first = page;
    while (page < flags.length && flags[page] === value) page++;
    runs.push(first, page - first, value);
  }
  const saved = new Uint8Array(runs.length * 4);
  const view = new DataView(saved.buffer);
  runs.forEach((value, n) => view.setUint32(n * 4, value, true));
  return { kind: KIND, version: VERSION, fields: { runs: saved } };
}

/**
 * Reads what {@link savePageFlags} saved.
 *
 * @param mask the flags that there are
 * @throws {TypeError} if the kind or a field's type does not fit
 * @throws {RangeError} if the version is unknown or a field is out of range
 */
export function openPageFlags(
  state: SavedState,
  pageCount: number,
  mask: number,
): Uint8Array<ArrayBuffer> {
  const fields = StateFields.open(state, KIND, VERSION);
  const runs = fields.bytes("runs", { atMost: pageCount * RUN_BYTES });
  fields.finish();
  if (runs.length % RUN_BYTES !== 0) fields.reject("runs", "has no whole number of runs");
  const view = new DataView(runs.buffer, runs.byteOffset, runs.byteLength);
  const flags = new Uint8Array(pageCount);
  let end = 0;
  for (let at = 0; at < runs.length; at += RUN_BYTES) {
    const first = view.getUint32(at, true);
    const count = view.getUint32(at + 4, true);
    const value = view.getUint32(at + 8, true);
    if (first < end || first + count > pageCount) {
      fields.reject("runs", `has one of ${count} pages from page ${first}`);
    }
    if ((value & ~mask) !== 0) fields.reject("runs", `has one with flags ${value}`);
    end = first + count;
    flags.fill(value, first, end);
  }
  return flags;
}
