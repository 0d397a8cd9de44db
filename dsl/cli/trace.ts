/**
 * `--trace`: what the harts execute and which traps they take, as lines of text.
 *
 * Traps stand as QEMU's `-d int` writes them. Instructions stand one a line, in the order executed,
 * before the exception that they raise:
 *
 * ```text
 * Trace 0: M 0x0000000080000000: 00000297 auipc x5,0x0
 * riscv_cpu_do_interrupt: hart:0, async:0, cause:000000000000000b, epc:0x0000000080000004, tval:0x0000000000000000, desc=machine_ecall
 * ```
 *
 * The mode is M, S, U, VS or VU. An instruction that cannot be fetched has no line, only its fault.
 * Tracing does not change what the machine does: instructions, times and results are the same.
 *
 * @module
 */

import type { HartArray, TrapRecord } from "../../core/hart_array.ts";
import { disassemble } from "../../core/isa/disassemble.ts";
import { CodeReader } from "./code_reader.ts";
import type { TraceKind } from "./options.ts";
import { trapName } from "./trap_names.ts";

const INTERRUPT = 1n << 63n;
/** An interrupt that VS-mode takes is numbered as a supervisor's there (Privileged 1.12, 9.6.1). */
const VS_RENUMBERED: readonly bigint[] = [1n, 5n, 9n];
/** Instruction access, page and guest-page fault: the instruction was not even fetched. */
const FETCH_FAULTS: readonly bigint[] = [1n, 12n, 20n];
const MODES = ["U", "S", "reserved", "M"];

/** 64 bits in hexadecimal, all digits. */
function hex64(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, "0");
}

/** A trap as QEMU's `-d int` prints it. */
export function trapLine(trap: TrapRecord): string {
  const isInterrupt = (trap.cause & INTERRUPT) !== 0n;
  let code = trap.cause & ~INTERRUPT;
  // QEMU logs the hypervisor's number of the interrupt, before it gives the guest its own.
  if (isInterrupt && trap.toVirtual && VS_RENUMBERED.includes(code)) code += 1n;
  return `riscv_cpu_do_interrupt: hart:${trap.hartId}, async:${isInterrupt ? 1 : 0}, ` +
    `cause:${hex64(code)}, epc:0x${hex64(trap.epc)}, tval:0x${hex64(trap.tval)}, ` +
    `desc=${trapName(Number(code), isInterrupt)}`;
}

/** Writes a trace of a machine's harts from its creation until {@link Tracer.finish}. */
export class Tracer {
  readonly #harts: HartArray;
  readonly #write: (line: string) => void;
  readonly #code: CodeReader;
  readonly #withInstructions: boolean;
  /** The line of the instruction in execution, until it is known that it was begun. */
  #pending: string | undefined;

  /** @param write takes each line, without line break */
  constructor(harts: HartArray, kind: TraceKind, write: (line: string) => void) {
    this.#harts = harts;
    this.#write = write;
    this.#code = new CodeReader(harts);
    this.#withInstructions = kind !== "traps";
    harts.onTrap = (trap) => this.#trapped(trap, kind !== "instructions");
    if (this.#withInstructions) {
      harts.onInstruction = (hartId) => {
        this.#flush();
        this.#pending = this.#instructionLine(hartId);
      };
    }
  }

  /** Writes what is left; the harts run at full speed again. */
  finish(): void {
    this.#flush();
    this.#harts.onTrap = undefined;
    this.#harts.onInstruction = undefined;
  }

  #trapped(trap: TrapRecord, write: boolean): void {
    const isInterrupt = (trap.cause & INTERRUPT) !== 0n;
    // An interrupt comes before the instruction: what is executed is the handler's first one.
    if (isInterrupt || FETCH_FAULTS.includes(trap.cause)) this.#pending = undefined;
    else this.#flush();
    if (write) this.#write(trapLine(trap));
    if (isInterrupt && this.#withInstructions) {
      this.#pending = this.#instructionLine(trap.hartId);
    }
  }

  #flush(): void {
    if (this.#pending !== undefined) this.#write(this.#pending);
    this.#pending = undefined;
  }

  #instructionLine(hartId: number): string | undefined {
    const pc = this.#harts.get(hartId, "pc");
    const word = this.#code.read(hartId, pc);
    if (word === undefined) return undefined;
    const { privilege, virtual } = this.#harts.mode(hartId);
    const digits = (word & 3) === 3 ? 8 : 4;
    return `Trace ${hartId}: ${virtual ? "V" : ""}${MODES[privilege]} 0x${hex64(pc)}: ` +
      `${word.toString(16).padStart(digits, "0")} ${disassemble(word, pc)}`;
  }
}
