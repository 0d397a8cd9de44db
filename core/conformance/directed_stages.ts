/**
 * Rows about the permissions and the shape of page tables in both stages.
 *
 * @module
 */

import { entry, pte, scheme } from "./address_space.ts";
import { type Csrs, type NotOn, type Row, wrongOnQemu, wrongOnQemu7 } from "./directed.ts";
import { environmentEnables } from "./generate_instructions.ts";
import {
  A,
  accesses,
  ADUE,
  D,
  FETCH,
  fetch,
  FETCH_PAGE,
  guestPage,
  hostPage,
  LOAD,
  load,
  LOAD_PAGE,
  MXR,
  PBMTE,
  R,
  Space,
  STORE,
  store,
  STORE_PAGE,
  SUM,
  U,
  V,
  W,
  X,
} from "./guest_space.ts";
import { slot } from "./layout.ts";

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

/** The rows. */
export const stageRows: readonly Row[] = [
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
