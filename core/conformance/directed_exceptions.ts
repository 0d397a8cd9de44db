/**
 * Rows about exceptions: what each cause writes, where delegation sends it.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import { isVirtual, type Mode, modes } from "./case.ts";
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
import { nowhere } from "./page_tables.ts";
import type { TrapRecord } from "./result.ts";

const address = 10;
const nominal = (mode: Mode) => mode === "M" ? 3n : mode === "HS" || mode === "VS" ? 1n : 0n;

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

const causeRows: readonly Row[] = modes.flatMap((mode) => {
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
    ...["cbo.inval", "cbo.clean", "cbo.flush", "cbo.zero"].map((name) =>
      raises(
        `${name} where nothing is`,
        "CMO, Page-Fault, Guest-Page-Fault, and Access-Fault Exceptions",
        mode,
        [encode(name, address)],
        7n,
        {
          csrs: { menvcfg: 0xd0n, henvcfg: 0xd0n, senvcfg: 0xd0n },
          x: () => ({ [address]: nowhere + 1n }),
          tval: () => nowhere + 1n,
          notOn: wrongOnQemu("CBO of no memory passes, or reports the start of the block"),
        },
      )
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

/** The rows. */
export const exceptionRows: readonly Row[] = [...causeRows, ...delegationRows];
