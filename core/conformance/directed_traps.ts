/**
 * Rows about exceptions: what each cause writes, where delegation sends it, what entry and return do
 * to the status registers, and which instructions are illegal or virtual where.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import type { Mode } from "./case.ts";
import { csr } from "./csr_map.ts";
import {
  assertValue,
  type Place,
  type Program,
  type Row,
  row,
  wrongOnQemu,
  wrongOnQemu7,
} from "./directed.ts";
import type { InitialCsr } from "./layout.ts";
import { nowhere } from "./page_tables.ts";
import type { CaseResult, TrapRecord } from "./result.ts";

type Csrs = { readonly [name in InitialCsr]?: bigint };
type NotOn = (engineName: string) => string | undefined;

const address = 10, nop = encode("addi", 0, 0, 0);
const gva = 1n << 38n, mpv = 1n << 39n;
const modes: readonly Mode[] = ["M", "HS", "U", "VS", "VU"];
const isVirtual = (mode: Mode) => mode === "VS" || mode === "VU";
const nominal = (mode: Mode) => mode === "M" ? 3n : mode === "HS" || mode === "VS" ? 1n : 0n;

/** The first trap, which must have gone to M-mode. */
function firstTrap({ traps }: CaseResult): TrapRecord {
  const [trap] = traps;
  if (!trap) throw new Error("No trap was taken");
  return trap;
}

/** One step raises `cause` in `mode`; all goes to M-mode. */
function raises(
  title: string,
  section: string,
  mode: Mode,
  words: readonly number[],
  cause: bigint,
  options: {
    csrs?: Csrs;
    x?: (place: Place) => { readonly [register: number]: bigint };
    tval?: (place: Place) => bigint;
    epc?: (place: Place) => bigint;
    notOn?: NotOn | undefined;
  } = {},
): Row {
  const { csrs = {}, x = () => ({}), tval, epc } = options;
  const program = (place: Place): Program => ({ mode, csrs, x: x(place), steps: [words] });
  return row(`${title} in ${mode}-mode`, section, program, (result, place) => {
    const trap = firstTrap(result);
    assertValue("mcause", trap.mcause, cause);
    if (tval) assertValue("mtval", trap.mtval, tval(place));
    if (epc) assertValue("mepc", trap.mepc, epc(place));
    assertValue("mstatus.MPP", (trap.mstatus >> 11n) & 3n, nominal(mode));
    assertValue("mstatus.MPV", (trap.mstatus >> 39n) & 1n, isVirtual(mode) ? 1n : 0n);
  }, options.notOn);
}

const exceptionRows: readonly Row[] = modes.flatMap((mode) => {
  const x = () => ({ [address]: nowhere });
  const misaligned = (place: Place) => ({ [address]: place.data + 1n });
  return [
    raises(
      "instruction access fault",
      "machine, mcause, mtval",
      mode,
      [encode("jalr", 1, 0, address)],
      1n,
      {
        x,
        tval: () => nowhere,
        epc: () => nowhere,
      },
    ),
    raises("illegal instruction", "machine, mcause, mtval", mode, [0xffff_ffff], 2n, {
      tval: () => 0xffff_ffffn,
      epc: (place) => place.step(0),
    }),
    raises("load access fault", "machine, mcause, mtval", mode, [encode("ld", 5, 0, address)], 5n, {
      x,
      tval: () => nowhere,
    }),
    raises(
      "store access fault",
      "machine, mcause, mtval",
      mode,
      [encode("sd", 5, 0, address)],
      7n,
      {
        x,
        tval: () => nowhere,
      },
    ),
    raises(
      "AMO access fault",
      "machine, mcause, mtval",
      mode,
      [encode("amoadd.w", 5, 6, address)],
      7n,
      {
        x,
        tval: () => nowhere,
        notOn: wrongOnQemu("AMOs to no memory are load access faults"),
      },
    ),
    raises("misaligned LR", "Zalrsc; machine, mcause", mode, [encode("lr.w", 5, 0, address)], 4n, {
      x: misaligned,
      tval: (place) => place.data + 1n,
    }),
    raises(
      "misaligned AMO",
      "Zaamo; machine, mcause",
      mode,
      [encode("amoadd.d", 5, 6, address)],
      6n,
      {
        x: misaligned,
        tval: (place) => place.data + 1n,
        notOn: wrongOnQemu7("reported as a load"),
      },
    ),
    raises("misaligned SC", "Zalrsc; machine, mcause", mode, [encode("sc.d", 5, 6, address)], 6n, {
      x: misaligned,
      tval: (place) => place.data + 1n,
      notOn: wrongOnQemu7("fails silently"),
    }),
    row(
      `EBREAK in ${mode}-mode`,
      "machine, mcause, mtval",
      { mode, steps: [[encode("ebreak")]] },
      (result, place) => {
        const { mcause, mepc, mtval } = firstTrap(result);
        assertValue("mcause", mcause, 3n);
        assertValue("mepc", mepc, place.step(0));
        assertValue("mtval", mtval === 0n ? mepc : mtval, mepc); // zero or the address
      },
    ),
    raises(
      "environment call",
      "machine, mcause; hypervisor, Trap Cause Codes",
      mode,
      [encode("ecall")],
      { M: 11n, HS: 9n, VS: 10n, U: 8n, VU: 8n }[mode],
      { tval: () => 0n },
    ),
    row(`a jump to an odd address in ${mode}-mode clears bit 0`, "unprivileged, JALR", (place) => ({
      mode,
      x: { [address]: place.step(1) + 1n },
      steps: [[encode("jalr", 5, 0, address)], [encode("addi", 6, 0, 1)]],
    }), ({ x, traps }) => {
      assertValue("x6", x[6], 1n);
      assertValue("traps", BigInt(traps.length), 1n); // the end of the case
    }),
  ];
});

/** Where a trap went, from the first record of a case with trampolines. */
function destination({ mepc }: TrapRecord, place: Place): "M" | "HS" | "VS" {
  if (mepc >= place.stvec && mepc < place.stvec + 0x200n) return "HS";
  if (mepc >= place.vstvec && mepc < place.vstvec + 0x200n) return "VS";
  return "M";
}

/** Delegation of one cause from one mode. */
function delegates(
  title: string,
  mode: Mode,
  cause: bigint,
  words: readonly number[],
  x: { readonly [register: number]: bigint } = {},
  notOn?: NotOn,
): Row[] {
  const bit = 1n << cause;
  const variants: readonly (readonly [Csrs, "M" | "HS" | "VS"])[] = [
    [{ medeleg: 0n, hedeleg: bit }, "M"],
    [{ medeleg: bit, hedeleg: 0n }, mode === "M" ? "M" : "HS"],
    [
      { medeleg: bit, hedeleg: bit },
      mode === "M" ? "M" : isVirtual(mode) && cause < 16n ? "VS" : "HS",
    ],
  ];
  return variants.map(([csrs, expected]) =>
    row(
      `${title} of ${mode}-mode goes to ${expected} with medeleg 0x${
        csrs.medeleg!.toString(16)
      }, ` +
        `hedeleg 0x${csrs.hedeleg!.toString(16)}`,
      "machine, medeleg; hypervisor, hedeleg and hideleg, Trap Entry",
      { mode, csrs, x, steps: [words] },
      (result, place) => {
        const trap = firstTrap(result);
        const went = destination(trap, place);
        assertValue(`to ${expected}, not ${went}`, went === expected ? 1n : 0n, 1n);
        checkEntry(trap, mode, cause, expected, place);
      },
      notOn,
    )
  );
}

/** The status fields that trap entry writes (machine, mstatus; hypervisor, Trap Entry). */
function checkEntry(
  trap: TrapRecord,
  mode: Mode,
  cause: bigint,
  to: "M" | "HS" | "VS",
  place: Place,
): void {
  const virtual = isVirtual(mode) ? 1n : 0n;
  if (to === "M") {
    assertValue("mcause", trap.mcause, cause);
    assertValue("mepc", trap.mepc, place.step(0));
    assertValue("MPP", (trap.mstatus >> 11n) & 3n, nominal(mode));
    assertValue("MPV", (trap.mstatus >> 39n) & 1n, virtual);
  } else if (to === "HS") {
    assertValue("scause", trap.scause, cause);
    assertValue("sepc", trap.sepc, place.step(0));
    assertValue("sstatus.SPP", (trap.mstatus >> 8n) & 1n, nominal(mode));
    assertValue("hstatus.SPV", (trap.hstatus >> 7n) & 1n, virtual);
    if (virtual === 1n) assertValue("hstatus.SPVP", (trap.hstatus >> 8n) & 1n, nominal(mode));
    assertValue("htval", trap.htval, 0n);
    assertValue("exceptions go to the base", trap.mepc, place.stvec);
  } else {
    assertValue("vscause", trap.vscause, cause);
    assertValue("vsepc", trap.vsepc, place.step(0));
    assertValue("vsstatus.SPP", (trap.vsstatus >> 8n) & 1n, nominal(mode));
    assertValue("hstatus.SPV stays", (trap.hstatus >> 7n) & 1n, 0n);
    assertValue("exceptions go to the base", trap.mepc, place.vstvec);
  }
}

const illegalForVirtual = wrongOnQemu7("raised as illegal");
const guestFence = encode("hfence.gvma", 0, 0);
const lowers = wrongOnQemu7(
  "vscause of exceptions 2, 6 and 10 is lowered like that of an interrupt",
);

const delegationRows: readonly Row[] = modes.flatMap((mode) => [
  ...delegates(
    "an illegal instruction",
    mode,
    2n,
    [0xffff_ffff],
    {},
    isVirtual(mode) ? lowers : undefined,
  ),
  ...delegates("a breakpoint", mode, 3n, [encode("ebreak")]),
  ...delegates("a load access fault", mode, 5n, [encode("ld", 5, 0, address)], {
    [address]: nowhere,
  }),
  ...delegates("a store access fault", mode, 7n, [encode("sd", 5, 0, address)], {
    [address]: nowhere,
  }),
  ...(mode === "U" || mode === "VU"
    ? delegates("an environment call", mode, 8n, [encode("ecall")])
    : []),
  ...(isVirtual(mode)
    ? delegates(
      "a virtual instruction",
      mode,
      22n,
      [guestFence],
      {},
      mode === "VU" ? illegalForVirtual : undefined,
    )
    : []),
]);

/** The single step must raise `cause`, or nothing when it is undefined. */
function permission(
  title: string,
  section: string,
  mode: Mode,
  words: readonly number[],
  csrs: Csrs,
  cause: bigint | undefined,
  notOn?: NotOn,
): Row {
  const what = cause === undefined ? "is allowed" : cause === 22n ? "is virtual" : "is illegal";
  const program = (place: Place): Program => ({
    mode,
    csrs,
    x: { [address]: place.data },
    steps: [words, [nop]],
  });
  return row(`${title} ${what} in ${mode}-mode`, section, program, (result, place) => {
    const trap = firstTrap(result);
    if (cause === undefined) {
      assertValue("first trap is the end of the case", trap.mepc, place.step(2));
      return;
    }
    assertValue("mcause", trap.mcause, cause);
    const word = BigInt(words.at(-1)! >>> 0);
    assertValue("mtval", trap.mtval === 0n ? word : trap.mtval, word); // the instruction or zero
    assertValue("mtinst", trap.mtinst, 0n);
  }, notOn);
}

const H = "hypervisor, Trap Cause Codes";
const M = "machine, mstatus, Virtualization Support";
const TVM = 1n << 20n, TW = 1n << 21n, TSR = 1n << 22n;
const VTVM = TVM, VTW = TW, VTSR = TSR, HU = 1n << 9n;
/** A VS-level interrupt pends and is enabled but masked: WFI ends at once and nothing traps. */
const wakeup: Csrs = { mie: 4n, hvip: 4n, hideleg: 4n };

const sfence = encode("sfence.vma", 0, 0), sinval = encode("sinval.vma", 0, 0);
const readSatp = encode("csrrs", 5, csr("satp"), 0), writeSatp = encode("csrrw", 0, csr("satp"), 0);
const readHgatp = encode("csrrs", 5, csr("hgatp"), 0);

const permissionRows: readonly Row[] = [
  // SRET
  permission("SRET with TSR", M, "HS", [encode("sret")], { mstatus: TSR }, 2n),
  permission("SRET", H, "U", [encode("sret")], {}, 2n),
  permission("SRET with VTSR", H, "VS", [encode("sret")], { hstatus: VTSR }, 22n),
  permission("SRET", H, "VU", [encode("sret")], {}, 22n, illegalForVirtual),
  ...(["HS", "U", "VS", "VU"] as const).map((mode) =>
    permission(
      "MRET",
      "machine, Trap-Return Instructions",
      mode,
      [encode("mret")],
      {},
      2n,
    )
  ),
  // WFI
  permission("WFI with a wakeup pending", M, "M", [encode("wfi")], wakeup, undefined),
  permission(
    "WFI with a wakeup pending",
    M,
    "HS",
    [encode("wfi")],
    { ...wakeup, hideleg: 4n },
    undefined,
  ),
  permission("WFI with TW", M, "HS", [encode("wfi")], { mstatus: TW }, 2n),
  permission("WFI with TW", H, "VS", [encode("wfi")], { mstatus: TW, hstatus: VTW }, 2n),
  permission("WFI with VTW", H, "VS", [encode("wfi")], { hstatus: VTW }, 22n),
  permission("WFI with a wakeup pending", H, "VS", [encode("wfi")], wakeup, undefined),
  permission("WFI", H, "VU", [encode("wfi")], {}, 22n),
  permission(
    "WFI with TW",
    H,
    "VU",
    [encode("wfi")],
    { mstatus: TW },
    2n,
    wrongOnQemu("TW is not looked at in VU-mode"),
  ),
  permission("WFI with TW", M, "U", [encode("wfi")], { mstatus: TW }, 2n),
  // Fences of the supervisor
  ...([["SFENCE.VMA", sfence], ["SINVAL.VMA", sinval]] as const).flatMap(([name, word]) => [
    permission(name, H, "HS", [word], {}, undefined),
    permission(`${name} with TVM`, M, "HS", [word], { mstatus: TVM }, 2n),
    permission(
      `${name} with mstatus.TVM`,
      "hypervisor, mstatus",
      "VS",
      [word],
      { mstatus: TVM },
      undefined,
      wrongOnQemu7("TVM counts in VS-mode"),
    ),
    permission(`${name} with VTVM`, H, "VS", [word], { hstatus: VTVM }, 22n),
    permission(name, H, "U", [word], {}, 2n),
    permission(name, H, "VU", [word], {}, 22n, illegalForVirtual),
  ]),
  ...["sfence.w.inval", "sfence.inval.ir"].flatMap((name) => [
    permission(name, "Svinval", "HS", [encode(name)], { mstatus: TVM }, undefined),
    permission(name, "Svinval", "VS", [encode(name)], { hstatus: VTVM }, undefined),
    permission(name, "Svinval", "U", [encode(name)], {}, 2n, wrongOnQemu7("U-mode may execute it")),
    permission(
      name,
      "Svinval",
      "VU",
      [encode(name)],
      {},
      22n,
      wrongOnQemu7("VU-mode may execute it"),
    ),
  ]),
  // satp and hgatp
  ...([["a read of satp", readSatp], ["a write of satp", writeSatp]] as const).flatMap((
    [name, word],
  ) => [
    permission(`${name} with TVM`, M, "HS", [word], { mstatus: TVM }, 2n),
    permission(
      `${name} with mstatus.TVM`,
      "hypervisor, mstatus",
      "VS",
      [word],
      { mstatus: TVM },
      undefined,
      wrongOnQemu7("TVM counts in VS-mode"),
    ),
    permission(
      `${name} with VTVM`,
      H,
      "VS",
      [word],
      { hstatus: VTVM },
      22n,
      wrongOnQemu7("some accesses pass"),
    ),
  ]),
  permission("a read of hgatp", "hypervisor, hgatp", "HS", [readHgatp], {}, undefined),
  permission(
    "a read of hgatp with TVM",
    "hypervisor, hgatp",
    "HS",
    [readHgatp],
    { mstatus: TVM },
    2n,
  ),
  permission(
    "a read of vsatp with TVM",
    "hypervisor, mstatus",
    "HS",
    [encode("csrrs", 5, csr("vsatp"), 0)],
    { mstatus: TVM },
    undefined,
  ),
  // Hypervisor instructions
  ...["hfence.vvma", "hfence.gvma", "hinval.vvma", "hinval.gvma"].flatMap((name) => {
    const word = encode(name, 0, 0), isGuest = name.endsWith("gvma");
    return [
      permission(name, H, "M", [word], { mstatus: TVM }, undefined),
      permission(name, H, "HS", [word], {}, undefined),
      permission(
        `${name} with TVM`,
        "hypervisor, mstatus",
        "HS",
        [word],
        { mstatus: TVM },
        isGuest ? 2n : undefined,
      ),
      permission(name, H, "U", [word], { hstatus: HU }, 2n),
      permission(name, H, "VS", [word], {}, 22n, illegalForVirtual),
      permission(name, H, "VU", [word], {}, 22n, illegalForVirtual),
    ];
  }),
  ...["hlv.b", "hlv.wu", "hlvx.hu", "hlv.d"].flatMap((name) => {
    const word = encode(name, 5, address);
    return [
      permission(name, H, "M", [word], {}, undefined),
      permission(name, H, "HS", [word], {}, undefined),
      permission(`${name} with HU`, H, "U", [word], { hstatus: HU }, undefined),
      permission(`${name} without HU`, H, "U", [word], {}, 2n),
      permission(name, H, "VS", [word], { hstatus: HU }, 22n),
      permission(name, H, "VU", [word], { hstatus: HU }, 22n),
    ];
  }),
  ...["hsv.b", "hsv.d"].flatMap((name) => {
    const word = encode(name, address, 5);
    return [
      permission(name, H, "HS", [word], {}, undefined),
      permission(`${name} with HU`, H, "U", [word], { hstatus: HU }, undefined),
      permission(`${name} without HU`, H, "U", [word], {}, 2n),
      permission(name, H, "VS", [word], {}, 22n),
    ];
  }),
  // Cache blocks
  ...cacheBlockRows(),
];

/** CMO, Control and Status Register State: menvcfg, then henvcfg, then senvcfg. */
function cacheBlockRows(): Row[] {
  const since8 = wrongOnQemu7("no Zicbom and Zicboz before 8.0");
  const enables: readonly (readonly [string, bigint])[] = [
    ["cbo.inval", 0x10n],
    ["cbo.clean", 0x40n],
    ["cbo.flush", 0x40n],
    ["cbo.zero", 0x80n],
  ];
  return enables.flatMap(([name, bit]) => {
    const word = encode(name, address);
    const test = (mode: Mode, m: boolean, h: boolean, s: boolean, cause: bigint | undefined) =>
      permission(
        `${name} with menvcfg ${m ? "on" : "off"}, henvcfg ${h ? "on" : "off"}, senvcfg ${
          s ? "on" : "off"
        }`,
        "CMO, Control and Status Register State; hypervisor, henvcfg",
        mode,
        [word],
        { menvcfg: m ? bit : 0n, henvcfg: h ? bit : 0n, senvcfg: s ? bit : 0n },
        cause,
        since8,
      );
    return [
      test("M", false, false, false, undefined),
      test("HS", false, true, true, 2n),
      test("HS", true, false, false, undefined),
      test("U", true, true, false, 2n),
      test("U", false, true, true, 2n),
      test("U", true, false, true, undefined),
      test("VS", false, true, true, 2n),
      test("VS", true, false, true, 22n),
      test("VS", true, true, false, undefined),
      test("VU", false, true, true, 2n),
      test("VU", true, false, true, 22n),
      test("VU", true, true, false, 22n),
      test("VU", true, true, true, undefined),
    ];
  });
}

const SIE = 1n << 1n, SPIE = 1n << 5n, SPP = 1n << 8n, SPV = 1n << 7n;
const xlen = 0xa_0000_0000n;

/** Trap returns: the monitor itself enters by SRET; what it left is in the first record. */
const returnRows: readonly Row[] = [
  row(
    "SRET moves SPIE to SIE and clears SPP and SPV",
    "supervisor, SRET; hypervisor, Trap Return",
    {
      mode: "HS",
      csrs: { mstatus: SPIE, medeleg: 8n },
      steps: [[encode("ebreak")]],
    },
    (result) => {
      // the trap into HS moved SIE back to SPIE
      const { mstatus, hstatus } = firstTrap(result);
      assertValue("SPIE, SIE, SPP", mstatus & (SPIE | SIE | SPP), SPIE | SPP);
      assertValue("SPV", hstatus & SPV, 0n);
    },
  ),
  row("SRET in VS-mode acts on vsstatus", "hypervisor, Trap Return", (place) => ({
    mode: "VS",
    csrs: { vsstatus: SPP | SPIE },
    x: { [address]: place.step(1) },
    steps: [[encode("csrrw", 0, csr("sepc"), address), encode("sret")], [encode("ebreak")]],
  }), (result, place) => {
    const { mepc, vsstatus, mstatus } = firstTrap(result);
    assertValue("mepc", mepc, place.step(1));
    assertValue("vsstatus", vsstatus & (SPP | SPIE | SIE), SPIE | SIE);
    assertValue("MPV and MPP: still VS-mode", mstatus & (mpv | (3n << 11n)), mpv | (1n << 11n));
  }),
  row("SRET from VS-mode with SPP = 0 goes to VU-mode", "hypervisor, Trap Return", (place) => ({
    mode: "VS",
    x: { [address]: place.step(1) },
    steps: [[encode("csrrw", 0, csr("sepc"), address), encode("sret")], [encode("ecall")]],
  }), (result) => {
    const { mcause, mstatus } = firstTrap(result);
    assertValue("mcause", mcause, 8n);
    assertValue("MPV and MPP", mstatus & (mpv | (3n << 11n)), mpv);
  }),
  row("MRET to a lower mode clears MPRV", "machine, mstatus.MPRV", (place) => ({
    mode: "M",
    x: { [address]: place.step(1), 11: (1n << 17n) | (1n << 11n) | xlen },
    steps: [[
      encode("csrrw", 0, csr("mepc"), address),
      encode("csrrw", 0, csr("mstatus"), 11),
      encode("mret"),
    ], [encode("ebreak")]],
  }), (result, place) => {
    const { mepc, mstatus } = firstTrap(result);
    assertValue("mepc", mepc, place.step(1));
    assertValue("MPRV", mstatus & (1n << 17n), 0n);
    assertValue("MPP", (mstatus >> 11n) & 3n, 1n);
  }, wrongOnQemu7("MPRV stays")),
  row("MRET with MPP = M ignores MPV", "hypervisor, mstatus.MPV", (place) => ({
    mode: "M",
    x: { [address]: place.step(1), 11: (3n << 11n) | mpv | xlen },
    steps: [[
      encode("csrrw", 0, csr("mepc"), address),
      encode("csrrw", 0, csr("mstatus"), 11),
      encode("mret"),
    ], [encode("ecall")]],
  }), (result) => assertValue("mcause", firstTrap(result).mcause, 11n)),
  row(
    "MRET with MPV enters VS-mode",
    "hypervisor, mstatus.MPV",
    (place) => ({
      mode: "M",
      x: { [address]: place.step(1), 11: (1n << 11n) | mpv | xlen },
      steps: [[
        encode("csrrw", 0, csr("mepc"), address),
        encode("csrrw", 0, csr("mstatus"), 11),
        encode("mret"),
      ], [encode("ecall")]],
    }),
    (result) => assertValue("mcause", firstTrap(result).mcause, 10n),
    (name) =>
      name.startsWith("qemu 11.") ? "MPV cannot be written by a CSR instruction" : undefined,
  ),
];

const FS = 3n << 13n;
const floatAdd = encode("fadd.s", 1, 2, 3, 0);

/** FS of mstatus and vsstatus both count in a guest (hypervisor, vsstatus). */
const floatRows: readonly Row[] = [
  permission("floating point with FS off", "machine, mstatus.FS", "HS", [floatAdd], {}, 2n),
  permission(
    "floating point with FS on",
    "machine, mstatus.FS",
    "HS",
    [floatAdd],
    { mstatus: FS },
    undefined,
  ),
  permission(
    "floating point with only vsstatus.FS",
    "hypervisor, vsstatus",
    "VS",
    [floatAdd],
    { vsstatus: FS },
    2n,
  ),
  permission(
    "floating point with only mstatus.FS",
    "hypervisor, vsstatus",
    "VS",
    [floatAdd],
    { mstatus: FS },
    2n,
  ),
  permission("floating point with both FS", "hypervisor, vsstatus", "VU", [floatAdd], {
    mstatus: FS,
    vsstatus: FS,
  }, undefined),
  permission(
    "a reserved rounding mode",
    "F, Floating-Point Control and Status Register",
    "M",
    [encode("fadd.s", 1, 2, 3, 5)],
    { mstatus: FS },
    2n,
  ),
  row("floating point dirties both FS fields of a guest", "hypervisor, vsstatus", {
    mode: "VS",
    csrs: { mstatus: 1n << 13n, vsstatus: 1n << 13n },
    x: { 5: 0x3f80_0000n },
    steps: [[encode("fmv.w.x", 1, 5)]],
  }, ({ traps }) => {
    assertValue("mstatus.FS", traps[0]!.mstatus & FS, FS);
    assertValue("vsstatus.FS", traps[0]!.vsstatus & FS, FS);
  }),
];

/** GVA tells whether mtval holds a guest virtual address. */
const gvaRows: readonly Row[] = [
  ...([["an illegal instruction", 0xffff_ffff], ["a virtual instruction", guestFence]] as const)
    .map(
      ([title, word]) =>
        row(`${title} of a guest leaves GVA 0`, "hypervisor, mstatus.GVA", {
          mode: "VS",
          steps: [[word]],
        }, (result) =>
          assertValue("GVA", firstTrap(result).mstatus & gva, 0n), wrongOnQemu("GVA is 1")),
    ),
  row("an access fault of a guest sets GVA", "hypervisor, mstatus.GVA", {
    mode: "VS",
    x: { [address]: nowhere },
    steps: [[encode("ld", 5, 0, address)]],
  }, (result) => assertValue("GVA", firstTrap(result).mstatus & gva, gva)),
  row(
    "a trap of HS-mode clears GVA",
    "hypervisor, mstatus.GVA",
    {
      mode: "HS",
      csrs: { mstatus: gva },
      x: { [address]: nowhere },
      steps: [[encode("ld", 5, 0, address)]],
    },
    (result) => assertValue("GVA", firstTrap(result).mstatus & gva, 0n),
    wrongOnQemu("GVA stays"),
  ),
];

/** The rows. */
export const trapRows: readonly Row[] = [
  ...exceptionRows,
  ...delegationRows,
  ...permissionRows,
  ...returnRows,
  ...floatRows,
  ...gvaRows,
];
