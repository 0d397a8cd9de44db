/**
 * Decompressed frames of packs, as many as fit a limit: those asked for longest ago go first.
 *
 * What was handed out stays valid, as frames are never changed or used again.
 *
 * @module
 */

/** Frames by a number that their pack gives them. */
export class FrameCache {
  readonly #limitBytes: number;
  readonly #frames = new Map<number, Uint8Array>();
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The frame, which is now the one asked for last. */
  get(id: number): Uint8Array | undefined {
    const frame = this.#frames.get(id);
    if (frame !== undefined) {
      this.#frames.delete(id);
      this.#frames.set(id, frame);
    }
    return frame;
  }

  /** Keeps a frame. */
  put(id: number, frame: Uint8Array): void {
    this.#sizeBytes += frame.length - (this.#frames.get(id)?.length ?? 0);
    this.#frames.delete(id);
    this.#frames.set(id, frame);
    for (const [oldest, { length }] of this.#frames) {
      if (this.#sizeBytes <= this.#limitBytes) break;
      this.#frames.delete(oldest);
      this.#sizeBytes -= length;
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#frames.clear();
    this.#sizeBytes = 0;
  }
}
