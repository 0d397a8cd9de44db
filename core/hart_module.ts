/**
 * One instance of `hart.wasm`: the linear memory of a machine and typed access to what is in it.
 *
 * The layout comes from the module's exported globals (`Hart_pc`, `Machine_sliceEndNs`, `RAM_OFFSET`,
 * ...); nothing about it is written down here.
 *
 * @module
 */

/** What the module imports. */
export interface HartImports {
  /** MMIO read of `widthBytes`; the address is in {@link HartModule.ioAddress}; false is an access fault. */
  readBus(hartId: number, widthBytes: number): boolean;
  /** MMIO write of {@link HartModule.ioValue}. */
  writeBus(hartId: number, widthBytes: number): boolean;
  /** A trap was taken; called only while `Machine.traceTraps` is set. */
  traceTrap(hartId: number): void;
  /** A page of RAM that is absent is about to be looked at. */
  fetchPage(index: number): void;
}

/** A field of a hart's state. */
export interface HartField {
  readonly name: string;
  /** From the beginning of the hart's state. */
  readonly offset: number;
  readonly sizeBytes: 4 | 8;
}

interface HartExports {
  initialize(): void;
  reset(hartId: number): void;
  run(hartId: number, budget: number): number;
  isRunnable(hartId: number): number;
  isAnyStalled(): number;
  endStalledWaits(): void;
  flushTranslations(hartId: number): void;
  nextTimerNs(): number;
  readCsr(hartId: number, csr: number): bigint;
  decodedSlot(word: number): number;
  dropAllCode(): void;
  forgetCode(pointer: number): void;
  guardEntries(access: number): void;
  contextsReplaced(): void;
}

const WASM_PAGE_BYTES = 0x1_0000;
/** Enough for everything below RAM. */
const INITIAL_PAGES = 512;
const MAXIMUM_PAGES = 0x1_0000;
const INITIAL_TABLE_ENTRIES = 1024;

let compiled: WebAssembly.Module | undefined;
/** Where RAM begins, once an instance has said so. */
let ramOffset: number | undefined;

function compile(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Deno.readFileSync(new URL("./hart.wasm", import.meta.url)));
  return compiled;
}

/** A compiled hart core with its memory. */
export class HartModule {
  readonly memory: WebAssembly.Memory;
  /** Functions that the interpreter calls by index: translated code. Index 0 stays empty. */
  readonly table: WebAssembly.Table;
  readonly exports: HartExports;
  /** All of linear memory, as bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Guest RAM. */
  readonly ram: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #layout: ReadonlyMap<string, number>;
  #hartFields: readonly HartField[] | undefined;

  /**
   * @param ramSizeBytes a multiple of 64 KiB
   * @throws {RangeError} if the host cannot give so much memory
   */
  constructor(ramSizeBytes: number, imports: HartImports) {
    // Each gigabyte that is asked for is worth a garbage collection to V8: better once than twice.
    const initial = ramOffset === undefined
      ? INITIAL_PAGES
      : (ramOffset + ramSizeBytes) / WASM_PAGE_BYTES;
    this.memory = reserve(
      ramSizeBytes,
      () => new WebAssembly.Memory({ initial, maximum: MAXIMUM_PAGES }),
    );
    this.table = new WebAssembly.Table({ element: "anyfunc", initial: INITIAL_TABLE_ENTRIES });
    const instance = new WebAssembly.Instance(compile(), {
      env: {
        memory: this.memory,
        table: this.table,
        abort: () => {
          throw new Error("hart.wasm aborted");
        },
      },
      bus: {
        read: (hartId: number, width: number) => imports.readBus(hartId, width) ? 1 : 0,
        write: (hartId: number, width: number) => imports.writeBus(hartId, width) ? 1 : 0,
      },
      pages: { fetch: imports.fetchPage },
      trace: { trap: imports.traceTrap },
    });
    this.exports = instance.exports as unknown as HartExports;
    const layout = new Map<string, number>();
    for (const [name, value] of Object.entries(instance.exports)) {
      if (value instanceof WebAssembly.Global) layout.set(name, Number(value.value));
    }
    this.#layout = layout;
    ramOffset = this.layout("RAM_OFFSET");
    const pages = (ramOffset + ramSizeBytes) / WASM_PAGE_BYTES;
    if (pages > initial) reserve(ramSizeBytes, () => this.memory.grow(pages - initial));
    this.bytes = new Uint8Array(this.memory.buffer as ArrayBuffer);
    this.ram = this.bytes.subarray(ramOffset, ramOffset + ramSizeBytes);
    this.#view = new DataView(this.memory.buffer);
  }

  /** Value of an exported layout constant. */
  layout(name: string): number {
    const value = this.#layout.get(name);
    if (value === undefined) throw new Error(`hart.wasm exports no ${name}`);
    return value;
  }

  /** Linear-memory address of a field of the machine-wide state. */
  machineField(name: string): number {
    return this.layout("MACHINE_BASE") + this.layout(`Machine_${name}`);
  }

  /** Linear-memory address of a field of a hart's state. */
  hartField(hartId: number, name: string): number {
    return this.layout("HARTS_BASE") + hartId * this.layout("HART_STRIDE") +
      this.layout(`Hart_${name}`);
  }

  /** All fields of a hart's state, in the order of the layout. */
  get hartFields(): readonly HartField[] {
    return this.#hartFields ??= fieldsOf("Hart_", this.#layout);
  }

  getU32(address: number): number {
    return this.#view.getUint32(address, true);
  }

  setU32(address: number, value: number): void {
    this.#view.setUint32(address, value, true);
  }

  getU64(address: number): bigint {
    return this.#view.getBigUint64(address, true);
  }

  setU64(address: number, value: bigint): void {
    this.#view.setBigUint64(address, value, true);
  }

  /** An unsigned 64-bit field as a number; exact below 2^53. */
  getNumber(address: number): number {
    return this.#view.getUint32(address + 4, true) * 2 ** 32 + this.#view.getUint32(address, true);
  }

  /** Writes a number below 2^53 to a 64-bit field. */
  setNumber(address: number, value: number): void {
    this.#view.setUint32(address, value % 2 ** 32, true);
    this.#view.setUint32(address + 4, Math.floor(value / 2 ** 32), true);
  }
}

/** The layout ends with the size of the whole, which is no field. */
function fieldsOf(prefix: string, layout: ReadonlyMap<string, number>): HartField[] {
  const all = [...layout].filter(([key]) => key.startsWith(prefix)).sort((a, b) => a[1] - b[1]);
  return all.slice(0, -1).map(([key, offset], index) => ({
    name: key.slice(prefix.length),
    offset,
    sizeBytes: all[index + 1]![1] - offset >= 8 ? 8 : 4,
  }));
}

function reserve<T>(ramSizeBytes: number, from: () => T): T {
  try {
    return from();
  } catch (cause) {
    throw new RangeError(
      `Cannot reserve ${
        ramSizeBytes / 2 ** 20
      } MiB for the machine's RAM: the host is out of address space or memory`,
      { cause },
    );
  }
}
