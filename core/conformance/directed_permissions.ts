/**
 * Rows about which instructions are allowed, illegal or virtual in which mode.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import type { Mode } from "./case.ts";
import { csr } from "./csr_map.ts";
import {
  assertValue,
  type Csrs,
  firstTrap,
  type NotOn,
  type Place,
  type Program,
  type Row,
  row,
  wrongOnQemu,
  wrongOnQemu7,
} from "./directed.ts";

const address = 10, nop = encode("addi", 0, 0, 0);
const illegalForVirtual = wrongOnQemu7("raised as illegal");

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

const instructionRows: readonly Row[] = [
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

/** The rows. */
export const permissionRows: readonly Row[] = [...instructionRows, ...floatRows];
