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
const FLAGS_A_WORD = 4;
/** A flag in each byte of a word. */
const EVERY_BYTE = 0x0101_0101;

/** The pages of one machine. */
export class RamPages {
  readonly count: number;
  readonly #module: HartModule;
  readonly #flags: Uint8Array<ArrayBuffer>;
  /** The same, a word at a time: most are 0. */
  readonly #flagWords: Int32Array<ArrayBuffer>;
  readonly #absent: number;
  readonly #dirty: number;
  readonly #code: number;
  readonly #kept: number;
  #image: RamImage;

  constructor(module: HartModule) {
    this.#module = module;
    // RAM is a multiple of 64 KiB.
    this.count = module.ram.length / PAGE_BYTES;
    const base = module.layout("PAGE_FLAGS_BASE");
    const buffer = module.memory.buffer as ArrayBuffer;
    this.#flags = module.bytes.subarray(base, base + this.count);
    this.#flagWords = new Int32Array(buffer, base, this.count / FLAGS_A_WORD);
    this.#absent = module.layout("PAGE_ABSENT");
    this.#dirty = module.layout("PAGE_DIRTY");
    this.#code = module.layout("PAGE_CODE");
    this.#kept = this.#code | module.layout("PAGE_WRITABLE");
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
    const words = new Int32Array(ram.buffer, ram.byteOffset, ram.length / 4);
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
    // No other pages have decoded or translated code.
    const code = this.#pagesWith(this.#code);
    flags.set(kept);
    for (const index of absent) flags[index]! |= this.#absent;
    for (const index of changed) flags[index]! |= this.#absent;
    this.#image = image;
    this.#forgetChangedCode(code);
  }

  /** The flags that {@link keptFlags} are made of. */
  get keptMask(): number {
    return this.#kept;
  }

  /** For each page, the flags that belong to the guest's state: whether TLBs hold it as code or as data. */
  keptFlags(): Uint8Array<ArrayBuffer> {
    const kept = this.#flags.slice();
    const words = new Int32Array(kept.buffer);
    const mask = EVERY_BYTE * this.#kept;
    for (let n = 0; n < words.length; n++) {
      if (words[n] !== 0) words[n]! &= mask;
    }
    return kept;
  }

  /** Code stays only where a store would be noticed, which is where a page counts as code. */
  #forgetChangedCode(before: readonly number[]): void {
    const ramOffset = this.#module.layout("RAM_OFFSET");
    for (const index of before) {
      const flags = this.#flags[index]!;
      if (flags & this.#code && !(flags & this.#absent)) continue;
      this.#module.exports.forgetCode(ramOffset + index * PAGE_BYTES);
    }
  }

  #pagesWith(flag: number): number[] {
    const pages: number[] = [];
    const mask = EVERY_BYTE * flag;
    const words = this.#flagWords;
    for (let word = 0; word < words.length; word++) {
      if ((words[word]! & mask) === 0) continue;
      const end = (word + 1) * FLAGS_A_WORD;
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

function isZero(words: Int32Array, page: number): boolean {
  const end = (page + 1) * (PAGE_BYTES / 4);
  for (let at = page * (PAGE_BYTES / 4); at < end; at++) {
    if (words[at] !== 0) return false;
  }
  return true;
}
