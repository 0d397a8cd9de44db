/**
 * Rows about what a guest-page fault tells: addresses, transformed instructions, pseudoinstructions.
 *
 * @module
 */

import { entry } from "./address_space.ts";
import { encode } from "./assembler.ts";
import { type Step, stepOfBytes } from "./case.ts";
import { assertValue, firstTrap, type Row, row, wrongOnQemu, wrongOnQemu7 } from "./directed.ts";
import {
  A,
  accesses,
  address,
  D,
  FETCH,
  fetch,
  guestPage,
  hostPage,
  LOAD,
  load,
  result,
  Space,
  STORE,
  store,
  value,
  W,
} from "./guest_space.ts";

const tinstOf7 = wrongOnQemu7("wrong or missing trap instructions");

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

/** The rows. */
export const tinstRows: readonly Row[] = [
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
