/**
 * Which pages of a machine's RAM are where they belong, and which were written.
 *
 * RAM that was restored comes page by page, when the harts, a device or a tool first look at it: until
 * then a page is absent and its content is in a {@link RamImage}. A page that is neither absent nor
 * dirty holds what the image says. The harts note both in the page flags, where a TLB entry is filled
 * (core/hart/physical.ts), so that no load or store costs more for it; whoever else reads or writes RAM
 * goes through here.
 *
 * @module
 */

import type { HartModule } from "./hart_module.ts";
import { PAGE_BYTES, type PageContent, RamImage } from "./ram_image.ts";

const ACCESS_WRITE = 1;
const FLAGS_A_WORD = 8;
/** A flag in each byte of a 64-bit word. */
const EVERY_BYTE = 0x0101_0101_0101_0101n;

/** The pages of one machine. */
export class RamPages {
  readonly count: number;
  readonly #module: HartModule;
  readonly #flags: Uint8Array<ArrayBuffer>;
  readonly #flagWords: BigUint64Array<ArrayBuffer>;
  readonly #absent: number;
  readonly #dirty: number;
  readonly #kept: number;
  #image: RamImage;

  constructor(module: HartModule) {
    this.#module = module;
    this.count = module.ram.length / PAGE_BYTES;
    const base = module.layout("PAGE_FLAGS_BASE");
    const buffer = module.memory.buffer as ArrayBuffer;
    this.#flags = module.bytes.subarray(base, base + this.count);
    this.#flagWords = new BigUint64Array(buffer, base, Math.ceil(this.count / FLAGS_A_WORD));
    this.#absent = module.layout("PAGE_ABSENT");
    this.#dirty = module.layout("PAGE_DIRTY");
    this.#kept = module.layout("PAGE_CODE") | module.layout("PAGE_WRITABLE");
    this.#image = RamImage.zeros(this.count);
  }

  /** What pages that are not dirty hold. */
  get image(): RamImage {
    return this.#image;
  }

  /** Called by the harts: brings in an absent page. */
  fetch(index: number): void {
    const { ram } = this.#module;
    const at = index * PAGE_BYTES;
    const content = this.#image.page(index);
    if (content === undefined) ram.fill(0, at, at + PAGE_BYTES);
    else ram.set(content.bytes(), at);
    this.#flags[index]! &= ~this.#absent;
  }

  /** Brings in what is absent of a stretch of RAM that is about to be looked at or written. */
  ensurePresent(offset: number, sizeBytes: number): void {
    const end = Math.ceil((offset + sizeBytes) / PAGE_BYTES);
    for (let index = Math.floor(offset / PAGE_BYTES); index < end; index++) {
      if (this.#flags[index]! & this.#absent) this.fetch(index);
    }
  }

  /** Notes that a stretch of RAM was written. */
  noteWritten(offset: number, sizeBytes: number): void {
    const end = Math.ceil((offset + sizeBytes) / PAGE_BYTES);
    for (let index = Math.floor(offset / PAGE_BYTES); index < end; index++) {
      this.#flags[index]! |= this.#dirty;
    }
  }

  /**
   * What RAM holds now, as an image in which the pages that were not written since the last one are
   * shared with that. Changes nothing: {@link adopt} the image, or one that is equal to it, to have the
   * next one start from there.
   *
   * @param copies false leaves views of the machine's RAM in the image, which hold only until it goes on
   */
  capture(copies: boolean): RamImage {
    const { ram } = this.#module;
    const dirty = this.#pagesWith(this.#dirty);
    const words = new BigUint64Array(ram.buffer, ram.byteOffset, ram.length / 8);
    const kept = copies ? new Uint8Array(dirty.length * PAGE_BYTES) : ram;
    let copied = 0;
    const changes = dirty.map((index): [number, PageContent | undefined] => {
      if (isZero(words, index)) return [index, undefined];
      const at = index * PAGE_BYTES;
      if (!copies) return [index, new PageView(kept, at)];
      kept.set(ram.subarray(at, at + PAGE_BYTES), copied);
      copied += PAGE_BYTES;
      return [index, new PageView(kept, copied - PAGE_BYTES)];
    });
    return this.#image.with(changes);
  }

  /** From now on `image`, which is equal to what RAM holds, is what pages are compared with. */
  adopt(image: RamImage): void {
    for (const index of this.#pagesWith(this.#dirty)) this.#flags[index]! &= ~this.#dirty;
    this.#image = image;
    // So that the next store to each page is noted.
    this.#module.exports.guardEntries(ACCESS_WRITE);
  }

  /**
   * Makes RAM hold `image`. Pages that do already stay as they are, and so does the code decoded and
   * translated from them; the others are absent until they are looked at.
   *
   * @param kept the flags of pages that are in execute or in write TLBs; {@link keptFlags} of that moment
   */
  show(image: RamImage, kept: Uint8Array): void {
    const flags = this.#flags;
    const changed = this.#pagesWith(this.#dirty);
    for (const [index] of image.changesFrom(this.#image)) changed.push(index);
    const absent = this.#pagesWith(this.#absent);
    flags.set(kept);
    for (const index of absent) flags[index]! |= this.#absent;
    for (const index of changed) flags[index]! |= this.#absent;
    this.#image = image;
    this.#forgetChangedCode();
  }

  /** The flags that {@link keptFlags} are made of. */
  get keptMask(): number {
    return this.#kept;
  }

  /** For each page, the flags that belong to the guest's state: whether TLBs hold it as code or as data. */
  keptFlags(): Uint8Array<ArrayBuffer> {
    const kept = this.#flags.slice();
    const words = new BigUint64Array(kept.buffer, 0, kept.length >> 3);
    const mask = EVERY_BYTE * BigInt(this.#kept);
    for (let n = 0; n < words.length; n++) {
      if (words[n] !== 0n) words[n]! &= mask;
    }
    for (let n = words.length * FLAGS_A_WORD; n < kept.length; n++) kept[n]! &= this.#kept;
    return kept;
  }

  /** Code stays only where a store would be noticed, which is where a page counts as code. */
  #forgetChangedCode(): void {
    const module = this.#module;
    const isCode = module.layout("PAGE_CODE");
    const ramOffset = module.layout("RAM_OFFSET");
    const first = ramOffset / PAGE_BYTES;
    const buffer = module.memory.buffer;
    const tables = new Uint32Array(
      buffer,
      module.layout("TABLE_OF_PAGE_BASE") + first * 4,
      this.count,
    );
    const decoded = new Uint16Array(
      buffer,
      module.layout("DECODED_INDEX_BASE") + first * 2,
      this.count,
    );
    for (let index = 0; index < this.count; index++) {
      if (tables[index] === 0 && decoded[index] === 0) continue;
      const flags = this.#flags[index]!;
      if (flags & isCode && !(flags & this.#absent)) continue;
      module.exports.forgetCode(ramOffset + index * PAGE_BYTES);
    }
  }

  #pagesWith(flag: number): number[] {
    const pages: number[] = [];
    const mask = EVERY_BYTE * BigInt(flag);
    for (let word = 0; word < this.#flagWords.length; word++) {
      const eight = this.#flagWords[word]!;
      if (eight === 0n || (eight & mask) === 0n) continue;
      const end = Math.min((word + 1) * FLAGS_A_WORD, this.count);
      for (let index = word * FLAGS_A_WORD; index < end; index++) {
        if (this.#flags[index]! & flag) pages.push(index);
      }
    }
    return pages;
  }
}

/** A page somewhere in a buffer. */
class PageView implements PageContent {
  readonly #buffer: Uint8Array;
  readonly #offset: number;

  constructor(buffer: Uint8Array, offset: number) {
    this.#buffer = buffer;
    this.#offset = offset;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(this.#offset, this.#offset + PAGE_BYTES);
  }
}

function isZero(words: BigUint64Array, page: number): boolean {
  const end = (page + 1) * (PAGE_BYTES / 8);
  for (let at = page * (PAGE_BYTES / 8); at < end; at++) {
    if (words[at] !== 0n) return false;
  }
  return true;
}
