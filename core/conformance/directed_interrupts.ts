/**
 * Rows about interrupts: to which mode each goes, in which order, behind which enables.
 *
 * The monitor takes every interrupt once and then clears its enable bit, so the log of a program that
 * does nothing is the order in which its pending interrupts were taken.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { encode } from "./assembler.ts";
import type { Mode } from "./case.ts";
import { csr } from "./csr_map.ts";
import { assertValue, type Place, type Row, row, wrongOnQemu, wrongOnQemu7 } from "./directed.ts";
import type { InitialCsr } from "./layout.ts";
import type { CaseResult } from "./result.ts";

type Csrs = { readonly [name in InitialCsr]?: bigint };

const nop = encode("addi", 0, 0, 0);
const interruptBit = 1n << 63n;
const S_BITS = 0x222n, VS_BITS = 0x444n;
const SPIE = 1n << 5n, SIE = 1n << 1n, MPIE = 1n << 7n;
const STCE = 1n << 63n;

const byNumber = wrongOnQemu("without AIA the lowest number comes first");

/** The interrupts taken, as "mode number", without the end of the case. */
function taken({ traps }: CaseResult, place: Place): string[] {
  return traps.slice(0, -1).map(({ mepc, mcause, scause, vscause }) => {
    const [mode, cause] = mepc >= place.stvec && mepc < place.stvec + 0x200n
      ? ["HS", scause]
      : mepc >= place.vstvec && mepc < place.vstvec + 0x200n
      ? ["VS", vscause]
      : ["M", mcause];
    return `${mode} ${(cause & interruptBit) === 0n ? "exception " : ""}${cause & ~interruptBit}`;
  });
}

function takes(
  title: string,
  section: string,
  mode: Mode,
  csrs: Csrs,
  expected: readonly string[],
  notOn?: (engineName: string) => string | undefined,
): Row {
  return row(title, section, { mode, csrs, steps: [[nop], [nop]] }, (result, place) => {
    assertEquals(taken(result, place), [...expected]);
    const { csrs, traps } = result;
    // an interrupt says nothing beside its number (hypervisor, Transformed Instruction; htval)
    if (expected[0]?.startsWith("M")) {
      assertValue("mtval", traps[0]!.mtval, 0n);
      assertValue("mtinst", traps[0]!.mtinst, 0n);
      assertValue("mtval2", traps[0]!.mtval2, 0n);
    }
    if (expected.at(-1)?.startsWith("HS")) {
      assertValue("stval", csrs.stval, 0n);
      assertValue("htval", csrs.htval, 0n);
      assertValue("htinst", csrs.htinst, 0n);
    }
  }, notOn);
}

const order = "machine, mip and mie; supervisor, sip and sie; hypervisor, hip and hie";
const enables = "machine, mip and mie; hypervisor, hie, vsie and hideleg";

const priorityRows: readonly Row[] = [
  takes("SEI, SSI, STI in M-mode order", order, "U", { mie: S_BITS, mip: S_BITS }, [
    "M 9",
    "M 1",
    "M 5",
  ], byNumber),
  takes(
    "SEI, SSI, STI, VSEI, VSSI, VSTI in HS-mode order",
    order,
    "U",
    { mideleg: S_BITS, mie: S_BITS | VS_BITS, mip: S_BITS, hvip: VS_BITS },
    ["HS 9", "HS 1", "HS 5", "HS 10", "HS 2", "HS 6"],
    byNumber,
  ),
  takes(
    "VSEI, VSSI, VSTI arrive in VS-mode as SEI, SSI, STI",
    `${order}; hideleg`,
    "VU",
    { mie: VS_BITS, hvip: VS_BITS, hideleg: VS_BITS },
    ["VS 9", "VS 1", "VS 5"],
    byNumber,
  ),
  takes(
    "M-mode comes before HS-mode, HS-mode before VS-mode",
    "machine, mip and mie; hypervisor, hideleg",
    "VU",
    { mideleg: 2n, mie: 0x26n, mip: 0x22n, hvip: 4n, hideleg: 4n },
    ["M 5", "HS 1", "VS 1"],
    wrongOnQemu7("STI is not taken"),
  ),
];

const enableRows: readonly Row[] = [
  takes("not enabled in mie, not taken", enables, "U", { mip: S_BITS, hvip: VS_BITS }, []),
  takes("HS-mode with SIE = 0 takes no SSI", enables, "HS", { mideleg: 2n, mie: 2n, mip: 2n }, []),
  takes("HS-mode with SIE = 1 takes SSI", enables, "HS", {
    mideleg: 2n,
    mie: 2n,
    mip: 2n,
    mstatus: SPIE,
  }, ["HS 1"]),
  takes("HS-mode with SIE = 0 takes an SSI of M-mode", enables, "HS", { mie: 2n, mip: 2n }, [
    "M 1",
  ]),
  takes("M-mode with MIE = 0 takes none", enables, "M", { mie: 2n, mip: 2n }, []),
  takes("M-mode with MIE = 1 takes SSI", enables, "M", { mie: 2n, mip: 2n, mstatus: MPIE }, [
    "M 1",
  ]),
  takes("M-mode takes none that is delegated", enables, "M", {
    mideleg: 2n,
    mie: 2n,
    mip: 2n,
    mstatus: MPIE,
  }, []),
  takes("M-mode takes no VS-level interrupt", enables, "M", {
    mie: VS_BITS,
    hvip: VS_BITS,
    mstatus: MPIE,
  }, []),
  takes("U-mode takes SSI with SIE = 0", enables, "U", { mideleg: 2n, mie: 2n, mip: 2n }, ["HS 1"]),
  takes("VS-mode takes SSI of HS-mode with SIE = 0", enables, "VS", {
    mideleg: 2n,
    mie: 2n,
    mip: 2n,
  }, ["HS 1"]),
  takes("VS-level interrupts without hideleg go to HS-mode", enables, "VS", {
    mie: VS_BITS,
    hvip: VS_BITS,
  }, [
    "HS 10",
    "HS 2",
    "HS 6",
  ], byNumber),
  takes("VS-level interrupts without hideleg wait for SIE in HS-mode", enables, "HS", {
    mie: VS_BITS,
    hvip: VS_BITS,
  }, []),
  takes("VS-level interrupts do not disturb HS-mode", enables, "HS", {
    mie: VS_BITS,
    hvip: VS_BITS,
    hideleg: VS_BITS,
    mstatus: SPIE,
    vsstatus: SIE,
  }, []),
  takes("VS-level interrupts do not disturb U-mode", enables, "U", {
    mie: VS_BITS,
    hvip: VS_BITS,
    hideleg: VS_BITS,
  }, []),
  takes("VS-mode with vsstatus.SIE = 0 takes none", enables, "VS", {
    mie: VS_BITS,
    hvip: VS_BITS,
    hideleg: VS_BITS,
  }, []),
  takes("VS-mode with vsstatus.SIE = 1 takes VSSI", enables, "VS", {
    mie: 4n,
    hvip: 4n,
    hideleg: 4n,
    vsstatus: SIE,
  }, ["VS 1"]),
  takes("VU-mode takes VSSI with vsstatus.SIE = 0", enables, "VU", {
    mie: 4n,
    hvip: 4n,
    hideleg: 4n,
  }, ["VS 1"]),
];

const timerRows: readonly Row[] = [
  takes("stimecmp in the past is STI", "Sstc", "U", {
    menvcfg: STCE,
    mideleg: 0x20n,
    mie: 0x20n,
    stimecmp: 0n,
  }, ["HS 5"]),
  takes(
    "stimecmp without menvcfg.STCE is nothing",
    "Sstc",
    "U",
    { mideleg: 0x20n, mie: 0x20n, stimecmp: 0n },
    [],
    wrongOnQemu("STIP follows stimecmp without STCE"),
  ),
  takes("vstimecmp in the past is VSTI", "Sstc; hypervisor, hip.VSTIP", "VU", {
    menvcfg: STCE,
    henvcfg: STCE,
    hideleg: 0x40n,
    mie: 0x40n,
    vstimecmp: 0n,
  }, ["VS 5"]),
  takes(
    "vstimecmp without henvcfg.STCE is nothing",
    "Sstc; hypervisor, henvcfg",
    "VU",
    {
      menvcfg: STCE,
      hideleg: 0x40n,
      mie: 0x40n,
      vstimecmp: 0n,
    },
    [],
    wrongOnQemu("VSTIP follows vstimecmp without STCE"),
  ),
  takes(
    "vstimecmp is compared with time + htimedelta",
    "Sstc; hypervisor, htimedelta",
    "VU",
    {
      menvcfg: STCE,
      henvcfg: STCE,
      hideleg: 0x40n,
      mie: 0x40n,
      htimedelta: 1n << 62n,
      vstimecmp: 1n << 61n,
    },
    ["VS 5"],
    wrongOnQemu("the timer is set before htimedelta"),
  ),
];

/** In vectored mode an interrupt goes to base + 4 times its number, as the mode counts. */
function vectored(
  title: string,
  mode: Mode,
  csrs: Csrs,
  expected: (place: Place) => bigint,
): Row {
  return row(title, "supervisor, stvec; hypervisor, vstvec", (place) => ({
    mode,
    csrs: { ...csrs, stvec: place.stvec + 1n, vstvec: place.vstvec + 1n },
    steps: [[nop]],
  }), ({ traps }, place) => assertValue("pc", traps[0]!.mepc, expected(place)));
}

const vectorRows: readonly Row[] = [
  vectored(
    "stvec vectored: SSI",
    "U",
    { mideleg: 2n, mie: 2n, mip: 2n },
    ({ stvec }) => stvec + 4n,
  ),
  vectored(
    "stvec vectored: SEI",
    "U",
    { mideleg: 0x200n, mie: 0x200n, mip: 0x200n },
    ({ stvec }) => stvec + 36n,
  ),
  vectored(
    "stvec vectored: VSSI keeps its number",
    "U",
    { mie: 4n, hvip: 4n },
    ({ stvec }) => stvec + 8n,
  ),
  vectored(
    "vstvec vectored: VSSI is SSI",
    "VU",
    { mie: 4n, hvip: 4n, hideleg: 4n },
    ({ vstvec }) => vstvec + 4n,
  ),
  vectored(
    "vstvec vectored: VSEI is SEI",
    "VU",
    { mie: 0x400n, hvip: 0x400n, hideleg: 0x400n },
    ({ vstvec }) => vstvec + 36n,
  ),
  row("vectored mode is for interrupts only", "supervisor, stvec", (place) => ({
    mode: "U",
    csrs: { stvec: place.stvec + 1n, medeleg: 8n },
    steps: [[encode("ebreak")]],
  }), ({ traps }, { stvec }) => assertValue("pc", traps[0]!.mepc, stvec)),
];

const softwareRows: readonly Row[] = [
  row(
    "an interrupt enabled by a CSR write is taken before the next instruction",
    "machine, mip and mie",
    {
      mode: "HS",
      csrs: { mideleg: 2n, mip: 2n, mstatus: SPIE },
      x: { 10: 2n },
      steps: [[encode("csrrs", 0, csr("sie"), 10), encode("addi", 5, 5, 1)]],
    },
    ({ traps }, place) => {
      assertValue("scause", traps[0]!.scause, interruptBit | 1n);
      assertValue("sepc", traps[0]!.sepc, place.step(0) + 4n);
    },
  ),
  row("VS-mode raises its own SSI through sip", "hypervisor, vsip and vsie", {
    mode: "VS",
    csrs: { mie: 4n, hideleg: 4n, vsstatus: SIE },
    x: { 10: 2n },
    steps: [[encode("csrrs", 0, csr("sip"), 10), nop]],
  }, ({ traps }, place) => {
    assertValue("vscause", traps[0]!.vscause, interruptBit | 1n);
    assertValue("vsepc", traps[0]!.vsepc, place.step(0) + 4n);
  }),
];

/** The rows. */
export const interruptRows: readonly Row[] = [
  ...priorityRows,
  ...enableRows,
  ...timerRows,
  ...vectorRows,
  ...softwareRows,
];
