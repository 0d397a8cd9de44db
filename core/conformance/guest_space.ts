/**
 * A guest's address space for directed rows: everything mapped one to one in two stages, but for the
 * data frames that a row is about; and one access in it.
 *
 * @module
 */

import { atp, entry, pte, type Scheme, scheme } from "./address_space.ts";
import { encode } from "./assembler.ts";
import type { Mode, Patch, Step } from "./case.ts";
import {
  assertValue,
  type Csrs,
  firstTrap,
  type NotOn,
  type Place,
  type Row,
  row,
} from "./directed.ts";
import { environmentEnables } from "./generate_instructions.ts";
import { slot } from "./layout.ts";
import { Stage } from "./page_tables.ts";

export const address = 10, value = 11, result = 12;
export const { V, R, W, X, U, A, D } = pte;
export const guestPage = V | R | W | X | A | D;
export const hostPage = guestPage | U;
export const SUM = 1n << 18n, MXR = 1n << 19n, MPRV = 1n << 17n, MPV = 1n << 39n, GVA = 1n << 38n;
export const SPVP = 1n << 8n, HU = 1n << 9n;
export const ADUE = 1n << 61n, PBMTE = 1n << 62n;
export const LOAD = 21n,
  STORE = 23n,
  FETCH = 20n,
  LOAD_PAGE = 13n,
  STORE_PAGE = 15n,
  FETCH_PAGE = 12n;

/** A guest address space: everything one to one, data frames as a row wants them. */
export class Space {
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

export interface Access {
  readonly mode?: Mode;
  readonly csrs?: Csrs;
  readonly words: readonly number[] | Step;
  readonly at: bigint;
  readonly extra?: readonly Patch[];
}

/** What a fault must leave; fields that are not given are not looked at. */
export interface Fault {
  readonly cause: bigint;
  readonly tval?: bigint;
  /** Guest-physical address: mtval2 or htval, times four. */
  readonly gpa?: bigint;
  readonly tinst?: bigint;
  readonly gva?: boolean;
}

export type Outcome = Fault | { readonly value: bigint } | "allowed";

/** One access in a space, and what must come of it. */
export function accesses(
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

export const load = [encode("ld", result, 0, address)];
export const store = [encode("sd", value, 0, address)];
export const fetch = [encode("jalr", 1, 0, address)];
