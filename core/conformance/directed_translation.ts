/**
 * Rows about two-stage translation: guest-page faults with their addresses and trap instructions,
 * permissions of both stages, and accesses as though from a guest (HLV, HSV, MPRV with MPV).
 *
 * @module
 */

import { atp, entry, levelsOf, pte, type Scheme, scheme } from "./address_space.ts";
import { encode } from "./assembler.ts";
import type { Mode, Patch, Step } from "./case.ts";
import { stepOfBytes } from "./case.ts";
import { csr } from "./csr_map.ts";
import { assertValue, type Place, type Row, row, wrongOnQemu, wrongOnQemu7 } from "./directed.ts";
import { environmentEnables } from "./generate_instructions.ts";
import { type InitialCsr, slot } from "./layout.ts";
import { Stage } from "./page_tables.ts";
import type { CaseResult, TrapRecord } from "./result.ts";

type Csrs = { readonly [name in InitialCsr]?: bigint };
type NotOn = (engineName: string) => string | undefined;

const address = 10, value = 11, result = 12;
const { V, R, W, X, U, A, D } = pte;
const guestPage = V | R | W | X | A | D;
const hostPage = guestPage | U;
const SUM = 1n << 18n, MXR = 1n << 19n, MPRV = 1n << 17n, MPV = 1n << 39n, GVA = 1n << 38n;
const SPVP = 1n << 8n, HU = 1n << 9n;
const ADUE = 1n << 61n, PBMTE = 1n << 62n;
const LOAD = 21n, STORE = 23n, FETCH = 20n, LOAD_PAGE = 13n, STORE_PAGE = 15n, FETCH_PAGE = 12n;

/** A guest address space: everything one to one, data frames as a row wants them. */
class Space {
  readonly vs: Stage;
  readonly g: Stage;

  constructor(
    readonly place: Place,
    vsScheme: Scheme = scheme.sv39,
    gScheme: Scheme = scheme.sv39,
    readonly user = false,
  ) {
    this.vs = new Stage({
      mode: vsScheme,
      isGStage: false,
      root: slot.vsStageTables,
      next: slot.vsStageTables + 0x1000,
    }, place.base);
    this.g = new Stage({
      mode: gScheme,
      isGStage: true,
      root: slot.gStageRoot,
      next: slot.gStageTables,
    }, place.base);
    for (const stage of [this.vs, this.g]) stage.setIdentityPath();
    for (let at = 0; at < slot.data + slot.dataSizeBytes; at += 0x1000) {
      const isCode = at >= slot.code && at < slot.context;
      const owner = user && (isCode || at >= slot.data) ? U : 0n;
      this.vs.setIdentityPage(at, guestPage | owner);
      this.g.setIdentityPage(at, hostPage);
    }
  }

  /** Address of a data frame in the guest. */
  frame(number: number): bigint {
    return this.place.data + BigInt(number) * 0x1000n;
  }

  /** Flags of a frame's VS-stage entry. */
  guest(number: number, flags: bigint, target = this.frame(number)): this {
    this.vs.set(0, this.vs.indexOf(this.frame(number), 0), entry(target, flags));
    return this;
  }

  /** Flags of a frame's G-stage entry. */
  host(number: number, flags: bigint): this {
    const frame = this.frame(number);
    this.g.set(0, this.g.indexOf(frame, 0), entry(frame, flags));
    return this;
  }

  /** A second VS-stage table of level 0 in a data frame, at the next 2 MiB; returns its addresses. */
  farTable(frame: number): { readonly address: bigint; readonly entry: bigint } {
    const far = this.place.base + 0x20_0000n;
    this.vs.set(1, this.vs.indexOf(far, 1), entry(this.frame(frame), V));
    const index = this.vs.indexOf(far, 0);
    return { address: far, entry: this.frame(frame) + 8n * BigInt(index) };
  }

  get csrs(): Csrs {
    const { place, vs, g } = this;
    return {
      vsatp: atp(vs.shape.mode, place.at(vs.shape.root), 1),
      hgatp: atp(g.shape.mode, place.at(g.shape.root), 1),
      menvcfg: environmentEnables,
      henvcfg: environmentEnables,
      mstatus: 1n << 13n,
      vsstatus: 1n << 13n,
    };
  }

  get memory(): Patch[] {
    return [...this.vs.patches(), ...this.g.patches()];
  }
}

interface Access {
  readonly mode?: Mode;
  readonly csrs?: Csrs;
  readonly words: readonly number[] | Step;
  readonly at: bigint;
  readonly extra?: readonly Patch[];
}

/** What a fault must leave; fields that are not given are not looked at. */
interface Fault {
  readonly cause: bigint;
  readonly tval?: bigint;
  /** Guest-physical address: mtval2 or htval, times four. */
  readonly gpa?: bigint;
  readonly tinst?: bigint;
  readonly gva?: boolean;
}

type Outcome = Fault | { readonly value: bigint } | "allowed";

function firstTrap({ traps }: CaseResult): TrapRecord {
  const [trap] = traps;
  if (!trap) throw new Error("No trap was taken");
  return trap;
}

/** One access in a space, and what must come of it. */
function accesses(
  title: string,
  section: string,
  build: (
    place: Place,
  ) => { readonly space: Space; readonly access: Access; readonly outcome: Outcome },
  notOn?: NotOn,
): Row {
  return row(title, section, (place) => {
    const { space, access } = build(place);
    return {
      mode: access.mode ?? (space.user ? "VU" : "VS"),
      csrs: { ...space.csrs, ...access.csrs },
      x: { [address]: access.at, [value]: 0x1234_5678n, 3: 0n, 1: place.step(1) },
      steps: [access.words],
      memory: [...space.memory, ...(access.extra ?? [])],
    };
  }, (caseResult, place) => {
    const { outcome } = build(place);
    const trap = firstTrap(caseResult);
    if (outcome === "allowed" || "value" in outcome) {
      assertValue("first trap is the end of the case", trap.mepc, place.step(1));
      if (outcome !== "allowed") assertValue("loaded", caseResult.x[result], outcome.value);
      return;
    }
    assertValue("mcause", trap.mcause, outcome.cause);
    if (outcome.tval !== undefined) assertValue("mtval", trap.mtval, outcome.tval);
    if (outcome.gpa !== undefined) assertValue("mtval2", trap.mtval2, outcome.gpa >> 2n);
    if (outcome.tinst !== undefined) assertValue("mtinst", trap.mtinst, outcome.tinst);
    if (outcome.gva !== undefined) assertValue("GVA", trap.mstatus & GVA, outcome.gva ? GVA : 0n);
  }, notOn);
}

const load = [encode("ld", result, 0, address)];
const store = [encode("sd", value, 0, address)];
const fetch = [encode("jalr", 1, 0, address)];
const tinstOf7 = wrongOnQemu7("wrong or missing trap instructions");

const schemes: readonly (readonly [string, Scheme])[] = [
  ["Bare", scheme.bare],
  ["Sv39", scheme.sv39],
  ["Sv48", scheme.sv48],
  ["Sv57", scheme.sv57],
];

/** Every pair of schemes: a load that passes, faults at the VS-stage, faults at the G-stage. */
const schemeRows: readonly Row[] = schemes.flatMap(([vsName, vs]) =>
  schemes.flatMap(([gName, g]) => {
    const name = `${vsName} over ${gName === "Bare" ? gName : `${gName}x4`}`;
    const section = "hypervisor, Two-Stage Address Translation; supervisor, Sv39, Sv48, Sv57";
    const rows = [
      accesses(`load through ${name}`, section, (place) => {
        const space = new Space(place, vs, g);
        const extra = [{ offset: slot.data, bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }];
        return {
          space,
          access: { words: load, at: space.frame(0), extra },
          outcome: { value: 0x0807_0605_0403_0201n },
        };
      }),
    ];
    if (levelsOf(vs) > 0) {
      rows.push(accesses(`load page fault with ${name}`, section, (place) => {
        const space = new Space(place, vs, g).guest(0, 0n);
        const outcome = { cause: LOAD_PAGE, tval: space.frame(0), gpa: 0n, gva: true };
        return { space, access: { words: load, at: space.frame(0) }, outcome };
      }));
    }
    if (levelsOf(g) > 0) {
      rows.push(accesses(`load guest-page fault with ${name}`, section, (place) => {
        const space = new Space(place, vs, g).host(0, 0n);
        const outcome = {
          cause: LOAD,
          tval: space.frame(0) + 0x18n,
          gpa: space.frame(0) + 0x18n,
          gva: true,
        };
        return { space, access: { words: load, at: space.frame(0) + 0x18n }, outcome };
      }));
    }
    return rows;
  })
);

/** Instructions with the transformed form the specification defines for them. */
const transformed: readonly (readonly [
  name: string,
  code: readonly number[] | Step,
  tinst: number,
  cause: bigint,
])[] = [
  ...["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "flw", "fld", "flh"].map((name) =>
    [name, [encode(name, result, 0x10, address)], encode(name, result, 0, 0), LOAD] as const
  ),
  ...["sb", "sh", "sw", "sd", "fsw", "fsd", "fsh"].map((name) =>
    [name, [encode(name, value, 0x10, address)], encode(name, value, 0, 0), STORE] as const
  ),
  ...["lr.w", "lr.d"].map((name) =>
    [name, [encode(name, result, 0, address, 2)], encode(name, result, 0, 0, 2), LOAD] as const
  ),
  ...["sc.w", "sc.d", "amoadd.w", "amoswap.d", "amominu.d"].map((name) =>
    [
      name,
      [encode(name, result, value, address, 1)],
      encode(name, result, value, 0, 1),
      STORE,
    ] as const
  ),
  ["c.lw", compressed(0x4110), encode("lw", 12, 0, 0) & ~2, LOAD], // c.lw a2, 0(a0)
  ["c.ld", compressed(0x6110), encode("ld", 12, 0, 0) & ~2, LOAD],
  ["c.fld", compressed(0x2110), encode("fld", 12, 0, 0) & ~2, LOAD],
  ["c.sw", compressed(0xc10c), encode("sw", 11, 0, 0) & ~2, STORE], // c.sw a1, 0(a0)
  ["c.sd", compressed(0xe10c), encode("sd", 11, 0, 0) & ~2, STORE],
  ["c.fsd", compressed(0xa10c), encode("fsd", 11, 0, 0) & ~2, STORE],
];

function compressed(half: number): Step {
  return stepOfBytes(Uint8Array.of(half & 0xff, half >> 8));
}

const tinstSection = "hypervisor, Transformed Instruction or Pseudoinstruction";

const tinstRows: readonly Row[] = [
  ...transformed.map(([name, words, tinst, cause]) =>
    accesses(`mtinst of ${name}`, tinstSection, (place) => {
      const space = new Space(place).host(0, 0n);
      const offset = "code" in words || /^(lr|sc|amo)/.test(name) ? 0n : 0x10n;
      const at = space.frame(0) + offset;
      return {
        space,
        access: { words, at: space.frame(0) },
        outcome: { cause, tval: at, gpa: at, tinst: BigInt(tinst >>> 0), gva: true },
      };
    }, /^(sc|amo)/.test(name) ? wrongOnQemu7("AMOs and SC fault otherwise") : tinstOf7)
  ),
  accesses("mtinst of a fetch is zero", tinstSection, (place) => {
    const space = new Space(place).host(0, 0n);
    const at = space.frame(0) + 0x20n;
    return {
      space,
      access: { words: fetch, at },
      outcome: { cause: FETCH, tval: at, gpa: at, tinst: 0n, gva: true },
    };
  }),
  ...([["load", load, LOAD], ["store", store, STORE], ["fetch", fetch, FETCH]] as const).map(
    ([name, words, cause]) =>
      accesses(`a VS-stage table that cannot be read: ${name}`, tinstSection, (place) => {
        const space = new Space(place).host(7, 0n);
        const far = space.farTable(7);
        return {
          space,
          access: { words, at: far.address + 0x40n },
          outcome: { cause, tval: far.address + 0x40n, gpa: far.entry, tinst: 0x3000n, gva: true },
        };
      }, name === "load" ? undefined : wrongOnQemu("wrong kind of access or pseudoinstruction")),
  ),
  ...([["A of a load", load, LOAD, guestPage & ~A], [
    "D of a store",
    store,
    STORE,
    guestPage & ~D,
  ]] as const)
    .map(([name, words, cause, flags]) =>
      accesses(`a VS-stage entry that cannot be written: ${name}`, tinstSection, (place) => {
        const space = new Space(place).host(7, hostPage & ~W);
        const far = space.farTable(7);
        const offset = Number(far.entry - place.base);
        const bytes = new Uint8Array(BigUint64Array.of(entry(space.frame(0), flags)).buffer);
        return {
          space,
          access: { words, at: far.address, extra: [{ offset, bytes }] },
          outcome: { cause, tval: far.address, gpa: far.entry, tinst: 0x3020n, gva: true },
        };
      }, wrongOnQemu("0x3000 for loads; 7.2 does not check the permission"))
    ),
  accesses("a load across pages names the second and its distance", tinstSection, (place) => {
    const space = new Space(place).host(1, 0n);
    const at = space.frame(0) + 0xffcn;
    return {
      space,
      access: { words: load, at },
      outcome: {
        cause: LOAD,
        tval: space.frame(1),
        gpa: space.frame(1),
        tinst: BigInt(encode("ld", result, 0, 4) >>> 0),
      },
    };
  }, tinstOf7),
  row("htval, htinst and hstatus.GVA in HS-mode", `hypervisor, htval; ${tinstSection}`, (place) => {
    const space = new Space(place).host(0, 0n);
    return {
      mode: "VS",
      csrs: { ...space.csrs, medeleg: 1n << LOAD },
      x: { [address]: space.frame(0) },
      steps: [load],
      memory: space.memory,
    };
  }, (caseResult, place) => {
    const trap = firstTrap(caseResult);
    assertValue("scause", trap.scause, LOAD);
    assertValue("stval", trap.stval, place.data);
    assertValue("htval", trap.htval, place.data >> 2n);
    assertValue("htinst", trap.htinst, BigInt(encode("ld", result, 0, 0)));
    assertValue("hstatus GVA, SPV, SPVP", trap.hstatus & 0x1c0n, 0x1c0n);
  }, tinstOf7),
];

const permissionSection = "hypervisor, Two-Stage Address Translation; supervisor, sstatus";

/** One frame with the given flags of both stages. */
function permits(
  title: string,
  words: readonly number[],
  guest: bigint,
  host: bigint,
  outcome: bigint | "allowed",
  options: { csrs?: Csrs; user?: boolean; notOn?: NotOn; section?: string } = {},
): Row {
  return accesses(title, options.section ?? permissionSection, (place) => {
    const space = new Space(place, scheme.sv39, scheme.sv39, options.user ?? false)
      .guest(0, guest).host(0, host);
    const extra = words === fetch
      ? [{ offset: slot.data, bytes: Uint8Array.of(0x82, 0x80) }] // c.jr ra
      : [];
    const access = {
      words,
      at: space.frame(0),
      extra,
      csrs: { ...space.csrs, ...options.csrs },
    };
    return { space, access, outcome: outcome === "allowed" ? outcome : { cause: outcome } };
  }, options.notOn);
}

const withSum = { vsstatus: SUM }, hostSum = { mstatus: SUM };
const noSvade = wrongOnQemu7("no Svade before 8.0");
const oldReserved = wrongOnQemu7("reserved bits are ignored");

const permissionRows: readonly Row[] = [
  permits("VS-stage without R: load", load, guestPage & ~R & ~W, hostPage, LOAD_PAGE),
  permits("VS-stage without W: store", store, guestPage & ~W, hostPage, STORE_PAGE),
  permits("VS-stage without X: fetch", fetch, guestPage & ~X, hostPage, FETCH_PAGE),
  permits("G-stage without R: load", load, guestPage, hostPage & ~R & ~W, LOAD),
  permits("G-stage without W: store", store, guestPage, hostPage & ~W, STORE),
  permits("G-stage without X: fetch", fetch, guestPage, hostPage & ~X, FETCH),
  permits("G-stage without U: load", load, guestPage, guestPage, LOAD),
  permits("G-stage W without R", load, guestPage, hostPage & ~R, LOAD),
  permits("VS-stage W without R", load, guestPage & ~R, hostPage, LOAD_PAGE),
  permits("both permit: fetch", fetch, guestPage, hostPage, "allowed"),
  // U, SUM
  permits("VS-mode on a user page", load, guestPage | U, hostPage, LOAD_PAGE),
  permits("VS-mode on a user page with vsstatus.SUM", load, guestPage | U, hostPage, "allowed", {
    csrs: withSum,
  }),
  permits("VS-mode on a user page with mstatus.SUM", load, guestPage | U, hostPage, LOAD_PAGE, {
    csrs: hostSum,
  }),
  permits("VS-mode runs no user page, SUM or not", fetch, guestPage | U, hostPage, FETCH_PAGE, {
    csrs: withSum,
  }),
  permits("VU-mode on a user page", load, guestPage | U, hostPage, "allowed", { user: true }),
  permits("VU-mode on a supervisor page", load, guestPage, hostPage, LOAD_PAGE, { user: true }),
  // MXR
  permits("execute-only VS-stage with vsstatus.MXR", load, V | X | A | D, hostPage, "allowed", {
    csrs: { vsstatus: MXR },
  }),
  permits("execute-only VS-stage with mstatus.MXR", load, V | X | A | D, hostPage, "allowed", {
    csrs: { mstatus: MXR },
    notOn: wrongOnQemu7("only vsstatus.MXR counts"),
  }),
  permits("execute-only G-stage with vsstatus.MXR", load, guestPage, V | X | A | D | U, LOAD, {
    csrs: { vsstatus: MXR },
    notOn: wrongOnQemu7("vsstatus.MXR counts in the G-stage"),
  }),
  permits("execute-only G-stage with mstatus.MXR", load, guestPage, V | X | A | D | U, "allowed", {
    csrs: { mstatus: MXR },
    notOn: wrongOnQemu7("only vsstatus.MXR counts"),
  }),
  accesses("MXR does not make VS-stage tables readable", permissionSection, (place) => {
    const space = new Space(place).host(7, V | X | A | D | U);
    const far = space.farTable(7);
    return {
      space,
      access: { words: load, at: far.address, csrs: { ...space.csrs, mstatus: MXR } },
      outcome: { cause: LOAD, gpa: far.entry, tinst: 0x3000n },
    };
  }, wrongOnQemu("it does")),
  // A and D
  ...([["VS-stage", (flags: bigint) => [guestPage & ~flags, hostPage], LOAD_PAGE, STORE_PAGE], [
    "G-stage",
    (flags: bigint) => [guestPage, hostPage & ~flags],
    LOAD,
    STORE,
  ]] as const).flatMap(
    ([stage, flagsOf, loadCause, storeCause]) => {
      const section = "Svade, Svadu; hypervisor, henvcfg.ADUE";
      const off: Csrs = stage === "VS-stage"
        ? { henvcfg: environmentEnables & ~ADUE }
        : { menvcfg: environmentEnables & ~ADUE };
      const [noA, hostNoA] = flagsOf(A) as [bigint, bigint];
      const [noD, hostNoD] = flagsOf(D) as [bigint, bigint];
      return [
        permits(`${stage} without A, ADUE = 0: load`, load, noA, hostNoA, loadCause, {
          csrs: off,
          section,
          notOn: noSvade,
        }),
        permits(`${stage} without D, ADUE = 0: store`, store, noD, hostNoD, storeCause, {
          csrs: off,
          section,
          notOn: noSvade,
        }),
        permits(`${stage} without D, ADUE = 0: load`, load, noD, hostNoD, "allowed", {
          csrs: off,
          section,
        }),
        permits(`${stage} without A, ADUE = 1: load`, load, noA, hostNoA, "allowed", { section }),
        permits(`${stage} without D, ADUE = 1: store`, store, noD, hostNoD, "allowed", { section }),
      ];
    },
  ),
  // Reserved bits, Svpbmt, Svnapot
  ...[54n, 57n, 60n].flatMap((bit) => [
    permits(
      `reserved bit ${bit} of a VS-stage leaf`,
      load,
      guestPage | (1n << bit),
      hostPage,
      LOAD_PAGE,
      { section: "supervisor, Sv39", notOn: oldReserved },
    ),
    permits(
      `reserved bit ${bit} of a G-stage leaf`,
      load,
      guestPage,
      hostPage | (1n << bit),
      LOAD,
      { section: "supervisor, Sv39", notOn: oldReserved },
    ),
  ]),
  ...([[1n, "allowed"], [2n, "allowed"], [3n, LOAD_PAGE]] as const).map(([type, outcome]) =>
    permits(
      `PBMT = ${type} of a VS-stage leaf`,
      load,
      guestPage | (type << 61n),
      hostPage,
      outcome,
      { section: "Svpbmt", notOn: oldReserved },
    )
  ),
  permits("PBMT = 3 of a G-stage leaf", load, guestPage, hostPage | (3n << 61n), LOAD, {
    section: "Svpbmt",
    notOn: oldReserved,
  }),
  permits("PBMT without henvcfg.PBMTE", load, guestPage | (1n << 61n), hostPage, LOAD_PAGE, {
    csrs: { henvcfg: environmentEnables & ~PBMTE },
    section: "Svpbmt; hypervisor, henvcfg.PBMTE",
    notOn: oldReserved,
  }),
  permits(
    "PBMT in the G-stage does not ask henvcfg.PBMTE",
    load,
    guestPage,
    hostPage | (1n << 61n),
    "allowed",
    {
      csrs: { henvcfg: environmentEnables & ~PBMTE },
      section: "Svpbmt; machine, menvcfg.PBMTE",
    },
  ),
  permits(
    "PBMT in the G-stage without menvcfg.PBMTE",
    load,
    guestPage,
    hostPage | (1n << 61n),
    LOAD,
    {
      csrs: { menvcfg: environmentEnables & ~PBMTE },
      section: "Svpbmt; machine, menvcfg.PBMTE",
      notOn: oldReserved,
    },
  ),
  accesses("Svnapot: 64 KiB leaf", "Svnapot", (place) => {
    const space = new Space(place);
    space.guest(3, guestPage | pte.N | (8n << 10n), place.at(0x1_0000));
    const extra = [{ offset: slot.data + 0x3000, bytes: Uint8Array.of(9) }];
    return { space, access: { words: load, at: space.frame(3), extra }, outcome: { value: 9n } };
  }),
  ...[0n, 4n, 12n, 9n].map((pattern) =>
    accesses(
      `Svnapot: reserved PPN pattern ${pattern.toString(2).padStart(4, "0")}`,
      "Svnapot",
      (place) => {
        const space = new Space(place);
        space.guest(3, guestPage | pte.N | (pattern << 10n), place.at(0x1_0000));
        return {
          space,
          access: { words: load, at: space.frame(3) },
          outcome: { cause: LOAD_PAGE },
        };
      },
    )
  ),
  // Shape of the tree
  ...[A, D, U, pte.N, 1n << 61n].map((bit) =>
    accesses(
      `bit 0x${bit.toString(16)} is reserved in a VS-stage pointer`,
      "supervisor, Sv39; Svnapot; Svpbmt",
      (place) => {
        const space = new Space(place);
        const far = space.farTable(7);
        space.vs.set(1, space.vs.indexOf(far.address, 1), entry(space.frame(7), V | bit));
        const bytes = new Uint8Array(BigUint64Array.of(entry(space.frame(0), guestPage)).buffer);
        const extra = [{ offset: Number(far.entry - place.base), bytes }];
        return {
          space,
          access: { words: load, at: far.address, extra },
          outcome: { cause: LOAD_PAGE, tval: far.address },
        };
      },
      bit > D ? oldReserved : undefined,
    )
  ),
  ...([["VS-stage", LOAD_PAGE], ["G-stage", LOAD]] as const).map(([name, cause]) =>
    accesses(
      `misaligned superpage in the ${name}`,
      "supervisor, Sv32 algorithm, step 6",
      (place) => {
        const space = new Space(place);
        const far = place.base + 0x20_0000n;
        const stage = name === "VS-stage" ? space.vs : space.g;
        if (name === "G-stage") {
          space.vs.set(1, space.vs.indexOf(far, 1), entry(far & ~0x1f_ffffn, guestPage));
        }
        const flags = name === "VS-stage" ? guestPage : hostPage;
        stage.set(1, stage.indexOf(far, 1), entry((place.base & ~0x1f_ffffn) + 0x1000n, flags));
        return { space, access: { words: load, at: far }, outcome: { cause } };
      },
    )
  ),
  accesses(
    "2 MiB pages in both stages",
    "supervisor, Sv39; hypervisor, Guest Physical Address Translation",
    (place) => {
      const space = new Space(place);
      const far = place.data + 0x20_0000n, start = place.base & ~0x1f_ffffn;
      space.vs.set(1, space.vs.indexOf(far, 1), entry(start + 0x40_0000n, guestPage));
      space.g.set(1, space.g.indexOf(start + 0x40_0000n, 1), entry(start, hostPage));
      const extra = [{ offset: slot.data, bytes: Uint8Array.of(7) }];
      return { space, access: { words: load, at: far, extra }, outcome: { value: 7n } };
    },
  ),
  accesses("a virtual address that is not sign-extended", "supervisor, Sv39", (place) => {
    const space = new Space(place);
    const at = space.frame(0) | (1n << 40n);
    return { space, access: { words: load, at }, outcome: { cause: LOAD_PAGE, tval: at } };
  }),
  accesses(
    "a guest-physical address beyond 41 bits",
    "hypervisor, Guest Physical Address Translation",
    (place) => {
      const space = new Space(place, scheme.bare);
      const at = space.frame(0) | (1n << 41n);
      return { space, access: { words: load, at }, outcome: { cause: LOAD, tval: at, gpa: at } };
    },
  ),
  accesses(
    "the two widened bits of a guest-physical address count",
    "hypervisor, Guest Physical Address Translation",
    (place) => {
      const space = new Space(place, scheme.bare);
      const at = place.data | (3n << 39n);
      space.g.set(2, space.g.indexOf(at, 2), entry(0x8000_0000n, hostPage));
      const extra = [{ offset: slot.data, bytes: Uint8Array.of(5) }];
      return { space, access: { words: load, at, extra }, outcome: { value: 5n } };
    },
    wrongOnQemu7("a guest-page fault"),
  ),
];

/** Accesses as though from a guest. */
const asGuest = "hypervisor, Virtual-Machine Load and Store Instructions; mstatus.MPRV";
const hlv = [encode("hlv.d", result, address)], hlvx = [encode("hlvx.wu", result, address)];
const hsv = [encode("hsv.d", address, value)];
const oldHlv = wrongOnQemu7("wrong permission checks of HLV");

function hypervisorAccess(
  title: string,
  mode: Mode,
  words: readonly number[],
  guest: bigint,
  host: bigint,
  outcome: Omit<Fault, "tval"> | "allowed",
  csrs: Csrs = {},
  notOn: NotOn = oldHlv,
): Row {
  return accesses(title, asGuest, (place) => {
    const space = new Space(place).guest(0, guest).host(0, host);
    const at = space.frame(0);
    const access = { mode, words, at, csrs: { ...space.csrs, ...csrs } };
    const full = outcome === "allowed" ? outcome : { ...outcome, tval: at };
    return { space, access, outcome: full };
  }, notOn);
}

const supervisorGuest = { hstatus: SPVP };
const gpaOf = wrongOnQemu("GVA is 0 for V = 0");

const hypervisorRows: readonly Row[] = (["M", "HS"] as const).flatMap((mode) => [
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1`,
    mode,
    hlv,
    guestPage,
    hostPage,
    "allowed",
    supervisorGuest,
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 0, supervisor page`,
    mode,
    hlv,
    guestPage,
    hostPage,
    { cause: LOAD_PAGE },
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 0, user page`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    "allowed",
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1, user page`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    { cause: LOAD_PAGE },
    supervisorGuest,
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1, user page, vsstatus.SUM`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    "allowed",
    { ...supervisorGuest, vsstatus: SUM },
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1, user page, mstatus.SUM`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    { cause: LOAD_PAGE },
    { ...supervisorGuest, mstatus: SUM },
  ),
  hypervisorAccess(`HSV from ${mode}-mode without W`, mode, hsv, guestPage & ~W, hostPage, {
    cause: STORE_PAGE,
  }, supervisorGuest),
  hypervisorAccess(
    `HLVX from ${mode}-mode reads execute-only pages`,
    mode,
    hlvx,
    V | X | A,
    V | X | A | U,
    "allowed",
    supervisorGuest,
  ),
  hypervisorAccess(
    `HLVX from ${mode}-mode needs X in the VS-stage`,
    mode,
    hlvx,
    guestPage & ~X,
    hostPage,
    { cause: LOAD_PAGE },
    supervisorGuest,
    wrongOnQemu("a fetch exception"),
  ),
  hypervisorAccess(
    `HLVX from ${mode}-mode needs X in the G-stage`,
    mode,
    hlvx,
    guestPage,
    hostPage & ~X,
    { cause: LOAD },
    supervisorGuest,
    wrongOnQemu("a fetch exception"),
  ),
  accesses(`HLV guest-page fault from ${mode}-mode`, asGuest, (place) => {
    const space = new Space(place).host(0, 0n);
    const at = space.frame(0);
    return {
      space,
      access: { mode, words: hlv, at, csrs: { ...space.csrs, ...supervisorGuest } },
      outcome: {
        cause: LOAD,
        tval: at,
        gpa: at,
        tinst: BigInt(encode("hlv.d", result, 0) >>> 0),
        gva: true,
      },
    };
  }, gpaOf),
  accesses(`HSV guest-page fault from ${mode}-mode`, asGuest, (place) => {
    const space = new Space(place).host(0, 0n);
    const at = space.frame(0);
    return {
      space,
      access: { mode, words: hsv, at, csrs: { ...space.csrs, ...supervisorGuest } },
      outcome: {
        cause: STORE,
        tval: at,
        gpa: at,
        tinst: BigInt(encode("hsv.d", 0, value) >>> 0),
        gva: true,
      },
    };
  }, gpaOf),
]).concat([
  hypervisorAccess("HLV from U-mode with HU", "U", hlv, guestPage | U, hostPage, "allowed", {
    hstatus: HU,
  }),
  row("GVA without SPV after HLV in HS-mode", "hypervisor, hstatus.GVA", (place) => {
    const space = new Space(place).guest(0, 0n);
    return {
      mode: "HS",
      csrs: { ...space.csrs, hstatus: SPVP, medeleg: 1n << LOAD_PAGE },
      x: { [address]: space.frame(0) },
      steps: [hlv],
      memory: space.memory,
    };
  }, (caseResult) => {
    assertValue("hstatus GVA, SPV", firstTrap(caseResult).hstatus & 0xc0n, 0x40n);
  }, oldHlv),
]);

/** A load of M-mode through MPRV. */
function throughMprv(
  title: string,
  mpp: bigint,
  virtual: boolean,
  guest: bigint,
  outcome: Omit<Fault, "tval"> | "allowed",
  csrs: Csrs = {},
  host = hostPage,
): Row {
  const notOn = (name: string) =>
    name.startsWith("qemu 11.") && virtual && mpp !== 3n
      ? "MPV cannot be written by a CSR instruction"
      : name.startsWith("qemu 7.") && virtual
      ? "MPRV with MPV checks the wrong permissions"
      : undefined;
  return row(title, asGuest, (place) => {
    const space = new Space(place).guest(0, guest).host(0, host);
    const status = (csrs.mstatus ?? 0n) | 0xa_0000_0000n | MPRV | (mpp << 11n) |
      (virtual ? MPV : 0n);
    return {
      mode: "M",
      csrs: { ...space.csrs, ...csrs },
      x: { [address]: space.frame(0), 5: status, 6: MPRV },
      steps: [[
        encode("csrrw", 0, csr("mstatus"), 5),
        encode("ld", result, 0, address),
        encode("csrrc", 0, csr("mstatus"), 6),
      ]],
      memory: space.memory,
    };
  }, (caseResult, place) => {
    const trap = firstTrap(caseResult);
    if (outcome === "allowed") {
      assertValue("first trap is the end of the case", trap.mepc, place.step(1));
      return;
    }
    assertValue("mcause", trap.mcause, outcome.cause);
    assertValue("mtval", trap.mtval, place.data);
    if (outcome.gpa !== undefined) assertValue("mtval2", trap.mtval2, outcome.gpa >> 2n);
    assertValue("MPP", (trap.mstatus >> 11n) & 3n, 3n);
    assertValue("MPV", trap.mstatus & MPV, 0n);
    assertValue("GVA", trap.mstatus & GVA, outcome.gva ? GVA : 0n);
  }, notOn);
}

const mprvRows: readonly Row[] = [
  throughMprv("MPRV with MPP = M: no translation", 3n, false, 0n, "allowed"),
  throughMprv("MPRV with MPP = M and MPV: no translation", 3n, true, 0n, "allowed"),
  throughMprv("MPRV with MPP = S: HS-level translation only", 1n, false, 0n, "allowed"),
  throughMprv("MPRV with MPP = S and MPV: two stages", 1n, true, guestPage, "allowed"),
  throughMprv("MPRV with MPP = S and MPV: load page fault", 1n, true, 0n, {
    cause: LOAD_PAGE,
    gva: true,
  }),
  throughMprv(
    "MPRV with MPP = S and MPV: load guest-page fault",
    1n,
    true,
    guestPage,
    { cause: LOAD, gva: true },
    {},
    0n,
  ),
  throughMprv("MPRV with MPP = S and MPV: user page", 1n, true, guestPage | U, {
    cause: LOAD_PAGE,
    gva: true,
  }, { mstatus: SUM }),
  throughMprv(
    "MPRV with MPP = S and MPV: user page with vsstatus.SUM",
    1n,
    true,
    guestPage | U,
    "allowed",
    { vsstatus: SUM },
  ),
  throughMprv("MPRV with MPP = U and MPV: user page", 0n, true, guestPage | U, "allowed"),
  throughMprv("MPRV with MPP = U and MPV: supervisor page", 0n, true, guestPage, {
    cause: LOAD_PAGE,
    gva: true,
  }),
];

/** The rows. */
export const translationRows: readonly Row[] = [
  ...schemeRows,
  ...tinstRows,
  ...permissionRows,
  ...hypervisorRows,
  ...mprvRows,
];
