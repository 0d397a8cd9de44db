/**
 * Where the harts are, with names as far as there are any.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { registersOf, type TranslationRegisters } from "../page_tables/translate.ts";
import { AddressSpace } from "./address_space.ts";
import { backtrace, type TraceStart } from "./backtrace.ts";
import { guestTranslation, hostTranslation, modeOf } from "./hart_mode.ts";
import type { Backtrace, HartMode, HartReport } from "./hart_report.ts";
import { findKernelSymbols } from "./kernel_image.ts";
import { SymbolTable } from "./symbol_table.ts";
import type { SymbolSource } from "./symbols.ts";

/** Whose symbols hold in a mode, besides a program's. */
const WHOSE: Readonly<Record<HartMode, SymbolSource["whose"] | undefined>> = {
  M: "firmware",
  HS: "host",
  U: undefined,
  VS: "guest",
  VU: undefined,
};
const TRACE_OF: Readonly<Record<SymbolSource["whose"], Backtrace["of"]>> = {
  firmware: "firmware",
  host: "host kernel",
  guest: "guest kernel",
  program: "program",
};
/** KVM keeps the host's registers near the address in `sscratch` while a guest runs. */
const VCPU_BYTES = 2048;
/** Places of registers in `struct kvm_cpu_context`, from `ra` on. */
const CONTEXT = { ra: 0, sp: 8, s0: 56 } as const;

/** Reports on all harts. */
export function reportHarts(harts: HartArray, sources: readonly SymbolSource[]): HartReport[] {
  const symbols = new Symbols(harts, sources);
  return Array.from({ length: harts.hartCount }, (_, hart) => reportHart(harts, hart, symbols));
}

function reportHart(harts: HartArray, hart: number, symbols: Symbols): HartReport {
  const mode = modeOf(harts, hart);
  const register = (name: string) => harts.get(hart, name);
  const [ra, sp, fp] = [register("x1"), register("x2"), register("x8")];
  const start = { pc: register("pc"), ra, sp, fp };
  const backtraces: Backtrace[] = [];
  const known = symbols.of(hart, WHOSE[mode]);
  const own = known?.table ?? EMPTY;
  const trace = (translation: TranslationRegisters, from: TraceStart, table: SymbolTable) =>
    backtrace(new AddressSpace(harts, translation), from, table);
  if (known !== undefined) {
    const frames = trace(registersOf(harts, hart), start, own);
    if (frames.length > 0) backtraces.push({ of: TRACE_OF[known.whose], frames });
  }
  if (mode === "VS" || mode === "VU") {
    const host = symbols.of(hart, "host")?.table;
    const from = host && hostContext(harts, hart, host);
    if (host !== undefined && from !== undefined) {
      const caller = { pc: from.ra, symbol: host.describe(from.ra) };
      const frames = [caller, ...trace(hostTranslation(harts, hart), from, host)];
      backtraces.push({ of: "host kernel", frames });
    }
  }
  const symbol = own.describe(start.pc);
  return { hart, mode, pc: start.pc, symbol, isWaiting: harts.isWaiting(hart), backtraces };
}

const EMPTY = new SymbolTable([]);

/** Where the host kernel entered the guest: KVM saved its registers. */
function hostContext(harts: HartArray, hart: number, symbols: SymbolTable): TraceStart | undefined {
  const space = new AddressSpace(harts, hostTranslation(harts, hart));
  const vcpu = space.read(harts.get(hart, "sscratch"), VCPU_BYTES);
  if (vcpu === undefined) return undefined;
  const view = new DataView(vcpu.buffer);
  for (let at = 0; at + CONTEXT.s0 + 8 <= VCPU_BYTES; at += 8) {
    const ra = view.getBigUint64(at + CONTEXT.ra, true);
    if (symbols.find(ra)?.name.startsWith("kvm_") !== true) continue;
    const sp = view.getBigUint64(at + CONTEXT.sp, true);
    if (space.translate(sp) === undefined) continue;
    return { pc: ra, ra, sp, fp: view.getBigUint64(at + CONTEXT.s0, true) };
  }
  return undefined;
}

/** Finds symbols, each once: several harts run one kernel. */
class Symbols {
  readonly #harts: HartArray;
  readonly #sources: readonly SymbolSource[];
  readonly #kernels = new Map<string, SymbolTable | undefined>();

  constructor(harts: HartArray, sources: readonly SymbolSource[]) {
    this.#harts = harts;
    this.#sources = sources;
  }

  of(
    hart: number,
    whose: SymbolSource["whose"] | undefined,
  ): { table: SymbolTable; whose: SymbolSource["whose"] } | undefined {
    const given = this.#sources.find((source) => source.whose === whose) ??
      this.#sources.find((source) => source.whose === "program");
    if (given !== undefined) return given;
    if (whose !== "host" && whose !== "guest") return undefined;
    const isHost = whose === "host";
    const translation = (isHost ? hostTranslation : guestTranslation)(this.#harts, hart);
    if (translation.satp === 0n) return undefined;
    const handler = this.#harts.get(hart, isHost ? "stvec" : "vstvec");
    const key = `${handler - handler % HANDLER_PAGE} ${translation.hgatp ?? ""}`;
    if (!this.#kernels.has(key)) {
      const space = new AddressSpace(this.#harts, translation);
      this.#kernels.set(key, findKernelSymbols(space, handler));
    }
    const table = this.#kernels.get(key);
    return table && { table, whose };
  }
}

const HANDLER_PAGE = 0x20_0000n;
