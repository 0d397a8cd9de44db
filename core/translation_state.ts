/**
 * The harts' cached translations as plain fields.
 *
 * They are part of a machine's state: what a TLB holds decides when page tables are walked, and a walk
 * sets A and D bits, or finds a page table that was changed without a fence (Privileged, "Supervisor
 * Memory-Management Fence Instruction"). Entries are restored guarded (core/hart/tlb.ts), so that the
 * pages they lead to can be absent.
 *
 * @module
 */

import type { SavedState, StateValue } from "./device.ts";
import type { HartModule } from "./hart_module.ts";
import { StateFields, UINT64_MAX } from "./state_fields.ts";

const KIND = "translations";
const VERSION = 1;
const UINT32_MAX = 0xffff_ffff;
const PAGE_BITS = 12;
const PAGE_BYTES = 1 << PAGE_BITS;
const TLBS = 3;
/** Which of them stores go by: the order is read, write, execute. */
const WRITE_TLB = 1;
/** A saved entry: u16 place, u64 tag, u32 physical page, little-endian. */
const SAVED_ENTRY_BYTES = 14;

/** The translation contexts that are in use. */
export function saveTranslations(module: HartModule, hartCount: number): SavedState {
  const layout = new ContextLayout(module);
  const contexts: { [field: string]: StateValue }[] = [];
  for (let hart = 0; hart < hartCount; hart++) {
    for (let number = 0; number < layout.count; number++) {
      const at = layout.addressOf(hart, number);
      if (module.getU32(at + layout.live) === 0) continue;
      const { bytes } = module;
      contexts.push({
        hart,
        number,
        mode: module.getU32(at + layout.mode),
        satp: module.getU64(at + layout.satp),
        hgatp: module.getU64(at + layout.hgatp),
        stamp: module.getU32(at + layout.stamp),
        huge: module.getU32(at + layout.huge),
        giga: module.getU64(at + layout.giga),
        mega: bytes.slice(at + layout.mega, at + layout.mega + layout.megaBytes),
        nextVictims: bytes.slice(at + layout.nextVictim, at + layout.nextVictim + TLBS),
        entries: layout.saveEntries(at),
      });
    }
  }
  return { kind: KIND, version: VERSION, fields: { contexts } };
}

/**
 * Checks a saved state; the answer puts it into effect, in place of all translations there are, and says
 * which contexts are in use then.
 *
 * @throws {TypeError} if the kind or a field's type does not fit
 * @throws {RangeError} if the version is unknown or a field is out of range
 */
export function openTranslations(
  state: SavedState,
  module: HartModule,
  hartCount: number,
): { isLive: (hart: number, context: number) => boolean; apply: () => void } {
  const layout = new ContextLayout(module);
  const fields = StateFields.open(state, KIND, VERSION);
  const seen = new Set<number>();
  const stamps = new Set<string>();
  const contexts = fields.records("contexts", { atMost: hartCount * layout.count }).map((each) => {
    const hart = each.integer("hart", hartCount - 1);
    const number = each.integer("number", layout.count - 1);
    const at = layout.addressOf(hart, number);
    if (seen.has(at)) each.reject("number", `is ${number} a second time for hart ${hart}`);
    seen.add(at);
    const saved = {
      at,
      mode: each.integer("mode", UINT32_MAX),
      satp: each.bigint("satp"),
      hgatp: each.bigint("hgatp"),
      stamp: each.integer("stamp", UINT32_MAX),
      huge: each.integer("huge", 1),
      giga: each.bigint("giga"),
      mega: each.bytes("mega", layout.megaBytes),
      nextVictims: each.bytes("nextVictims", TLBS),
      entries: each.bytes("entries", { atMost: layout.places * SAVED_ENTRY_BYTES }),
    };
    // Harts tell by the stamps which context they can best do without.
    const stamp = `${hart} ${saved.stamp}`;
    if (stamps.has(stamp)) each.reject("stamp", `is ${saved.stamp} a second time for hart ${hart}`);
    stamps.add(stamp);
    return { ...saved, open: layout.openEntries(saved.entries, each) };
  });
  fields.finish();
  const isLive = (hart: number, context: number) => seen.has(layout.addressOf(hart, context));
  const apply = () => {
    const { bytes } = module;
    for (let hart = 0; hart < hartCount; hart++) {
      for (let number = 0; number < layout.count; number++) {
        module.setU32(layout.addressOf(hart, number) + layout.live, 0);
      }
    }
    for (const { at, mode, satp, hgatp, stamp, huge, giga, mega, nextVictims, open } of contexts) {
      bytes.fill(0xff, at, at + layout.satp);
      module.setU32(at + layout.mode, mode);
      module.setU64(at + layout.satp, satp);
      module.setU64(at + layout.hgatp, hgatp);
      module.setU32(at + layout.stamp, stamp);
      module.setU32(at + layout.live, 1);
      module.setU32(at + layout.huge, huge);
      module.setU64(at + layout.giga, giga);
      bytes.set(mega, at + layout.mega);
      bytes.set(nextVictims, at + layout.nextVictim);
      open(at);
    }
    module.exports.contextsReplaced();
  };
  return { isLive, apply };
}

/** Where things are in a translation context. */
class ContextLayout {
  readonly count: number;
  /** Entries of a context's TLBs together. */
  readonly places: number;
  readonly satp: number;
  readonly hgatp: number;
  readonly mode: number;
  readonly stamp: number;
  readonly live: number;
  readonly huge: number;
  readonly giga: number;
  readonly nextVictim: number;
  readonly mega: number;
  readonly megaBytes: number;
  readonly #module: HartModule;
  readonly #base: number;
  readonly #sizeBytes: number;
  readonly #entryBytes: number;
  readonly #mmio: bigint;
  readonly #guarded: bigint;
  readonly #areas: readonly { pointer: number; physical: number; sizeBytes: number }[];
  readonly #ramOffset: number;

  constructor(module: HartModule) {
    this.#module = module;
    const layout = (name: string) => module.layout(name);
    this.count = layout("HART_CONTEXTS");
    this.satp = layout("CONTEXT_SATP");
    this.hgatp = layout("CONTEXT_HGATP");
    this.mode = layout("CONTEXT_MODE");
    this.stamp = layout("CONTEXT_STAMP");
    this.live = layout("CONTEXT_LIVE");
    this.huge = layout("CONTEXT_HUGE");
    this.giga = layout("CONTEXT_GIGA");
    this.nextVictim = layout("CONTEXT_NEXT_VICTIM");
    this.mega = layout("CONTEXT_MEGA");
    this.megaBytes = layout("CONTEXT_MEGA_BYTES");
    this.#base = layout("CONTEXTS_BASE");
    this.#sizeBytes = layout("CONTEXT_BYTES");
    this.#entryBytes = layout("TLB_ENTRY_BYTES");
    this.places = TLBS * layout("TLB_BYTES") / this.#entryBytes;
    this.#mmio = BigInt(layout("TLB_MMIO"));
    this.#guarded = BigInt(layout("TLB_GUARDED"));
    this.#ramOffset = layout("RAM_OFFSET");
    const field = (name: string) => module.getNumber(module.machineField(name));
    this.#areas = [
      {
        pointer: this.#ramOffset,
        physical: field("ramBase"),
        sizeBytes: field("ramSizeBytes"),
      },
      {
        pointer: layout("ROM_OFFSET"),
        physical: field("romBase"),
        sizeBytes: field("romSizeBytes"),
      },
    ];
  }

  addressOf(hart: number, number: number): number {
    return this.#base + (hart * this.count + number) * this.#sizeBytes;
  }

  /** The filled entries of a context, without what says how they are kept here. */
  saveEntries(at: number): Uint8Array<ArrayBuffer> {
    const module = this.#module;
    const words = new Uint32Array(module.memory.buffer, at, this.places * this.#entryBytes / 4);
    const step = this.#entryBytes / 4;
    const filled: number[] = [];
    for (let place = 0; place < this.places; place++) {
      // No tag ends in all ones but that of an empty entry.
      if (words[place * step] !== UINT32_MAX) filled.push(place);
    }
    const saved = new Uint8Array(filled.length * SAVED_ENTRY_BYTES);
    const view = new DataView(saved.buffer);
    filled.forEach((place, n) => {
      const entry = at + place * this.#entryBytes;
      const tag = module.getU64(entry) & ~this.#guarded;
      const out = n * SAVED_ENTRY_BYTES;
      view.setUint16(out, place, true);
      view.setBigUint64(out + 2, tag, true);
      const page = tag & this.#mmio
        ? module.getU32(entry + 12)
        : this.#physicalPage((Number(tag & 0xffff_ffffn) + module.getU32(entry + 8)) % 2 ** 32);
      view.setUint32(out + 10, page, true);
    });
    return saved;
  }

  /** Checks saved entries; the answer fills them in. */
  openEntries(saved: Uint8Array, fields: StateFields): (at: number) => void {
    if (saved.length % SAVED_ENTRY_BYTES !== 0) {
      fields.reject("entries", `has ${saved.length} bytes, which are no whole entries`);
    }
    const view = new DataView(saved.buffer, saved.byteOffset, saved.byteLength);
    const count = saved.length / SAVED_ENTRY_BYTES;
    const addends = new Uint32Array(count);
    for (let n = 0; n < count; n++) {
      const at = n * SAVED_ENTRY_BYTES;
      const place = view.getUint16(at, true);
      const tag = view.getBigUint64(at + 2, true);
      const page = view.getUint32(at + 10, true);
      if (place >= this.places) fields.reject("entries", `has one at place ${place}`);
      const isMmio = (tag & this.#mmio) !== 0n;
      if ((tag & 0xfffn) !== (isMmio ? this.#mmio : 0n) || tag > UINT64_MAX) {
        fields.reject("entries", `has one with the tag 0x${tag.toString(16)}`);
      }
      if (isMmio) continue;
      const pointer = this.#pointer(page);
      if (pointer === undefined) {
        fields.reject("entries", `has one for page 0x${page.toString(16)}, which is no memory`);
      }
      if (pointer < this.#ramOffset && Math.floor(place / (this.places / TLBS)) === WRITE_TLB) {
        fields.reject("entries", `has one for page 0x${page.toString(16)}, which is read-only`);
      }
      addends[n] = pointer - Number(tag & 0xffff_ffffn);
    }
    return (context) => {
      const module = this.#module;
      for (let n = 0; n < count; n++) {
        const at = n * SAVED_ENTRY_BYTES;
        const entry = context + view.getUint16(at, true) * this.#entryBytes;
        const tag = view.getBigUint64(at + 2, true);
        const page = view.getUint32(at + 10, true);
        if (tag & this.#mmio) {
          module.setU64(entry, tag);
          module.setU32(entry + 12, page);
        } else {
          const isRam = this.#pointer(page)! >= this.#ramOffset;
          module.setU64(entry, isRam ? tag | this.#guarded : tag);
          module.setU32(entry + 8, addends[n]!);
        }
      }
    };
  }

  #physicalPage(pointer: number): number {
    const area = this.#areas.find((area) => pointer >= area.pointer)!;
    return (pointer - area.pointer + area.physical) / PAGE_BYTES;
  }

  #pointer(page: number): number | undefined {
    const physical = page * PAGE_BYTES;
    const area = this.#areas.find((area) =>
      physical >= area.physical && physical < area.physical + area.sizeBytes
    );
    return area && area.pointer + physical - area.physical;
  }
}
