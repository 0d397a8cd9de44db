/**
 * SplitMix64: a small deterministic generator of pseudo-random numbers (Steele, Lea and Flood,
 * "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). The board takes the guest's
 * `rng-seed` from it, so that equal machines boot alike; tests take their random cases from it. It
 * is no source of secrets.
 *
 * @module
 */

/** A stream of numbers that a seed determines. */
export class SplitMix64 {
  #state: bigint;

  /** @param seed any integer; its low 64 bits count */
  constructor(seed: number | bigint) {
    this.#state = BigInt.asUintN(64, BigInt(seed));
  }

  /** The next 64 bits. */
  u64(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e37_79b9_7f4a_7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return z ^ (z >> 31n);
  }

  /** An integer from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number {
    return Number((this.u64() >> 32n) * BigInt(limit) >> 32n);
  }

  /** One of the choices. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** As many bytes as asked for. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}
