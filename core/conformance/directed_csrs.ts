/**
 * Rows about what CSRs hold: writable fields, legalised values, aliases, and the substitution of VS
 * CSRs in a guest.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import { csr } from "./csr_map.ts";
import { assertValue, type Program, type Row, row, wrongOnQemu, wrongOnQemu7 } from "./directed.ts";
import type { InitialCsr } from "./layout.ts";

const all = 0xffff_ffff_ffff_ffffn;
const value = 10, before = 11, after = 12, third = 13;

const read = (rd: number, name: string) => encode("csrrs", rd, csr(name), 0);
const write = (name: string, rs1: number) => encode("csrrw", 0, csr(name), rs1);

/** M-mode writes `written`; what is then read, under `mask`, must be `expected`. */
function holds(
  name: string,
  section: string,
  written: bigint,
  expected: bigint,
  options: {
    mask?: bigint;
    csrs?: { readonly [name in InitialCsr]?: bigint };
    notOn?: ((engineName: string) => string | undefined) | undefined;
    title?: string;
  } = {},
): Row {
  const { mask = all, csrs = {}, notOn } = options;
  const program: Program = {
    mode: "M",
    csrs,
    x: { [value]: written },
    // the old value comes back at once: mtvec, mstatus and mie would take the monitor with them
    steps: [[encode("csrrw", before, csr(name), value), encode("csrrw", after, csr(name), before)]],
  };
  const title = options.title ?? `${name} = 0x${written.toString(16)} reads as legal`;
  return row(title, section, program, ({ x, traps }) => {
    assertValue("traps", BigInt(traps.length), 1n); // nothing but the end of the case
    assertValue(name, x[after]! & mask, expected);
  }, notOn);
}

/** A program of one M-mode step after another, and a check on registers. */
function machine(
  title: string,
  section: string,
  csrs: { readonly [name in InitialCsr]?: bigint },
  x: { readonly [register: number]: bigint },
  steps: readonly (readonly number[])[],
  expected: { readonly [register: number]: bigint },
  notOn?: (engineName: string) => string | undefined,
): Row {
  return row(title, section, { mode: "M", csrs, x, steps }, (result) => {
    for (const [register, expectedValue] of Object.entries(expected)) {
      assertValue(`x${register}`, result.x[Number(register)], expectedValue);
    }
  }, notOn);
}

/** In VS-mode `name` means `vsName`, and the HS-level register stays. */
function substitutes(
  name: InitialCsr,
  vsName: InitialCsr,
  hs: bigint,
  vs: bigint,
  next: bigint,
): Row {
  const program: Program = {
    mode: "VS",
    csrs: {
      [name]: hs,
      [vsName]: vs,
      menvcfg: 1n << 63n,
      henvcfg: 1n << 63n,
      mcounteren: 2n,
      hcounteren: 2n,
    },
    x: { [value]: next },
    steps: [[read(before, name), write(name, value), read(after, name)]],
  };
  return row(
    `${name} means ${vsName} in VS-mode`,
    "hypervisor, Hypervisor and Virtual Supervisor CSRs",
    program,
    ({ x, csrs }, place) => {
      assertValue("read", x[before], vs);
      assertValue("read back", x[after], next);
      assertValue(vsName, (csrs as { readonly [name: string]: bigint })[vsName], next);
      // sepc is where the monitor entered
      const untouched = name === "sepc" ? place.step(0) : hs;
      assertValue(name, (csrs as { readonly [name: string]: bigint })[name], untouched);
    },
  );
}

const STCE = 1n << 63n, PBMTE = 1n << 62n, ADUE = 1n << 61n;
const noAdue = wrongOnQemu7("no Svadu before 8.0");

/** The rows. */
export const csrRows: readonly Row[] = [
  // Machine level
  holds(
    "mstatus",
    "machine, mstatus",
    all & ~(3n << 34n) & ~(3n << 32n) | 0xa_0000_0000n,
    0x8000_00ca_007e_79aan,
    {
      mask: ~((1n << 6n) | (3n << 9n) | (3n << 36n)), // UBE, VS, SBE, MBE: other choices are legal
      notOn: (name) =>
        name.startsWith("qemu 11.")
          ? "MPV and GVA cannot be written by a CSR instruction"
          : undefined,
    },
  ),
  machine(
    "mstatus.MPP does not take the reserved value 2",
    "machine, mstatus",
    {},
    { [value]: 0x1000n | 0xa_0000_0000n },
    [[
      encode("csrrw", before, csr("mstatus"), value),
      read(after, "mstatus"),
      write("mstatus", before),
    ], [
      encode("srli", after, after, 11),
      encode("andi", after, after, 3),
      encode("addi", third, 0, 2),
      encode("sub", after, after, third),
    ], [encode("sltu", after, 0, after)]],
    { [after]: 1n },
    wrongOnQemu7("MPP takes 2"),
  ),
  holds("medeleg", "hypervisor, Trap Cause Codes; machine, medeleg", all, 0xf0_b7fen, {
    mask: 0xf0_ffffn & ~1n,
    notOn: wrongOnQemu7("ECALL from M can be delegated"),
  }),
  holds("mideleg", "hypervisor, Machine Interrupt Delegation", 0n, 0x444n, { mask: 0x666n }),
  holds("mideleg", "hypervisor, Machine Interrupt Delegation", all, 0x666n, { mask: 0xeeen }),
  holds("mie", "machine, mip and mie; hypervisor, mip and mie", all, 0xeeen, { mask: 0xfffn }),
  machine(
    "mip: SSIP, STIP, SEIP and VSSIP are writable, the others not",
    "machine, mip; hypervisor, mip",
    { menvcfg: 0n },
    { [value]: all },
    [[write("mip", value), read(after, "mip"), write("mip", 0)], [read(third, "mip")]],
    { [after]: 0x226n, [third]: 0n },
    wrongOnQemu("VSTIP and VSEIP can be written in mip"),
  ),
  machine(
    "mip.STIP is read-only with menvcfg.STCE",
    "Sstc; machine, mip",
    { menvcfg: STCE },
    { [value]: 0x20n },
    [[write("mip", value), read(after, "mip")]],
    { [after]: 0n },
  ),
  holds("mtvec", "machine, mtvec", 0x8000_1001n, 0x8000_1001n),
  holds("mtvec", "machine, mtvec", 0x8000_1003n, 0n, {
    mask: 2n,
    title: "mtvec does not take the reserved modes 2 and 3",
  }),
  holds("mcounteren", "machine, mcounteren", 0xffff_ffff_0000_0007n, 7n, {
    notOn: wrongOnQemu7("the register is 64 bits wide"),
  }),
  holds(
    "menvcfg",
    "machine, menvcfg; CMO; Svpbmt; Svadu; Sstc",
    all & ~0x20n,
    STCE | PBMTE | ADUE | 0xd1n,
    {
      notOn: noAdue,
    },
  ),
  machine(
    "menvcfg.CBIE does not take the reserved value 2",
    "CMO, Control and Status Register State",
    { menvcfg: 0x10n },
    { [value]: 0x20n },
    [[write("menvcfg", value), read(after, "menvcfg"), encode("andi", after, after, 0x30)], [
      encode("addi", third, 0, 0x20),
      encode("sub", after, after, third),
      encode("sltu", after, 0, after),
    ]],
    { [after]: 1n },
    wrongOnQemu("CBIE is not legalised"),
  ),
  holds("mepc", "machine, mepc", all, all & ~1n, {
    notOn: wrongOnQemu7("bit 0 of mepc is stored"),
  }),
  ...["mcause", "mtval", "mtval2", "mtinst", "mscratch"].map((name) =>
    holds(name, `machine, ${name}`, 0x8000_0000_0000_0005n, 0x8000_0000_0000_0005n)
  ),

  // Supervisor level
  ...["sstatus", "vsstatus"].map((name) =>
    holds(
      name,
      `supervisor, sstatus; hypervisor, vsstatus`,
      all & ~(3n << 32n) | (2n << 32n),
      0x8000_0002_000c_6122n,
      {
        mask: ~((1n << 6n) | (3n << 9n)),
        notOn: name === "vsstatus" ? wrongOnQemu("vsstatus.SD does not follow FS") : undefined,
      },
    )
  ),
  machine(
    "sie and sip show what mideleg hands down",
    "supervisor, sip and sie; machine, mideleg",
    { mideleg: 0x22n, menvcfg: 0n },
    { [value]: all, [third]: 0x222n },
    [[write("mip", third), write("sie", value), read(before, "sie"), write("sie", 0)], [
      read(after, "sip"),
      write("mip", 0),
    ]],
    { [before]: 0x22n, [after]: 0x22n },
  ),
  machine(
    "sip: only SSIP is writable",
    "supervisor, sip",
    { mideleg: 0x222n, menvcfg: 0n },
    { [value]: all },
    [[write("sip", value), read(after, "sip"), write("sip", 0)], [read(third, "sip")]],
    { [after]: 2n, [third]: 0n },
  ),
  holds("stvec", "supervisor, stvec", 0x8000_1001n, 0x8000_1001n),
  holds("stvec", "supervisor, stvec", 0x8000_1003n, 0n, {
    mask: 2n,
    title: "stvec does not take the reserved modes 2 and 3",
  }),
  holds("sepc", "supervisor, sepc", all, all & ~1n, { notOn: wrongOnQemu7("bit 0 is stored") }),
  ...["scause", "stval", "sscratch"].map((name) =>
    holds(name, `supervisor, ${name}`, 0x8000_0000_0000_0009n, 0x8000_0000_0000_0009n)
  ),
  holds("scounteren", "supervisor, scounteren", 0xffff_ffff_0000_0007n, 7n, {
    notOn: wrongOnQemu7("the register is 64 bits wide"),
  }),
  holds("senvcfg", "supervisor, senvcfg; CMO", all & ~0x20n, 0xd1n, {
    notOn: wrongOnQemu7("no Zicbom before 8.0"),
  }),
  ...[8n, 9n, 10n].map((mode) =>
    holds(
      "satp",
      "supervisor, satp",
      (mode << 60n) | 0xfff_ffff_ffff_ffffn,
      (mode << 60n) | 0xfff_ffff_ffff_ffffn,
      {
        title: `satp takes MODE ${mode}, 16 bits of ASID and 44 of PPN`,
      },
    )
  ),
  ...[1n, 7n, 11n, 15n].map((mode) =>
    holds("satp", "supervisor, satp", (mode << 60n) | 0x1234n, 0n, {
      title: `satp ignores a write with the reserved MODE ${mode}`,
    })
  ),

  // Hypervisor level
  holds(
    "hstatus",
    "hypervisor, hstatus",
    all & ~(3n << 32n) & ~(0x3fn << 12n) | (2n << 32n),
    0x2_0070_03c0n,
    {
      mask: ~((1n << 5n) | (3n << 48n)),
      notOn: wrongOnQemu("VSBE, WPRI bits and values that VGEIN cannot hold are stored"),
    },
  ),
  holds("hedeleg", "hypervisor, hedeleg and hideleg", all, 0xb1fen, { mask: 0xf1_fffen }),
  holds("hideleg", "hypervisor, hedeleg and hideleg", all, 0x444n, { mask: 0x1fffn }),
  holds("hie", "hypervisor, hvip, hip and hie", all, 0x444n, { mask: 0xfffn }),
  holds("hvip", "hypervisor, hvip, hip and hie", all, 0x444n, {
    mask: 0x1fffn,
    notOn: wrongOnQemu("bits other than those of VS are stored"),
  }),
  machine(
    "hvip is seen in hip and mip",
    "hypervisor, hvip, hip and hie; mip and mie",
    { menvcfg: 0n },
    { [value]: 0x444n },
    [[write("hvip", value), read(before, "hip"), read(after, "mip"), write("hvip", 0)], [
      read(third, "hip"),
    ]],
    { [before]: 0x444n, [after]: 0x444n, [third]: 0n },
  ),
  machine(
    "hvip.VSTIP counts beside vstimecmp",
    "hypervisor, hip.VSTIP; Sstc",
    { menvcfg: STCE, henvcfg: STCE },
    { [value]: 0x40n },
    [[write("hvip", value), read(after, "hip"), write("hvip", 0)]],
    { [after]: 0x40n },
    wrongOnQemu("hvip.VSTIP is dropped with Sstc"),
  ),
  machine(
    "of hip only VSSIP is writable, and it is hvip.VSSIP",
    "hypervisor, hvip, hip and hie",
    {},
    { [value]: all },
    [[write("hip", value), read(before, "hip"), read(after, "hvip"), write("hip", 0)], [
      read(third, "hvip"),
    ]],
    { [before]: 4n, [after]: 4n, [third]: 0n },
  ),
  machine(
    "vsie is hie, shifted, under hideleg",
    "hypervisor, vsip and vsie",
    { hideleg: 0x444n },
    { [value]: all },
    [[write("vsie", value), read(before, "vsie"), read(after, "hie"), write("hie", 0)]],
    { [before]: 0x222n, [after]: 0x444n },
  ),
  machine(
    "vsie is zero and read-only where hideleg is 0",
    "hypervisor, vsip and vsie",
    { hideleg: 0x40n },
    { [value]: all },
    [[write("vsie", value), read(before, "vsie"), read(after, "hie"), write("hie", 0)]],
    { [before]: 0x20n, [after]: 0x40n },
  ),
  machine(
    "vsip is hip, shifted, under hideleg",
    "hypervisor, vsip and vsie",
    { hideleg: 0x404n, hvip: 0x444n },
    {},
    [[read(after, "vsip"), write("hvip", 0)]],
    { [after]: 0x202n },
    wrongOnQemu7("wrong vsip mask"),
  ),
  machine(
    "of vsip only SSIP is writable",
    "hypervisor, vsip and vsie; supervisor, sip",
    { hideleg: 0x444n },
    { [value]: all },
    [[write("vsip", value), read(after, "vsip"), write("hvip", 0)]],
    { [after]: 2n },
    wrongOnQemu7("wrong vsip mask"),
  ),
  holds("hcounteren", "hypervisor, hcounteren", 0xffff_ffff_0000_0007n, 7n, {
    notOn: wrongOnQemu7("the register is 64 bits wide"),
  }),
  holds("henvcfg", "hypervisor, henvcfg", all & ~0x20n, STCE | PBMTE | ADUE | 0xd1n, {
    csrs: { menvcfg: all & ~0x20n },
    title: "henvcfg holds all enables when menvcfg grants them",
    notOn: noAdue,
  }),
  holds("henvcfg", "hypervisor, henvcfg; machine, menvcfg", all & ~0x20n, 0xd1n, {
    csrs: { menvcfg: 0n },
    title: "henvcfg.STCE, PBMTE and ADUE are zero when menvcfg withholds them",
    notOn: wrongOnQemu7("menvcfg does not mask henvcfg"),
  }),
  holds("htimedelta", "hypervisor, htimedelta", 0x1234_5678_9abc_def0n, 0x1234_5678_9abc_def0n),
  holds("htval", "hypervisor, htval", 0x20_0000_0000n, 0x20_0000_0000n),
  holds("hgeie", "hypervisor, hgeip and hgeie", all, 0n),
  ...[8n, 9n, 10n].map((mode) =>
    holds(
      "hgatp",
      "hypervisor, hgatp",
      (mode << 60n) | 0xfff_ffff_ffff_ffffn,
      (mode << 60n) | 0x3ff_ffff_ffff_fffcn,
      {
        title: `hgatp takes MODE ${mode}, 14 bits of VMID, and a root aligned to 16 KiB`,
        notOn: wrongOnQemu("PPN[1:0] are stored"),
      },
    )
  ),
  holds("hgatp", "hypervisor, hgatp", (7n << 60n) | (3n << 44n) | 0x8000n, (3n << 44n) | 0x8000n, {
    title: "hgatp with a reserved MODE takes the other fields",
    notOn: wrongOnQemu("the whole write is ignored, or any MODE is stored"),
  }),
  ...[1n, 7n, 11n, 15n].map((mode) =>
    holds("hgatp", "hypervisor, hgatp", mode << 60n, 0n, {
      mask: 15n << 60n,
      title: `hgatp does not take the reserved MODE ${mode}`,
      notOn: wrongOnQemu7("any MODE is stored"),
    })
  ),

  // VS level
  holds("vstvec", "hypervisor, vstvec", 0x8000_1001n, 0x8000_1001n),
  holds("vstvec", "hypervisor, vstvec", 0x8000_1003n, 0n, {
    mask: 2n,
    title: "vstvec does not take the reserved modes 2 and 3",
    notOn: wrongOnQemu7("it does"),
  }),
  holds("vsepc", "hypervisor, vsepc", all, all & ~1n, { notOn: wrongOnQemu("bit 0 is stored") }),
  ...["vscause", "vstval", "vsscratch"].map((name) =>
    holds(name, `hypervisor, ${name}`, 0x8000_0000_0000_0009n, 0x8000_0000_0000_0009n)
  ),
  ...[8n, 9n, 10n].map((mode) =>
    holds(
      "vsatp",
      "hypervisor, vsatp",
      (mode << 60n) | 0xfff_ffff_ffff_ffffn,
      (mode << 60n) | 0xfff_ffff_ffff_ffffn,
      {
        title: `vsatp takes MODE ${mode}, 16 bits of ASID and 44 of PPN`,
      },
    )
  ),
  substitutes("sscratch", "vsscratch", 0x11n, 0x22n, 0x33n),
  substitutes("sepc", "vsepc", 0n, 0x22n, 0x44n),
  substitutes("scause", "vscause", 1n, 2n, 3n),
  substitutes("stval", "vstval", 0x100n, 0x200n, 0x300n),
  substitutes("stvec", "vstvec", 0x8000_0100n, 0x8000_0200n, 0x8000_0300n),
  substitutes("stimecmp", "vstimecmp", all, all - 1n, all - 2n),
];
