// Interrupts at every instruction of hot code: raised from outside after each number of instructions, and
// by a timer set to each of the next instructions. The trap comes at that very instruction, and the state
// that the handler finds is the interpreter's.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  type Program,
  RAM,
  ramView,
  STCE,
} from "../../testing/bare_program.ts";
import { AddressSpace, pte, RWX, TablePages } from "../../testing/page_tables.ts";
import { ProbeDevice } from "../../testing/probe_device.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";
import { emitHotLoop, LOOP_REGISTERS } from "./hot_loop_testing.ts";

const LOG = RAM + 0x1_0000;
const DATA = RAM + 0xc000;
const TABLES = RAM + 0x8_0000;
const DEVICE = 0x1000_0000;
const TIMEBASE_HZ = 1e9; // an instruction, a tick
const DEADLINES = 200;
/** Instructions from a handler's reading of time to its MRET or SRET, and a little more. */
const FIRST_DELAY = 40;
const RECORD_BYTES = 0x80;
const FAR = (1n << 64n) - 1n;

/** Writes CSRs and the loop's registers to the log at `scratch`; t6 is its end afterwards, t5 free. */
function logState(a: Program, scratch: string, csrs: readonly string[]): void {
  a.op("csrrw", reg.t6, a.csr(scratch), reg.t6);
  csrs.forEach((name, i) => a.getCsr(reg.t5, name).op("sd", reg.t5, 8 * i, reg.t6));
  LOOP_REGISTERS.forEach((register, i) => a.op("sd", register, 8 * (csrs.length + i), reg.t6));
  a.op("addi", reg.t6, reg.t6, RECORD_BYTES);
}

function endLog(a: Program, scratch: string): Program {
  return a.op("csrrw", reg.t6, a.csr(scratch), reg.t6);
}

const M_CSRS = ["mepc", "mcause", "minstret", "mcycle", "mstatus"];

Deno.test("an external interrupt after each number of instructions", () => {
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.setCsr("mscratch", BigInt(LOG)).constant(reg.s0, BigInt(DATA)).constant(
        reg.s7,
        BigInt(DEVICE),
      );
      a.setCsr("mie", 1n << 11n).setBits("mstatus", MSTATUS.MIE);
      emitHotLoop(a);
    }, {
      jit,
      handler: (a) => {
        logState(a, "mscratch", M_CSRS);
        a.op("sw", 0, 0, reg.s7); // takes the line back
        endLog(a, "mscratch").op("mret");
      },
    });
    const line = program.harts.interrupt(0, "MEIP");
    program.harts.bus.map("ack", DEVICE, new ProbeDevice({ onWrite: () => line.set(false) }));
    return program;
  }, {
    drive: ({ harts, traps }) => {
      harts.run(3000);
      const line = harts.interrupt(0, "MEIP");
      for (let wait = 1; wait <= DEADLINES; wait++) {
        harts.run(wait);
        const before = harts.nowNs;
        line.set(true);
        harts.run(60);
        assertEquals(traps.length, wait);
        assertEquals(traps.at(-1)!.nowNs, before);
      }
    },
  });
});

Deno.test("an external interrupt that a device raises at each time", () => {
  const due: number[] = [];
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.setCsr("mscratch", BigInt(LOG)).constant(reg.s0, BigInt(DATA)).constant(
        reg.s7,
        BigInt(DEVICE),
      );
      a.setCsr("mie", 1n << 11n).setBits("mstatus", MSTATUS.MIE).op("sw", 0, 0, reg.s7);
      emitHotLoop(a);
    }, {
      jit,
      handler: (a) => {
        logState(a, "mscratch", M_CSRS);
        a.op("sw", 0, 0, reg.s7);
        endLog(a, "mscratch").op("mret");
      },
    });
    const { harts } = program;
    const line = harts.interrupt(0, "MEIP");
    due.length = 0;
    const onWrite = () => {
      line.set(false);
      const at = harts.nowNs + FIRST_DELAY + due.length;
      due.push(at);
      harts.clock.schedule(BigInt(at), () => line.set(true));
    };
    harts.bus.map("timer", DEVICE, new ProbeDevice({ onWrite }));
    return program;
  }, {
    drive: ({ harts }) => harts.run(DEADLINES * (FIRST_DELAY + DEADLINES / 2 + 30)),
    check: ({ traps }) => {
      assertEquals(traps.length >= DEADLINES, true);
      assertEquals(traps.map(({ nowNs }) => nowNs), due.slice(0, traps.length));
    },
  });
});

/** A timer that the handler sets anew each time, a tick farther away than the time before. */
interface Timer {
  readonly name: string;
  readonly cause: bigint;
  /** The level whose handler runs. */
  readonly level: "m" | "s";
  /** Emits what makes the deadline in t5 (a `time` value) count. */
  readonly set: (a: Program) => void;
  /** Sets up interrupts and enters the mode that the loop runs in. */
  readonly prepare: (a: Program, harts: BareProgram["harts"]) => void;
}

const INTERRUPT = 1n << 63n;

/** Trap vector of a supervisor level, by way of t5. */
function vector(a: Program, csr: string): Program {
  return a.address(reg.t5, "s_trap").op("csrrw", 0, a.csr(csr), reg.t5);
}

function identity(harts: BareProgram["harts"], isGuest: boolean): { satp: bigint; hgatp: bigint } {
  const pages = new TablePages(harts, TABLES);
  const satp = new AddressSpace(pages).map(BigInt(RAM), RAM, RWX, 2).atp();
  if (!isGuest) return { satp, hgatp: 0n };
  const flags = RWX | pte.U;
  return {
    satp,
    hgatp: new AddressSpace(pages, undefined, true).map(BigInt(RAM), RAM, flags, 2).atp(),
  };
}

const TIMERS: readonly Timer[] = [
  {
    name: "mtimecmp, in M-mode",
    cause: INTERRUPT | 7n,
    level: "m",
    set: (a) => a.op("sd", reg.t5, 0, reg.s7),
    prepare: (a) => a.setCsr("mie", 1n << 7n).setBits("mstatus", MSTATUS.MIE),
  },
  {
    name: "stimecmp, in S-mode with translation",
    cause: INTERRUPT | 5n,
    level: "s",
    set: (a) => a.op("csrrw", 0, a.csr("stimecmp"), reg.t5),
    prepare: (a, harts) =>
      vector(a, "stvec").setCsr("mideleg", 1n << 5n).setCsr("sie", 1n << 5n)
        .setBits("sstatus", 1n << 1n).setCsr("satp", identity(harts, false).satp).enter(1),
  },
  {
    name: "vstimecmp behind htimedelta, in VS-mode with two-stage translation",
    cause: INTERRUPT | 5n, // the guest sees VSTI as its STI
    level: "s",
    set: (a) => a.op("csrrw", 0, a.csr("stimecmp"), reg.t5),
    prepare: (a, harts) => {
      const { satp, hgatp } = identity(harts, true);
      vector(a, "vstvec").setCsr("henvcfg", STCE).setCsr("htimedelta", -5_000_000n)
        .setCsr("hideleg", 1n << 6n).setCsr("vsie", 1n << 5n).setBits("vsstatus", 1n << 1n)
        .setCsr("hgatp", hgatp).setCsr("vsatp", satp).enter(1, true);
    },
  },
];

function timerProgram(jit: Jit, timer: Timer): BareProgram {
  const { level } = timer;
  // s8 counts the deadlines.
  const handler = (a: Program) => {
    const csrs = level === "m" ? M_CSRS : ["sepc", "scause", "instret", "cycle", "sstatus"];
    logState(a, `${level}scratch`, csrs);
    a.op("addi", reg.s8, reg.s8, 1).op("csrrs", reg.t5, a.csr("time"), 0)
      .op("add", reg.t5, reg.t5, reg.s8).op("sd", reg.t5, -8, reg.t6);
    timer.set(a);
    endLog(a, `${level}scratch`).op(`${level}ret`);
  };
  const program = bareProgram((a, harts) => {
    const scratch = timer.name.startsWith("v") ? "vsscratch" : `${level}scratch`;
    a.setCsr(scratch, BigInt(LOG)).constant(reg.s0, BigInt(DATA)).constant(reg.s7, BigInt(DEVICE));
    a.setCsr("menvcfg", STCE).setCsr("mcounteren", 7n).setCsr("scounteren", 7n)
      .setCsr("hcounteren", 7n).constant(reg.s8, BigInt(FIRST_DELAY));
    timer.prepare(a, harts);
    emitHotLoop(a);
    if (level === "s") {
      a.label("s_trap");
      handler(a);
    }
  }, {
    jit,
    timebaseHz: TIMEBASE_HZ,
    ramSizeBytes: 0x20_0000,
    handler: (a) => level === "m" ? handler(a) : a.label("stuck").jump("stuck"),
  });
  const { harts } = program;
  const write = (offset: number, value: number) => {
    const shift = BigInt(8 * offset);
    const old = harts.readMtimecmp(0);
    harts.writeMtimecmp(0, (old & ~(0xffff_ffffn << shift)) | (BigInt(value) << shift));
  };
  harts.bus.map("mtimecmp", DEVICE, new ProbeDevice({ onWrite: write }));
  return program;
}

for (const timer of TIMERS) {
  Deno.test(`${timer.name}: set to each of the next ${DEADLINES} instructions`, () => {
    onEveryEngine((jit) => timerProgram(jit, timer), {
      pieces: [10_000_000, 997],
      drive: ({ harts }, piece) => {
        if (timer.level === "s") {
          for (const f of ["stimecmp", "vstimecmp"]) harts.set(0, f, FAR);
        }
        harts.run(2000); // hot before the first
        const delta = timer.name.startsWith("v") ? -5_000_000n : 0n;
        const field = timer.level === "m" ? "mtimecmp" : delta ? "vstimecmp" : "stimecmp";
        if (field === "mtimecmp") harts.writeMtimecmp(0, 2001n);
        else harts.set(0, field, 2001n + delta);
        const end = harts.instructions + DEADLINES * (FIRST_DELAY + DEADLINES / 2 + 40);
        while (harts.instructions < end) harts.run(Math.min(piece, end - harts.instructions));
      },
      check: ({ harts, traps }) => {
        assertEquals(traps.length > DEADLINES, true, `${traps.length} interrupts`);
        assertEquals(traps[0]!.nowNs, 2001);
        const ram = ramView(harts);
        const delta = timer.name.startsWith("v") ? 5_000_000n : 0n;
        traps.forEach(({ cause, nowNs, epc }, n) => {
          assertEquals(cause, timer.cause);
          const record = LOG + n * RECORD_BYTES;
          // The log of the last one may not be finished.
          if (n + 1 < traps.length) assertEquals(ram.get(record), epc);
          if (n > 0) {
            const due = BigInt.asUintN(64, ram.get(record - 8) + delta);
            assertEquals(BigInt(nowNs), due, `interrupt ${n}`);
          }
        });
      },
    });
  });
}
