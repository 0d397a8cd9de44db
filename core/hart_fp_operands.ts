/**
 * Operands for floating-point tests: reproducible, and biased to where arithmetic goes wrong.
 *
 * Fields are drawn from corner values, and later operands relate to earlier ones, so that sums
 * cancel, products meet their addend and results fall next to overflow and underflow.
 *
 * The digests in `hart_fp_digests.txt` belong to exactly this sequence of operands.
 *
 * @module
 */

/** What an operand or result is: a binary format or an integer type. */
export type OperandType = "h" | "s" | "d" | "w" | "wu" | "l" | "lu";

/** Field widths of the binary formats. */
export const formats: Readonly<Record<"h" | "s" | "d", { exponent: number; fraction: number }>> = {
  h: { exponent: 5, fraction: 10 },
  s: { exponent: 8, fraction: 23 },
  d: { exponent: 11, fraction: 52 },
};

/** A stream of operands. */
export class Operands {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt(seed) * 0x9e3779b97f4a7c15n & 0xffff_ffff_ffff_ffffn | 1n;
    for (let i = 0; i < 4; i++) this.#next();
  }

  /** One set of operands of one type, as patterns. */
  set(type: OperandType, count: number): bigint[] {
    if (type === "w" || type === "wu" || type === "l" || type === "lu") return [this.#integer()];
    const set = [this.#number(type)];
    if (count > 1) set.push(this.#below(2) ? this.#number(type) : this.#near(type, set[0]!));
    if (count > 2) set.push(this.#addend(type, set[0]!, set[1]!));
    return set;
  }

  /** xorshift64. */
  #next(): bigint {
    let x = this.#state;
    x ^= x << 13n & 0xffff_ffff_ffff_ffffn;
    x ^= x >> 7n;
    x ^= x << 17n & 0xffff_ffff_ffff_ffffn;
    return this.#state = x;
  }

  /** Below `limit`, from the better upper bits. */
  #below(limit: number): number {
    return Number((this.#next() >> 32n) * BigInt(limit) >> 32n);
  }

  #bits(count: number): bigint {
    return this.#next() >> BigInt(64 - count);
  }

  #integer(): bigint {
    const size = this.#below(65);
    let value = size === 0 ? 0n : this.#below(2) ? this.#bits(size) : 1n << BigInt(size - 1);
    if (this.#below(2)) value += BigInt(this.#below(5) - 2);
    return BigInt.asUintN(64, this.#below(2) ? -value : value);
  }

  #pack(type: "h" | "s" | "d", sign: number, exponent: number, fraction: bigint): bigint {
    const widths = formats[type];
    const top = (1 << widths.exponent) - 1;
    const field = BigInt(Math.min(Math.max(exponent, 0), top));
    return (BigInt(sign) << BigInt(widths.exponent) | field) << BigInt(widths.fraction) |
      BigInt.asUintN(widths.fraction, fraction);
  }

  #fraction(bits: number): bigint {
    const one = 1n << BigInt(this.#below(bits));
    switch (this.#below(8)) {
      case 0:
        return 0n;
      case 1:
        return one;
      case 2:
        return one - 1n;
      case 3:
        return -one;
      case 4:
        return 3n * one;
      case 5:
        return BigInt(this.#below(9) - 4);
      default:
        return this.#bits(bits);
    }
  }

  #exponent(type: "h" | "s" | "d"): number {
    const { exponent, fraction } = formats[type];
    const top = (1 << exponent) - 1;
    const bias = top >> 1;
    switch (this.#below(8)) {
      case 0:
        return this.#below(3);
      case 1:
        return top - this.#below(3);
      case 2:
        return bias + this.#below(2 * fraction) - fraction;
      case 3:
        return (bias >> 1) + this.#below(5) - 2;
      case 4:
        return bias + this.#below(5) - 2;
      case 5:
        return bias + this.#below(70) - 2;
      default:
        return this.#below(top + 1);
    }
  }

  #number(type: "h" | "s" | "d"): bigint {
    const sign = this.#below(2);
    return this.#pack(type, sign, this.#exponent(type), this.#fraction(formats[type].fraction));
  }

  #exponentField(type: "h" | "s" | "d", bits: bigint): number {
    const { exponent, fraction } = formats[type];
    return Number(BigInt.asUintN(exponent, bits >> BigInt(fraction)));
  }

  /** A number whose exponent is close to that of `bits`, or `bits` with another sign or last place. */
  #near(type: "h" | "s" | "d", bits: bigint): bigint {
    const { exponent, fraction } = formats[type];
    if (this.#below(4) === 0) {
      const sign = BigInt(this.#below(2)) << BigInt(exponent + fraction);
      return BigInt.asUintN(1 + exponent + fraction, bits + BigInt(this.#below(5) - 2)) ^ sign;
    }
    const distance = this.#below(2 * fraction + 6) - fraction - 3;
    const sign = this.#below(2);
    const field = this.#exponentField(type, bits) + distance;
    return this.#pack(type, sign, field, this.#fraction(fraction));
  }

  /** A number near the product of `a` and `b`, or any. */
  #addend(type: "h" | "s" | "d", a: bigint, b: bigint): bigint {
    const { exponent, fraction } = formats[type];
    if (this.#below(4) === 0) return this.#number(type);
    const bias = (1 << (exponent - 1)) - 1;
    const product = this.#exponentField(type, a) + this.#exponentField(type, b) - bias;
    const distance = this.#below(2) ? this.#below(4) - 1 : this.#below(4 * fraction) - 2 * fraction;
    const sign = this.#below(2);
    return this.#pack(type, sign, product + distance, this.#fraction(fraction));
  }
}
