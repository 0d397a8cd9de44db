/**
 * Names of addresses.
 *
 * @module
 */

/** Something that has a name. */
export interface Symbol {
  readonly address: bigint;
  readonly name: string;
  /** How far it reaches, if that is known. */
  readonly sizeBytes?: number;
}

/** Farther behind a symbol of unknown size it is not likely that one is still in it. */
const LONGEST_FUNCTION = 0x4_0000n;

/** Symbols in the order of their addresses. */
export class SymbolTable {
  readonly #symbols: readonly Symbol[];
  #byName: ReadonlyMap<string, bigint> | undefined;

  constructor(symbols: readonly Symbol[]) {
    // Of several at one address the first stays the first.
    this.#symbols = [...symbols].sort((a, b) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : 0
    );
  }

  /** Number of symbols. */
  get size(): number {
    return this.#symbols.length;
  }

  /** Address of a symbol. */
  addressOf(name: string): bigint | undefined {
    this.#byName ??= new Map(this.#symbols.map((symbol) => [symbol.name, symbol.address]));
    return this.#byName.get(name);
  }

  /** The symbol that an address lies in, and how far in. */
  find(address: bigint): { readonly name: string; readonly offset: bigint } | undefined {
    let low = 0;
    let high = this.#symbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#symbols[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    let symbol = this.#symbols[low - 1];
    while (low > 1 && this.#symbols[low - 2]!.address === symbol!.address) {
      symbol = this.#symbols[--low - 1];
    }
    if (symbol === undefined) return undefined;
    const offset = address - symbol.address;
    const end = symbol.sizeBytes ? BigInt(symbol.sizeBytes) : LONGEST_FUNCTION;
    return offset < end ? { name: symbol.name, offset } : undefined;
  }

  /** `name+0x12`, if the address lies in a symbol. */
  describe(address: bigint): string | undefined {
    const found = this.find(address);
    if (found === undefined) return undefined;
    return found.offset === 0n ? found.name : `${found.name}+0x${found.offset.toString(16)}`;
  }
}
