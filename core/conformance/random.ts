/**
 * Reproducible randomness for test programs, biased to the values where arithmetic goes wrong.
 *
 * Every case has its own stream, derived from (seed, case number), so that one case can be generated
 * again without the cases before it.
 *
 * @module
 */

/** A stream of random choices (the sfc32 generator, seeded through splitmix32). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream = 0) {
    let state = (Math.imul(seed, 0x9e3779b9) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
    const splitmix = () => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) | 0;
    };
    this.#a = splitmix();
    this.#b = splitmix();
    this.#c = splitmix();
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** 32 random bits. */
  u32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 64 random bits. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.u32() / 4294967296 * limit);
  }

  /** An integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.u32() < probability * 4294967296;
  }

  /** One of the given things. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new RangeError("Nothing to pick from");
    return choice;
  }

  /** One of the given things, each as likely as its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let rest = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, choice] of choices) {
      if (rest < weight) return choice;
      rest -= weight;
    }
    throw new RangeError("Nothing to pick from");
  }
}

const allOnes = 0xffff_ffff_ffff_ffffn;

/** A 64-bit integer, often at an edge of some width. */
export function cornerInteger(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
      return BigInt.asUintN(64, BigInt(random.between(-4, 4)));
    case 1: { // around a power of two, of either sign
      const value = (1n << BigInt(random.below(64))) + BigInt(random.between(-1, 1));
      return BigInt.asUintN(64, random.chance(0.5) ? value : -value);
    }
    case 2:
      return random.pick([
        0x7fff_ffffn,
        0x8000_0000n,
        0xffff_ffffn,
        0x7fff_ffff_ffff_ffffn,
        0x8000_0000_0000_0000n,
        0xffff_ffff_8000_0000n,
        0xffff_ffff_7fff_ffffn,
        0x0000_0001_0000_0000n,
        allOnes,
      ]);
    case 3: { // a run of ones
      const length = BigInt(random.between(1, 63));
      return BigInt.asUintN(64, ((1n << length) - 1n) << BigInt(random.below(64)));
    }
    case 4: // sign-extended word
      return BigInt.asUintN(64, BigInt.asIntN(32, random.u64()));
    default:
      return random.u64();
  }
}

interface FloatShape {
  readonly exponentBits: bigint;
  readonly fractionBits: bigint;
}

const half: FloatShape = { exponentBits: 5n, fractionBits: 10n };
const single: FloatShape = { exponentBits: 8n, fractionBits: 23n };
const double: FloatShape = { exponentBits: 11n, fractionBits: 52n };

/** Bits of a floating-point number: zeros, subnormals, limits, infinities, both kinds of NaN. */
function cornerFloat(random: Random, { exponentBits, fractionBits }: FloatShape): bigint {
  const maximumExponent = (1n << exponentBits) - 1n;
  const bias = maximumExponent >> 1n;
  const fractionMask = (1n << fractionBits) - 1n;
  const exponent = random.weighted<bigint>([
    [3, 0n],
    [1, 1n],
    [3, maximumExponent],
    [1, maximumExponent - 1n],
    [6, BigInt.asUintN(Number(exponentBits), bias + BigInt(random.between(-70, 70)))],
    [2, random.u64() & maximumExponent],
  ]);
  const fraction = random.weighted<bigint>([
    [4, 0n],
    [1, 1n],
    [1, fractionMask],
    [1, 1n << (fractionBits - 1n)],
    [1, (1n << (fractionBits - 1n)) - 1n],
    [2, (random.u64() & fractionMask) >> BigInt(random.below(Number(fractionBits)))],
    [2, (random.u64() << BigInt(random.below(Number(fractionBits)))) & fractionMask],
    [3, random.u64() & fractionMask],
  ]);
  const sign = random.chance(0.5) ? 1n : 0n;
  return (((sign << exponentBits) | exponent) << fractionBits) | fraction;
}

/** 64 bits for a floating-point register: doubles, NaN-boxed narrower values, broken boxes. */
export function cornerFloatRegister(random: Random): bigint {
  switch (random.below(8)) {
    case 0:
      return random.u64(); // most likely an ill-boxed single (F and D manual, NaN boxing)
    case 1:
      return 0xffff_ffff_ffff_0000n | cornerFloat(random, half);
    case 2:
    case 3:
    case 4:
      return 0xffff_ffff_0000_0000n | cornerFloat(random, single);
    default:
      return cornerFloat(random, double);
  }
}
