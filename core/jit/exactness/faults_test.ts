// Exceptions in the middle of hot code: at each place of a region, with registers changed before it. The
// handler writes down what it finds, so that every trap's state is compared and not only the last one's.

import { assert, assertEquals } from "@std/assert";
import { encode, reg } from "../../conformance/assembler.ts";
import {
  type BareProgram,
  bareProgram,
  type Program,
  RAM,
  ramView,
  x,
} from "../../testing/bare_program.ts";
import { AddressSpace, pte, RWX, TablePages } from "../../testing/page_tables.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";

const ROUNDS = 24;
const PERIOD = 8;
/** Instructions of a round besides the one that traps. */
const SLOTS = 6;
const LOG = RAM + 0x8000;
const DATA = RAM + 0xc000;
const TABLES = RAM + 0x2_0000;
const NOWHERE = 0x4000_0000n;
const VA = 0x6_0000_0000n;
const READ_ONLY = VA + 0x1000n;
const UNMAPPED = VA + 0x2000n;
/** Behind the page at {@link VA}, which is mapped, nothing is. */
const LAST_PAGE = VA + 0x4000n;

/** What the handler writes down of each trap. */
const LOGGED_CSRS = ["mcause", "mepc", "mtval", "mtval2", "mtinst", "minstret", "mstatus"];
const LOGGED_REGISTERS = [reg.a0, reg.s1, reg.s3, reg.s4, reg.s5];
const RECORD_BYTES = 8 * (LOGGED_CSRS.length + LOGGED_REGISTERS.length);

/** Logs by way of mscratch, and returns behind the instruction, or to `ra` after a failed fetch. */
function logAndSkip(a: Program): void {
  a.op("csrrw", reg.t6, a.csr("mscratch"), reg.t6);
  LOGGED_CSRS.forEach((name, i) => a.getCsr(reg.t5, name).op("sd", reg.t5, 8 * i, reg.t6));
  LOGGED_REGISTERS.forEach((register, i) =>
    a.op("sd", register, 8 * (LOGGED_CSRS.length + i), reg.t6)
  );
  a.op("addi", reg.t6, reg.t6, RECORD_BYTES).op("csrrw", reg.t6, a.csr("mscratch"), reg.t6);
  a.getCsr(reg.t5, "mcause"); // 1, 12 and 20: fetches
  a.op("addi", reg.t5, reg.t5, -1).branch("beq", reg.t5, 0, "fetch");
  a.op("addi", reg.t5, reg.t5, -11).branch("beq", reg.t5, 0, "fetch");
  a.op("addi", reg.t5, reg.t5, -8).branch("beq", reg.t5, 0, "fetch");
  a.getCsr(reg.t5, "mepc").op("addi", reg.t5, reg.t5, 4).op("csrrw", 0, a.csr("mepc"), reg.t5)
    .op("mret");
  a.label("fetch").op("csrrw", 0, a.csr("mepc"), reg.ra).op("mret");
}

/** A fault: how the program comes to it and what the trap says. */
interface Fault {
  readonly name: string;
  /** The mode that the round runs in. */
  readonly mode: "M" | "S" | "VS";
  /** Emits one instruction. Its address register s0 holds `bad` in each eighth round, else `good`. */
  readonly emit: (a: Program) => void;
  readonly good?: bigint;
  readonly bad?: bigint;
  readonly cause: bigint;
  readonly tval: bigint | "pc";
}

const OK = BigInt(DATA);
const MAPPED = VA;

const FAULTS: readonly Fault[] = [
  {
    name: "load access fault",
    mode: "M",
    emit: (a) => a.op("ld", reg.a0, 8, reg.s0),
    good: OK,
    bad: NOWHERE,
    cause: 5n,
    tval: NOWHERE + 8n,
  },
  {
    name: "store access fault",
    mode: "M",
    emit: (a) => a.op("sw", reg.s1, -4, reg.s0),
    good: OK,
    bad: NOWHERE,
    cause: 7n,
    tval: NOWHERE - 4n,
  },
  {
    name: "AMO access fault",
    mode: "M",
    emit: (a) => a.op("amoadd.w", reg.a0, reg.s1, reg.s0),
    good: OK,
    bad: NOWHERE,
    cause: 7n,
    tval: NOWHERE,
  },
  {
    name: "misaligned AMO",
    mode: "M",
    emit: (a) => a.op("amoadd.d", reg.a0, reg.s1, reg.s0),
    good: OK,
    bad: OK + 4n,
    cause: 6n,
    tval: OK + 4n,
  },
  {
    name: "misaligned LR",
    mode: "M",
    emit: (a) => a.op("lr.d", reg.a0, 0, reg.s0),
    good: OK,
    bad: OK + 1n,
    cause: 4n,
    tval: OK + 1n,
  },
  {
    name: "load page fault",
    mode: "S",
    emit: (a) => a.op("lbu", reg.a0, 3, reg.s0),
    good: MAPPED,
    bad: UNMAPPED,
    cause: 13n,
    tval: UNMAPPED + 3n,
  },
  {
    name: "page fault of a misaligned load that ends beyond the last page",
    mode: "S",
    emit: (a) => a.op("ld", reg.a0, 0, reg.s0),
    good: MAPPED + 3n,
    bad: LAST_PAGE + 0xffdn,
    cause: 13n,
    tval: LAST_PAGE + 0x1000n,
  },
  {
    name: "page fault of a misaligned store that ends beyond the last page",
    mode: "S",
    emit: (a) => a.op("sw", reg.s1, 0, reg.s0),
    good: MAPPED + 1n,
    bad: LAST_PAGE + 0xffen,
    cause: 15n,
    tval: LAST_PAGE + 0x1000n,
  },
  {
    name: "store page fault on a page for reading",
    mode: "S",
    emit: (a) => a.op("sd", reg.s1, 0, reg.s0),
    good: MAPPED,
    bad: READ_ONLY,
    cause: 15n,
    tval: READ_ONLY,
  },
  {
    name: "FP load page fault",
    mode: "S",
    emit: (a) => a.op("fld", 3, 16, reg.s0),
    good: MAPPED,
    bad: UNMAPPED,
    cause: 13n,
    tval: UNMAPPED + 16n,
  },
  {
    name: "FP store page fault",
    mode: "S",
    emit: (a) => a.op("fsw", 3, 4, reg.s0),
    good: MAPPED,
    bad: READ_ONLY,
    cause: 15n,
    tval: READ_ONLY + 4n,
  },
  {
    name: "fetch page fault behind a jump",
    mode: "S",
    emit: (a) => a.op("jalr", reg.ra, 0, reg.s0),
    good: VA + 0x800n, // `jalr x0, 0(ra)` stands there
    bad: UNMAPPED,
    cause: 12n,
    tval: UNMAPPED,
  },
  {
    name: "load page fault in a guest, of the guest's own making",
    mode: "VS",
    emit: (a) => a.op("lw", reg.a0, 0, reg.s0),
    good: MAPPED,
    bad: UNMAPPED,
    cause: 13n,
    tval: UNMAPPED,
  },
  {
    name: "guest-page fault on a load",
    mode: "VS",
    emit: (a) => a.op("lw", reg.a0, 0, reg.s0),
    good: MAPPED,
    bad: VA + 0x3000n,
    cause: 21n,
    tval: VA + 0x3000n,
  },
  {
    name: "guest-page fault on a store",
    mode: "VS",
    emit: (a) => a.op("sh", reg.s1, 2, reg.s0),
    good: MAPPED,
    bad: VA + 0x3000n,
    cause: 23n,
    tval: VA + 0x3002n,
  },
  {
    name: "guest-page fault on a fetch",
    mode: "VS",
    emit: (a) => a.op("jalr", reg.ra, 0, reg.s0),
    good: VA + 0x800n,
    bad: VA + 0x3000n,
    cause: 20n,
    tval: VA + 0x3000n,
  },
  { name: "EBREAK", mode: "M", emit: (a) => a.op("ebreak"), cause: 3n, tval: "pc" },
  { name: "ECALL", mode: "M", emit: (a) => a.op("ecall"), cause: 11n, tval: 0n },
  { name: "ECALL", mode: "S", emit: (a) => a.op("ecall"), cause: 9n, tval: 0n },
  { name: "ECALL", mode: "VS", emit: (a) => a.op("ecall"), cause: 10n, tval: 0n },
  {
    name: "an illegal instruction",
    mode: "M",
    emit: (a) => a.word(0xffff_ffff),
    cause: 2n,
    tval: 0xffff_ffffn,
  },
  {
    name: "an illegal CSR",
    mode: "S",
    emit: (a) => a.op("csrrs", reg.a0, a.csr("mstatus"), 0),
    cause: 2n,
    tval: BigInt(encode("csrrs", reg.a0, 0x300, 0)),
  },
  {
    name: "a virtual instruction exception",
    mode: "VS",
    emit: (a) => a.op("csrrs", reg.a0, a.csr("hstatus"), 0),
    cause: 22n,
    tval: BigInt(encode("csrrs", reg.a0, 0x600, 0)),
  },
];

/** Enters the mode that the round runs in, with the pages that the faults need. */
function enterMode(a: Program, harts: BareProgram["harts"], mode: Fault["mode"]): void {
  if (mode === "M") return;
  const pages = new TablePages(harts, TABLES);
  const space = new AddressSpace(pages).map(BigInt(RAM), RAM, RWX, 2).map(VA, DATA)
    .map(READ_ONLY, DATA + 0x1000, RWX & ~pte.W).map(LAST_PAGE, DATA + 0x2000);
  if (mode === "S") {
    a.setCsr("satp", space.atp()).enter(1);
    return;
  }
  space.map(VA + 0x3000n, NOWHERE); // no such guest physical address
  const g = new AddressSpace(pages, undefined, true).map(BigInt(RAM), RAM, RWX | pte.U, 2);
  a.setCsr("hgatp", g.atp()).setCsr("vsatp", space.atp()).enter(1, true);
}

/** The faulting instruction at `slot` of a hot loop; what stands around it changes s3, s4 and s5. */
function faultProgram(jit: Jit, fault: Fault, slot: number): { program: BareProgram; at: bigint } {
  let at = 0n;
  const program = bareProgram((a, harts) => {
    a.setBits("mstatus", 3n << 13n).setCsr("mscratch", BigInt(LOG));
    a.constant(reg.s1, BigInt(ROUNDS)).constant(reg.s3, 3n).constant(reg.s4, 4n)
      .constant(reg.s5, 5n);
    a.constant(reg.s6, fault.good ?? 0n).constant(reg.s7, fault.bad ?? 0n);
    if (fault.mode === "VS") a.setBits("vsstatus", 3n << 13n);
    enterMode(a, harts, fault.mode);
    a.label("round").op("andi", reg.t0, reg.s1, PERIOD - 1);
    a.op("czero.nez", reg.t1, reg.s7, reg.t0).op("czero.eqz", reg.t2, reg.s6, reg.t0)
      .op("or", reg.s0, reg.t1, reg.t2);
    for (let n = 0; n <= SLOTS; n++) {
      if (n === slot) {
        at = BigInt(a.here);
        fault.emit(a);
      }
      a.op(["addi", "xori", "slli"][n % 3]!, reg.s3 + n % 3, reg.s3 + (n + 1) % 3, n + 1);
    }
    a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
  }, { jit, handler: logAndSkip });
  const code = program.harts.ramAt(DATA + 0x800, 4)!;
  new DataView(code.buffer, code.byteOffset).setUint32(0, encode("jalr", 0, 0, reg.ra), true);
  return { program, at };
}

for (const fault of FAULTS) {
  Deno.test(`${fault.name}, from ${fault.mode}-mode, at each place of a hot region`, () => {
    for (let slot = 0; slot <= SLOTS; slot++) {
      const { at } = faultProgram(false, fault, slot);
      onEveryEngine((jit) => faultProgram(jit, fault, slot).program, {
        // 201 is no multiple of a round's length: the cuts wander through it.
        pieces: slot === 0 ? [10_000_000, 201] : [10_000_000],
        check: ({ harts, traps }) => {
          const always = fault.bad === undefined;
          const expected = always ? ROUNDS : ROUNDS / PERIOD;
          const taken = traps.filter(({ cause }) => cause === fault.cause);
          assertEquals(taken.length, expected, `slot ${slot}`);
          assertEquals(traps.length, expected, `slot ${slot}: other traps`);
          for (const { epc, tval } of taken) {
            const isFetch = [1n, 12n, 20n].includes(fault.cause);
            assertEquals(epc, isFetch ? fault.bad : at);
            assertEquals(tval, fault.tval === "pc" ? at : fault.tval);
          }
          checkLog(harts, expected);
          assertEquals(x(harts, reg.s1), 0n);
        },
      });
    }
  });
}

/** The log is whole: minstret grows by the same amount from trap to trap once the loop is in its stride. */
function checkLog(harts: BareProgram["harts"], records: number): void {
  const ram = ramView(harts);
  const instret = Array.from(
    { length: records },
    (_, n) => ram.get(LOG + n * RECORD_BYTES + 8 * LOGGED_CSRS.indexOf("minstret")),
  );
  const steps = instret.slice(1).map((value, n) => value - instret[n]!);
  assert(steps.every((step) => step === steps[0]), `minstret at the traps: ${instret}`);
}
