/**
 * Operands for fused multiply-add where rounding goes wrong: products and sums at or next to a tie, sums that
 * cancel, operands far apart, at the ends of the range. The same for every format.
 *
 * @module
 */

import type { Random } from "../conformance/random.ts";
import {
  type BinaryFormat,
  canonicalNaN,
  FLAG,
  multiplyAdd,
  round,
} from "./float_exact_testing.ts";

/** Patterns of a, b and c. */
export type Triple = readonly [a: bigint, b: bigint, c: bigint];

/** Kinds of operands. */
export type OperandFamily =
  /** Numbers of everyday size with random digits. */
  | "ordinary"
  /** Special numbers and random ones, mixed. */
  | "corners"
  /** The product is nearly or exactly between two numbers; c tips it, makes it a tie, or is far below. */
  | "nearTie"
  /** c and the product's leading part make a tie, the product's tail decides. */
  | "tieWithAddend"
  /** c is close to -a * b, or is it rounded. */
  | "cancelling"
  /** The product has no error. */
  | "exactProduct"
  /** Product and addend are up to thrice the precision apart. */
  | "farApart"
  /** Exponents around the ends of the range, and of what the fast way accepts. */
  | "atLimits";

/** A stream of operands in one format. */
export class FmaOperands {
  /** Zeros, subnormals, limits, infinities, NaNs, numbers around 1; of both signs. */
  readonly special: readonly bigint[];
  readonly #format: BinaryFormat;
  readonly #random: Random;
  /** Bits of a significand. */
  readonly #precision: number;
  readonly #bias: number;

  constructor(format: BinaryFormat, random: Random) {
    this.#format = format;
    this.#random = random;
    this.#precision = format.fractionBits + 1;
    this.#bias = 2 ** (format.exponentBits - 1) - 1;
    const normal = 1n << BigInt(format.fractionBits);
    const infinity = ((1n << BigInt(format.exponentBits)) - 1n) * normal;
    const one = this.#power(0);
    const nan = canonicalNaN(format);
    this.special = [0n, 1n, normal - 1n, normal, normal + 1n, one - 1n, one, one + 1n, 3n << 20n]
      .concat([this.#power(1), this.#power(-1), infinity - 1n, infinity, nan, infinity + 1n])
      .flatMap((bits) => [bits, bits | this.#sign]);
  }

  triple(family: OperandFamily): Triple {
    switch (family) {
      case "ordinary":
        return [this.#near(0, 30), this.#near(0, 30), this.#near(0, 40)];
      case "corners":
        return [this.#any(), this.#any(), this.#any()];
      case "nearTie":
        return this.#nearTie();
      case "tieWithAddend":
        return this.#tieWithAddend();
      case "cancelling":
        return this.#cancelling();
      case "exactProduct":
        return this.#exactProduct();
      case "farApart": {
        const [a, b] = [this.#near(0, 20), this.#near(0, 20)];
        return [a, b, this.#near(this.#exponentOf(a) + this.#exponentOf(b), 3 * this.#precision)];
      }
      case "atLimits":
        return this.#atLimits();
    }
  }

  get #sign(): bigint {
    return 1n << BigInt(this.#format.fractionBits + this.#format.exponentBits);
  }

  get #someSign(): boolean {
    return this.#random.chance(0.5);
  }

  /** Bits of the given number, uniformly. */
  #bits(count: number): bigint {
    return BigInt.asUintN(count, this.#random.u64());
  }

  /** The pattern of 2^exponent, or where the range ends. */
  #power(exponent: number): bigint {
    const top = 2 * this.#bias;
    const field = Math.min(Math.max(exponent + this.#bias, 0), top);
    return BigInt(field) << BigInt(this.#format.fractionBits);
  }

  #exponentOf(bits: bigint): number {
    const field = BigInt.asUintN(
      this.#format.exponentBits,
      bits >> BigInt(this.#format.fractionBits),
    );
    return Number(field) - this.#bias;
  }

  /** Random digits, an exponent around the given one. */
  #near(exponent: number, spread: number): bigint {
    const bits = this.#power(exponent + this.#random.between(-spread, spread)) |
      this.#bits(this.#format.fractionBits);
    return this.#someSign ? bits | this.#sign : bits;
  }

  #any(): bigint {
    const random = this.#random;
    switch (random.below(4)) {
      case 0:
        return random.pick(this.special);
      case 1:
        return this.#near(0, this.#precision);
      case 2: // few digits
        return this.#number(this.#bits(random.between(1, 12)) | 1n, random.between(-60, 60));
      default:
        return this.#bits(1 + this.#format.exponentBits + this.#format.fractionBits);
    }
  }

  /** The pattern of ±integer * 2^exponent, rounded. */
  #number(integer: bigint, exponent: number, isNegative = this.#someSign): bigint {
    if (integer === 0n) return isNegative ? this.#sign : 0n;
    return round(this.#format, { isNegative, integer, exponent }).bits;
  }

  /** The inverse of an odd number modulo 2^count. */
  #inverse(odd: bigint, count: number): bigint {
    let inverse = odd;
    for (let bits = 3; bits < count; bits *= 2) {
      inverse = BigInt.asUintN(count, inverse * (2n - odd * inverse));
    }
    return inverse;
  }

  /** Significands whose product ends in half a unit plus `distance` of its own last places. */
  #tyingFactors(distance: bigint): [a: bigint, b: bigint] {
    const p = this.#precision;
    for (;;) {
      const b = this.#bits(p) | 1n | (1n << BigInt(p - 1));
      // The product has 2p or 2p - 1 bits, of which it loses p or p - 1.
      const lost = p - this.#random.below(2);
      const tail = (1n << BigInt(lost - 1)) + distance;
      const a = BigInt.asUintN(p, tail * this.#inverse(b, p)) | (1n << BigInt(p - 1));
      const product = a * b;
      const fits = product >> BigInt(lost + p - 1) === 1n;
      if (fits && BigInt.asUintN(lost, product) === tail) return [a, b];
    }
  }

  #nearTie(): Triple {
    const random = this.#random;
    const p = this.#precision;
    const distance = BigInt(random.pick([0, 0, 1, -1, 2, -3, random.between(-1000, 1000)]));
    const [a, b] = this.#tyingFactors(distance);
    const scale = random.between(-20, 20);
    const unit = scale - 2 * (p - 1); // the product's last place
    let c: bigint;
    switch (random.below(5)) {
      case 0: // completes the tie, or misses it by one of the product's last places
        c = this.#number(BigInt(random.below(2)) - distance, unit, false);
        break;
      case 1: // tips it, far below
        c = this.#number(1n, unit - random.between(0, 60));
        break;
      case 2:
        c = this.#number(BigInt(random.between(0, 3)), unit + random.between(0, p));
        break;
      case 3:
        c = random.chance(0.5) ? 0n : this.#sign;
        break;
      default:
        c = this.#near(scale + 1 - random.between(0, 2 * p), 2);
    }
    const negates = this.#someSign;
    const sign = negates ? this.#sign : 0n;
    return [this.#number(a, scale - p + 1, negates), this.#number(b, 1 - p, false), c ^ sign];
  }

  /** c, and a product near an odd multiple of half c's last place. */
  #tieWithAddend(): Triple {
    const random = this.#random;
    const p = this.#precision;
    const c = this.#near(0, 10);
    const halfPlace = this.#exponentOf(c) - p;
    const odd = BigInt(2 * random.below(random.pick([1, 4, 1 << 10])) + 1);
    const b = this.#bits(p) | (1n << BigInt(p - 1));
    // a = odd / b, rounded: the product misses by less than its own last place.
    const quotient = (odd << BigInt(3 * p)) / b;
    const a = this.#number(quotient, halfPlace - 3 * p - random.pick([0, 0, 0, 1]));
    const nudged = a + BigInt(random.between(-1, 1));
    return [random.chance(0.3) ? this.#exactHalf(a) : nudged, this.#number(b, 0), c];
  }

  /** A number next to `bits` with few digits, so that some products are exact ties. */
  #exactHalf(bits: bigint): bigint {
    const dropped = BigInt(this.#random.between(1, this.#format.fractionBits));
    return (bits >> dropped) << dropped;
  }

  #cancelling(): Triple {
    const random = this.#random;
    const [a, b] = [this.#near(0, 30), this.#near(0, 30)];
    const { bits, flags } = multiplyAdd(this.#format, a, b, 0n);
    if ((flags & ~FLAG.NX) !== 0) return [a, b, bits];
    const distance = random.pick([0, 0, 0, 1, -1, random.between(-64, 64)]);
    return [a, b, (bits + BigInt(distance)) ^ this.#sign];
  }

  #exactProduct(): Triple {
    const random = this.#random;
    const digits = random.between(1, this.#precision - 1);
    const a = this.#number(this.#bits(digits) | 1n, random.between(-20, 20));
    const b = this.#number(this.#bits(this.#precision - digits) | 1n, random.between(-20, 20));
    const product = this.#exponentOf(a) + this.#exponentOf(b);
    return [a, b, this.#near(product, random.pick([1, 8, this.#precision + 3]))];
  }

  #atLimits(): Triple {
    const random = this.#random;
    const isDouble = this.#format.exponentBits === 11;
    const edges = [0, this.#bias, 1 - this.#bias, -this.#bias - this.#precision]
      .concat(isDouble ? [900, -900, 450, -450, -1022 + 53] : [64, -64, -126 + 24]);
    const a = this.#edge(random.pick(edges));
    // The product or the sum meets an edge, too.
    const target = random.pick(edges);
    const b = this.#edge(
      random.chance(0.7) ? target - this.#exponentOf(a) : random.pick(edges),
    );
    const product = this.#exponentOf(a) + this.#exponentOf(b);
    const c = this.#edge(random.pick([random.pick(edges), product, product - this.#precision]));
    return [a, b, c];
  }

  /** A number next to a power of two, subnormal if that is. */
  #edge(exponent: number): bigint {
    const random = this.#random;
    const digits = random.pick([
      1n << BigInt(this.#precision - 1),
      (1n << BigInt(this.#precision)) - 1n,
      (1n << BigInt(this.#precision - 1)) + 1n,
      this.#bits(this.#precision) | (1n << BigInt(this.#precision - 1)),
    ]);
    return this.#number(digits, exponent - this.#precision + 1 + random.between(-1, 1));
  }
}
