/**
 * The mode a hart is in, and what its addresses mean there.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import type { TranslationRegisters } from "../page_tables/translate.ts";
import type { HartMode } from "./hart_report.ts";

const PRIVILEGE_U = 0;
const PRIVILEGE_M = 3;

/** The name of a hart's mode. */
export function modeOf(harts: HartArray, hart: number): HartMode {
  const { privilege, virtual } = harts.mode(hart);
  if (privilege === PRIVILEGE_M) return "M";
  if (privilege === PRIVILEGE_U) return virtual ? "VU" : "U";
  return virtual ? "VS" : "HS";
}

/** What the host kernel's addresses are translated by. */
export function hostTranslation(harts: HartArray, hart: number): TranslationRegisters {
  return { satp: harts.get(hart, "satp") };
}

/** What the guest kernel's addresses are translated by. */
export function guestTranslation(harts: HartArray, hart: number): TranslationRegisters {
  return { satp: harts.get(hart, "vsatp"), hgatp: harts.get(hart, "hgatp") };
}
