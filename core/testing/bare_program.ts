/**
 * Small machine-mode programs for tests of the harts: code in RAM, no firmware, no board.
 *
 * A program starts on every hart in M-mode at {@link RAM}. Before the test's own code it opens the PMP
 * and installs a trap handler; behind it every hart waits for ever, so that the run ends with "idle".
 *
 * @module
 */

import { Assembler, reg } from "../conformance/assembler.ts";
import { csrAddress } from "../conformance/csr_map.ts";
import { HartArray, type HartArrayOptions, type TrapRecord } from "../hart_array.ts";

/** Physical address of RAM, and of the first instruction. */
export const RAM = 0x8000_0000;
const DEFAULT_RAM_BYTES = 0x10_0000;

/** Bits of `mstatus`, as the tests use them. */
export const MSTATUS = {
  MIE: 1n << 3n,
  MPIE: 1n << 7n,
  MPRV: 1n << 17n,
  SUM: 1n << 18n,
  MPV: 1n << 39n,
  mpp: (privilege: number): bigint => BigInt(privilege) << 11n,
} as const;

/** Supervisor timers exist (`menvcfg.STCE`, `henvcfg.STCE`). */
export const STCE = 1n << 63n;

/** Assembler with the idioms of machine-mode code. `t5` is scratch, `t6` belongs to the handler. */
export class Program extends Assembler {
  constructor() {
    super(RAM);
  }

  /** Address of a CSR. */
  csr(name: string): number {
    const address = csrAddress.get(name);
    if (address === undefined) throw new RangeError(`Unknown CSR "${name}"`);
    return address;
  }

  /** `name = value`, by way of t5. */
  setCsr(name: string, value: bigint): this {
    return this.constant(reg.t5, value).op("csrrw", 0, this.csr(name), reg.t5);
  }

  /** `rd = name`. */
  getCsr(rd: number, name: string): this {
    return this.op("csrrs", rd, this.csr(name), 0);
  }

  /** Sets bits of a CSR, by way of t5. */
  setBits(name: string, bits: bigint): this {
    return this.constant(reg.t5, bits).op("csrrs", 0, this.csr(name), reg.t5);
  }

  /** Clears bits of a CSR, by way of t5. */
  clearBits(name: string, bits: bigint): this {
    return this.constant(reg.t5, bits).op("csrrc", 0, this.csr(name), reg.t5);
  }

  /** Goes on behind this instruction in another mode. */
  enter(privilege: number, virtual = false): this {
    const here = `enter_${this.here}`;
    return this.clearBits("mstatus", MSTATUS.mpp(3) | MSTATUS.MPV)
      .setBits("mstatus", MSTATUS.mpp(privilege) | (virtual ? MSTATUS.MPV : 0n))
      .address(reg.t5, here)
      .op("csrrw", 0, this.csr("mepc"), reg.t5)
      .op("mret")
      .label(here);
  }

  /** Waits for ever. */
  end(): this {
    const here = `end_${this.here}`;
    return this.label(here).op("wfi").jump(here);
  }
}

/** What the trap handler does before it returns. */
export type Handler = "skip" | ((program: Program) => void);

/** Options of {@link bareProgram}. */
export interface BareProgramOptions extends Partial<HartArrayOptions> {
  /** Body of the M-mode handler; "skip" returns behind the trapping 4-byte instruction. */
  readonly handler?: Handler;
}

/** Harts with a program in RAM; they have executed nothing yet. */
export interface BareProgram {
  readonly harts: HartArray;
  /** Address of the first instruction of the test's own code. */
  readonly bodyPc: number;
  /** Every trap so far, once {@link recordTraps} was called. */
  readonly traps: TimedTrap[];
  /** Starts to record traps. */
  recordTraps(): void;
}

/** A trap and when it was taken. */
export interface TimedTrap extends TrapRecord {
  /** Virtual time in nanoseconds. */
  readonly nowNs: number;
}

/**
 * Assembles a program and puts it into the RAM of fresh harts. `body` may write to their RAM behind the
 * code, for page tables.
 */
export function bareProgram(
  body: (program: Program, harts: HartArray) => void,
  options: BareProgramOptions = {},
): BareProgram {
  const { handler = "skip", ...hartOptions } = options;
  const harts = new HartArray({
    harts: 1,
    ramBase: RAM,
    ramSizeBytes: DEFAULT_RAM_BYTES,
    ...hartOptions,
  });
  const program = new Program();
  program.jump("prologue").label("handler");
  if (handler === "skip") {
    program.op("csrrs", reg.t6, program.csr("mepc"), 0)
      .op("addi", reg.t6, reg.t6, 4)
      .op("csrrw", 0, program.csr("mepc"), reg.t6)
      .op("mret");
  } else handler(program);
  program.label("prologue").address(reg.t5, "handler")
    .op("csrrw", 0, program.csr("mtvec"), reg.t5)
    .setCsr("pmpaddr15", (1n << 54n) - 1n)
    .setCsr("pmpcfg2", 0x1fn << 56n);
  const bodyPc = program.here;
  body(program, harts);
  program.end();
  harts.ramAt(RAM, harts.module.ram.length)!.set(program.finish());
  const traps: TimedTrap[] = [];
  const recordTraps = () => {
    harts.onTrap = (trap) => traps.push({ ...trap, nowNs: harts.nowNs });
  };
  return { harts, bodyPc, traps, recordTraps };
}

/** Runs the test's own code up to the final wait; fails if it takes too long. */
export function runToEnd({ harts }: BareProgram, maxInstructions = 1_000_000): void {
  const result = harts.run(maxInstructions);
  if (result !== "idle") throw new Error(`The program did not come to its end: ${result}`);
}

/** Value of an integer register. */
export function x(harts: HartArray, register: number, hartId = 0): bigint {
  return harts.get(hartId, `x${register}`);
}

/** A view of RAM for 64-bit words at physical addresses. */
export function ramView(harts: HartArray): {
  get(address: number): bigint;
  set(address: number, value: bigint): void;
} {
  const bytes = harts.ramAt(RAM, harts.module.ram.length)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    get: (address) => view.getBigUint64(address - RAM, true),
    set: (address, value) => view.setBigUint64(address - RAM, BigInt.asUintN(64, value), true),
  };
}
