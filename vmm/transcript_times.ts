/**
 * When each byte of a transcript was printed: virtual time and instruction count, exactly.
 *
 * Kept are differences from byte to byte, in runs of equal ones, as a stream of bytes: two or three for
 * a byte that a driver prints, next to nothing for a loop that prints at a steady pace. Virtual time and
 * instructions differ by the time that every hart slept, so a run says how much longer each byte took,
 * and how much of that was sleep.
 *
 * ```text
 *   run     head ns.. [sleep..] [count..]       number.. = LEB128, 7 bits a byte, low ones first
 *   head    bit 0: count follows (else 1 byte)  bit 1: sleep follows (else none)
 *           bits 2-6: low bits of ns            bit 7: more bits of ns follow
 * ```
 *
 * @module
 */

/** When something happened, since power-on. */
export interface Moment {
  /** Virtual nanoseconds. */
  readonly nowNs: number;
  /** Instructions executed by all harts. */
  readonly instructions: number;
}

/** What of a run is decoded. */
interface Run {
  readonly ns: number;
  readonly sleepNs: number;
  readonly count: number;
}

/** A place between two runs of the stream. */
interface Place {
  /** Offset in the stream. */
  readonly position: number;
  /** Bytes of the transcript before it. */
  readonly bytes: number;
  /** Of the byte before it. */
  readonly nowNs: number;
  readonly sleptNs: number;
}

const HAS_COUNT = 1;
const HAS_SLEEP = 2;
const HEAD_SHIFT = 2;
const HEAD_VALUES = 32;
const MORE = 0x80;
const START: Place = { position: 0, bytes: 0, nowNs: 0, sleptNs: 0 };
/** Stream bytes between two places that are remembered. */
const PLACE_INTERVAL = 4096;

/** Times of the bytes of one transcript. */
export class TranscriptTimes {
  #stream: Uint8Array = new Uint8Array(256);
  #end: Place = START;
  /** The last run, which may still grow. */
  #open: Run = { ns: 0, sleepNs: 0, count: 0 };
  #places: Place[] = [START];
  /** Where the last look-up ended: the next one mostly goes on there. */
  #last: Place = START;

  /** Number of bytes. */
  get length(): number {
    return this.#end.bytes + this.#open.count;
  }

  /** Of the byte before the next: what a later one is told from. */
  get #latest(): { nowNs: number; sleptNs: number } {
    const { ns, sleepNs, count } = this.#open;
    return {
      nowNs: this.#end.nowNs + ns * count,
      sleptNs: this.#end.sleptNs + sleepNs * count,
    };
  }

  /** Adds a byte. Time and instructions never go back. */
  append({ nowNs, instructions }: Moment): void {
    const { nowNs: beforeNs, sleptNs } = this.#latest;
    this.#add(nowNs - beforeNs, Math.max(0, nowNs - instructions - sleptNs), 1);
  }

  /** Adds `count` bytes of another transcript, from its byte `start` on, at the times they have there. */
  appendFrom(other: TranscriptTimes, start: number, count: number): void {
    if (count === 0) return;
    this.append(other.at(start));
    let place = other.#placeBefore(start + 1);
    for (let at = start + 1; at < start + count;) {
      const { run, next } = other.#readRun(place);
      const taken = Math.min(next.bytes, start + count) - at;
      if (taken > 0) {
        this.#add(run.ns, run.sleepNs, taken);
        at += taken;
      }
      place = next;
    }
    other.#last = other.#placeBefore(start + count);
  }

  /**
   * When a byte was printed.
   *
   * @throws {RangeError} if there is no such byte
   */
  at(byte: number): Moment {
    if (!Number.isInteger(byte) || byte < 0 || byte >= this.length) {
      throw new RangeError(`No byte ${byte} in a transcript of ${this.length}`);
    }
    let place = this.#placeBefore(byte);
    while (true) {
      const { run, next } = this.#readRun(place);
      if (byte < next.bytes) {
        this.#last = place;
        const bytes = byte - place.bytes + 1;
        const nowNs = place.nowNs + run.ns * bytes;
        return { nowNs, instructions: nowNs - (place.sleptNs + run.sleepNs * bytes) };
      }
      place = next;
    }
  }

  /** The stream. */
  save(): Uint8Array {
    const bytes: number[] = [];
    encode(this.#open, (byte) => bytes.push(byte));
    const saved = new Uint8Array(this.#end.position + bytes.length);
    saved.set(this.#stream.subarray(0, this.#end.position));
    saved.set(bytes, this.#end.position);
    return saved;
  }

  /**
   * Reads a stream for a transcript of so many bytes.
   *
   * @throws {RangeError} if it is malformed, or for another number of bytes
   */
  static open(stream: Uint8Array, bytes: number): TranscriptTimes {
    const times = new TranscriptTimes();
    times.#stream = stream;
    let place = START;
    while (place.position < stream.length) {
      const { run, next } = decode(stream, place);
      const { bytes: before, nowNs, sleptNs } = next;
      const isTooMuch = before > bytes || !Number.isSafeInteger(nowNs) || sleptNs > nowNs;
      if (isTooMuch) throw new RangeError(`times of ${before} bytes or more up to ${nowNs} ns`);
      if (next.position === stream.length) {
        // The last run may still grow: where a transcript was saved must not show.
        times.#end = place;
        times.#open = run;
      } else if (next.position - times.#places.at(-1)!.position >= PLACE_INTERVAL) {
        times.#places.push(next);
      }
      place = next;
    }
    if (place.bytes !== bytes) {
      throw new RangeError(`times of ${place.bytes} bytes for a transcript of ${bytes}`);
    }
    // What is read may be a view of a file: it is copied before it is written to.
    times.#isShared = true;
    return times;
  }

  #isShared = false;

  #add(ns: number, sleepNs: number, count: number): void {
    const open = this.#open;
    if (ns === open.ns && sleepNs === open.sleepNs) {
      this.#open = { ns, sleepNs, count: open.count + count };
      return;
    }
    this.#close();
    this.#open = { ns, sleepNs, count };
  }

  #close(): void {
    const { ns, sleepNs, count } = this.#open;
    if (count === 0) return;
    let { position } = this.#end;
    encode(this.#open, (byte) => {
      if (position === this.#stream.length || this.#isShared) this.#grow();
      this.#stream[position++] = byte;
    });
    this.#end = {
      position,
      bytes: this.#end.bytes + count,
      nowNs: this.#end.nowNs + ns * count,
      sleptNs: this.#end.sleptNs + sleepNs * count,
    };
    if (position - this.#places.at(-1)!.position >= PLACE_INTERVAL) this.#places.push(this.#end);
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(256, 2 * this.#stream.length));
    grown.set(this.#stream);
    this.#stream = grown;
    this.#isShared = false;
  }

  /** A place from which on a byte is found soon. */
  #placeBefore(byte: number): Place {
    let low = 0;
    let high = this.#places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#places[middle]!.bytes <= byte) low = middle;
      else high = middle - 1;
    }
    const place = this.#places[low]!;
    return this.#last.bytes <= byte && this.#last.bytes > place.bytes ? this.#last : place;
  }

  #readRun(place: Place): { run: Run; next: Place } {
    if (place.position < this.#end.position) return decode(this.#stream, place);
    return { run: this.#open, next: after(place, this.#open, place.position) };
  }
}

function after(place: Place, { ns, sleepNs, count }: Run, position: number): Place {
  return {
    position,
    bytes: place.bytes + count,
    nowNs: place.nowNs + ns * count,
    sleptNs: place.sleptNs + sleepNs * count,
  };
}

function encode({ ns, sleepNs, count }: Run, put: (byte: number) => void): void {
  if (count === 0) return;
  const rest = Math.floor(ns / HEAD_VALUES);
  put(
    (count > 1 ? HAS_COUNT : 0) | (sleepNs > 0 ? HAS_SLEEP : 0) |
      (ns % HEAD_VALUES) << HEAD_SHIFT | (rest > 0 ? MORE : 0),
  );
  if (rest > 0) encodeNumber(rest, put);
  if (sleepNs > 0) encodeNumber(sleepNs, put);
  if (count > 1) encodeNumber(count, put);
}

function encodeNumber(value: number, put: (byte: number) => void): void {
  while (value >= MORE) {
    put(value % MORE | MORE);
    value = Math.floor(value / MORE);
  }
  put(value);
}

/** @throws {RangeError} if the stream ends within the run, or a number is beyond 2^53 */
function decode(stream: Uint8Array, place: Place): { run: Run; next: Place } {
  let { position } = place;
  const number = (): number => {
    let value = 0;
    for (let unit = 1;; unit *= MORE) {
      const byte = stream[position++];
      if (byte === undefined) throw new RangeError("times that end in the midst of a run");
      value += (byte % MORE) * unit;
      if (!Number.isSafeInteger(value)) throw new RangeError("times beyond 2^53 ns");
      if (byte < MORE) return value;
    }
  };
  const head = stream[position++]!;
  const low = head >> HEAD_SHIFT & (HEAD_VALUES - 1);
  const ns = low + (head & MORE ? number() * HEAD_VALUES : 0);
  const sleepNs = head & HAS_SLEEP ? number() : 0;
  const count = head & HAS_COUNT ? number() : 1;
  if (count === 0) throw new RangeError("times with an empty run");
  const run = { ns, sleepNs, count };
  return { run, next: after(place, run, position) };
}
