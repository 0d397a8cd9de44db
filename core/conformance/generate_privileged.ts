/**
 * Random programs over the privileged architecture: CSR accesses of every kind from every mode,
 * delegation, pending and enabled interrupts, trap returns, fences and hypervisor instructions with
 * every trap-enabling bit at random.
 *
 * Memory is not translated here, unless the program itself writes `satp`, `vsatp` or `hgatp`.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import { addressIn, type Mode, modes, slotOf, type Step, step, type TestCase } from "./case.ts";
import { csr, csrAddress, isReadOnly } from "./csr_map.ts";
import { environmentEnables, freeRegisters, linkRegister } from "./generate_instructions.ts";
import { type InitialCsr, slot } from "./layout.ts";
import { cornerInteger, Random } from "./random.ts";

const scratch = 31, pool = 2;
/** Doublewords at the pool pointer from which CSR values are loaded. */
const poolSize = 200;

const all = 0xffff_ffff_ffff_ffffn;
const S_STATUS = 0xc_6122n; // SIE, SPIE, SPP, FS, SUM, MXR
const M_STATUS = S_STATUS | 0x70_1888n; // MIE, MPIE, MPP, TVM, TW, TSR
const H_STATUS = 0x70_03c0n; // GVA, SPV, SPVP, HU, VTVM, VTW, VTSR
const XLEN_64 = 2n << 32n; // UXL, and VSXL of hstatus
const SXL_64 = 2n << 34n;
/** FIOM, CBIE (flush or nothing), CBCFE, CBZE, ADUE, PBMTE. */
const ENVIRONMENT = 0x6000_0000_0000_00d1n;
/** Constant in a program: when a timer interrupt that STCE hides or shows changes is not exact. */
const STCE = 1n << 63n;
const VS_INTERRUPTS = 0x444n;
const INTERRUPTS = 0x1fffn;

/** What a program may write to a CSR: any value under a mask, with some bits fixed. */
interface Writable {
  readonly mask: bigint;
  readonly fixed?: bigint;
  readonly tags?: readonly string[];
}

/**
 * CSRs that programs write. Missing are those that would take the program away from the monitor
 * (`mtvec`, `mscratch`, `stvec`, PMP), those that count, and fields where this machine and QEMU
 * implement different choices (XLEN other than 64, big endian, VGEIN).
 */
const writable: { readonly [name: string]: Writable } = {
  mstatus: { mask: M_STATUS, fixed: XLEN_64 | SXL_64 },
  sstatus: { mask: S_STATUS, fixed: XLEN_64 },
  vsstatus: { mask: S_STATUS, fixed: XLEN_64 },
  hstatus: { mask: H_STATUS, fixed: XLEN_64 },
  mideleg: { mask: INTERRUPTS },
  hideleg: { mask: INTERRUPTS },
  mie: { mask: INTERRUPTS },
  sie: { mask: INTERRUPTS },
  hie: { mask: INTERRUPTS },
  vsie: { mask: INTERRUPTS },
  mip: { mask: INTERRUPTS },
  sip: { mask: INTERRUPTS },
  hip: { mask: INTERRUPTS },
  hvip: { mask: VS_INTERRUPTS },
  vsip: { mask: INTERRUPTS },
  mcounteren: { mask: 7n },
  scounteren: { mask: 7n },
  hcounteren: { mask: 7n },
  senvcfg: { mask: 0xd1n },
  mepc: { mask: all },
  sepc: { mask: all },
  vsepc: { mask: all },
  mcause: { mask: 0x8000_0000_0000_003fn },
  scause: { mask: 0x8000_0000_0000_003fn },
  vscause: { mask: 0x8000_0000_0000_003fn },
  mtval: { mask: all },
  stval: { mask: all },
  vstval: { mask: all },
  mtval2: { mask: all },
  htval: { mask: all },
  mtinst: { mask: all },
  sscratch: { mask: all },
  vsscratch: { mask: all },
  hgeie: { mask: all },
};

/** Only where the monitor is reached from every trap: these may break the trampolines. */
const writableWithoutDelegation: { readonly [name: string]: Writable } = {
  satp: { mask: 0x8fff_ffff_ffff_ffffn },
  vsatp: { mask: 0x8fff_ffff_ffff_ffffn },
  hgatp: { mask: 0x83ff_0fff_ffff_ffffn },
};

const writableWithDelegation: { readonly [name: string]: Writable } = {
  medeleg: { mask: 0xf0_b1ffn }, // not the environment calls of the trampolines
  hedeleg: { mask: 0xf0_b1ffn },
};

/** Timer comparators are written with the two values that do not depend on the time. */
const comparators = ["stimecmp", "vstimecmp"];
/** Values that differ between runs or machines: reads go to x0. */
const unpredictable = /^(m?cycle|time|m?instret|m?hpmcounter.*|mvendorid|marchid|mimpid|misa)$/;
const readable = [...csrAddress.keys()].filter((name) =>
  !/stateen|scountovf|htimedelta|mtvec|mscratch|hpm|pmp|mcountinhibit|htinst/.test(name)
);

/** Generates case `index` of `seed`. */
export function generatePrivilegedCase(seed: number, index: number): TestCase {
  const random = new Random(seed, index), slotIndex = slotOf(index);
  const mode = random.pick(modes);
  const delegates = random.chance(0.6);
  const start = initialState(random, delegates);
  const values: bigint[] = [];
  const context: PrivilegedContext = {
    random,
    mode,
    csrs: {
      ...writable,
      ...(delegates ? writableWithDelegation : writableWithoutDelegation),
      menvcfg: { mask: ENVIRONMENT, fixed: start.menvcfg! & STCE },
      henvcfg: { mask: ENVIRONMENT, fixed: start.henvcfg! & STCE },
    },
    place: (value) => {
      if (values.length < poolSize) values.push(value);
      return (values.length - 1) * 8;
    },
    wfiTraps: mode === "U" || mode === "VU",
  };
  const steps = Array.from({ length: random.between(30, 60) }, () => randomStep(context));
  const x = Array.from({ length: 32 }, () => cornerInteger(random));
  x[0] = 0n;
  x[linkRegister] = BigInt(addressIn(slotIndex, slot.code));
  x[pool] = BigInt(addressIn(slotIndex, slot.data));
  const bytes = new Uint8Array(BigUint64Array.from(values).buffer);
  return {
    title: `seed ${seed}, case ${index} (privileged, ${mode})`,
    slotIndex,
    mode,
    csrs: start,
    x,
    f: Array.from({ length: 32 }, () => random.u64()),
    fcsr: 0n,
    steps,
    memory: [{ offset: slot.data, bytes }],
  };
}

function initialState(random: Random, delegates: boolean): { [name in InitialCsr]?: bigint } {
  const some = (mask: bigint, probability = 0.5) =>
    random.chance(probability) ? random.u64() & mask : 0n;
  const enables = () => random.chance(0.5) ? environmentEnables : some(ENVIRONMENT | STCE);
  return {
    // The monitor enters by SRET or MRET: what is to hold afterwards stands in SPIE and MPIE.
    mstatus: some(M_STATUS & ~0x190an) | (1n << 13n),
    vsstatus: some(S_STATUS) | (1n << 13n),
    hstatus: some(H_STATUS),
    medeleg: delegates ? some(0xf0_b1ffn, 0.8) : 0n,
    hedeleg: delegates ? some(0xf0_b1ffn) : 0n,
    mideleg: some(0x222n, 0.7),
    hideleg: some(0x444n, 0.7),
    mie: some(INTERRUPTS, 0.4),
    mip: some(INTERRUPTS, 0.3),
    hvip: some(0x444n, 0.3),
    menvcfg: enables(),
    henvcfg: enables(),
    senvcfg: some(0xd1n),
    mcounteren: some(7n, 0.8),
    hcounteren: some(7n, 0.8),
    scounteren: some(7n, 0.8),
    stimecmp: all,
    vstimecmp: all,
  };
}

interface PrivilegedContext {
  readonly random: Random;
  readonly mode: Mode;
  readonly csrs: { readonly [name: string]: Writable };
  /** Puts a value into the pool; returns its offset. */
  place(value: bigint): number;
  readonly wfiTraps: boolean;
}

function randomStep(context: PrivilegedContext): Step {
  return context.random.weighted<(context: PrivilegedContext) => Step>([
    [10, readStep],
    [22, writeStep],
    [2, comparatorStep],
    [3, returnStep],
    [4, systemStep],
    [3, fenceStep],
    [3, hypervisorAccessStep],
  ])(context);
}

const destination = (random: Random) => random.pick(freeRegisters);
const tagged = (name: string, ...more: readonly string[]) => [`csr ${name}`, ...more];

function readStep({ random }: PrivilegedContext): Step {
  const name = random.pick(readable);
  const rd = unpredictable.test(name) ? 0 : destination(random);
  const operation = random.pick(["csrrs", "csrrc", "csrrsi", "csrrci"]);
  return step([encode(operation, rd, csr(name), 0)], ...tagged(name));
}

/** CSRRW, CSRRS, CSRRC and their immediate forms; to read-only CSRs also, which must trap. */
function writeStep({ random, csrs, place }: PrivilegedContext): Step {
  if (random.chance(0.04)) {
    const name = random.pick(readable.filter((candidate) => isReadOnly(csr(candidate))));
    return step([encode("csrrw", 0, csr(name), random.pick(freeRegisters))], ...tagged(name));
  }
  const name = random.pick(Object.keys(csrs));
  const { mask, fixed = 0n, tags = [] } = csrs[name]!;
  const isRoot = /atp$/.test(name);
  const operation = isRoot ? "csrrw" : random.pick(["csrrw", "csrrw", "csrrs", "csrrc"]);
  if (mask !== all && fixed === 0n && mask >= 31n && random.chance(0.15)) {
    const immediate = random.below(32) & Number(mask & 31n);
    return step(
      [encode(`${operation}i`, destination(random), csr(name), immediate)],
      ...tagged(name, ...tags),
    );
  }
  let value = (random.chance(0.5) ? cornerInteger(random) : random.u64()) & mask;
  if (isRoot) value = legalRoot(random, value);
  if (operation === "csrrw") value |= fixed;
  return step([
    encode("ld", scratch, place(value), pool),
    encode(operation, destination(random), csr(name), scratch),
  ], ...tagged(name, ...tags));
}

/**
 * MODE = Bare wants zero in all other fields; what else happens is not specified. Roots lie far beyond
 * all memory, so that no device register is taken for a page table.
 */
function legalRoot(random: Random, value: bigint): bigint {
  const mode = random.pick([0n, 8n, 9n, 10n, 8n, 9n, 10n, 1n, 15n]);
  return mode === 0n ? 0n : (value & ~(15n << 60n)) | (mode << 60n) | (1n << 43n);
}

function comparatorStep({ random }: PrivilegedContext): Step {
  const name = random.pick(comparators);
  return step([
    encode("addi", scratch, 0, random.chance(0.5) ? 0 : -1),
    encode("csrrw", destination(random), csr(name), scratch),
  ], ...tagged(name));
}

/** SRET or MRET to the next step, in whatever mode the status registers name. */
function returnStep({ random }: PrivilegedContext): Step {
  const [name, epc] = random.chance(0.6) ? ["sret", "sepc"] : ["mret", "mepc"];
  return step([
    encode("auipc", scratch, 0),
    encode("addi", scratch, scratch, 16),
    encode("csrrw", 0, csr(epc), scratch),
    encode(name),
  ], ...tagged(epc));
}

function systemStep({ random, wfiTraps }: PrivilegedContext): Step {
  // Where WFI would wait, nothing might come to end it.
  const names = ["ecall", "ebreak", "wrs.sto", ...(wfiTraps ? ["wfi"] : ["ecall"])];
  const name = random.pick(names);
  return step([encode(name)], name === "wrs.sto" ? "Zawrs" : name.toUpperCase());
}

function fenceStep({ random }: PrivilegedContext): Step {
  const name = random.pick([
    "sfence.vma",
    "sinval.vma",
    "sfence.w.inval",
    "sfence.inval.ir",
    "hfence.vvma",
    "hfence.gvma",
    "hinval.vvma",
    "hinval.gvma",
  ]);
  const fence = encode(name, random.below(32), random.below(32));
  return step([fence], ...(/^sfence.*(inval|ir)$/.test(name) ? ["Svinval ordering"] : []));
}

/** HLV and HSV where nothing is translated; cache-block instructions under their enables. */
function hypervisorAccessStep({ random }: PrivilegedContext): Step {
  switch (random.below(4)) {
    case 0:
      return step([encode("addi", scratch, pool, 2040), encode("hsv.d", scratch, 10)], "HLV");
    case 1:
      return step([
        encode("addi", scratch, pool, 2040),
        encode(random.pick(["cbo.inval", "cbo.clean", "cbo.flush"]), scratch),
      ], "Zicbom");
    default:
      return step(
        [encode(random.pick(["hlv.d", "hlv.wu", "hlv.b"]), destination(random), pool)],
        "HLV",
      );
  }
}
