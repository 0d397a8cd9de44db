/**
 * The five modes in which code runs, each with the translation that belongs to it.
 *
 * @module
 */

import type { BareProgram, Program } from "../../testing/bare_program.ts";
import { RAM } from "../../testing/bare_program.ts";
import { AddressSpace, pte, RWX, TablePages } from "../../testing/page_tables.ts";

/** A mode: its name, privilege and V. */
export interface Mode {
  readonly name: "M" | "S" | "U" | "VS" | "VU";
  readonly privilege: number;
  readonly virtual: boolean;
}

export const MODES: readonly Mode[] = [
  { name: "M", privilege: 3, virtual: false },
  { name: "S", privilege: 1, virtual: false },
  { name: "U", privilege: 0, virtual: false },
  { name: "VS", privilege: 1, virtual: true },
  { name: "VU", privilege: 0, virtual: true },
];

/** Where {@link enterTranslated} maps {@link MODE_PAGE}, besides all of RAM one to one. */
export const MODE_VA = 0x6_0000_0000n;
/** A page of RAM, for stacks and data under a virtual address of its own. */
export const MODE_PAGE = RAM + 0x1_c000;

const MODE_TABLES = RAM + 0x2_0000;

/**
 * Goes on in a mode, translated where the mode is; M-mode stays as it is.
 *
 * @param device maps this physical page at {@link MODE_VA} in place of the one in RAM
 */
export function enterTranslated(
  a: Program,
  harts: BareProgram["harts"],
  mode: Mode,
  device?: number,
): void {
  if (mode.name === "M") return;
  const pages = new TablePages(harts, MODE_TABLES);
  const flags = mode.privilege === 0 ? RWX | pte.U : RWX;
  // Guest physical addresses lie 16 GiB above where they are, so that a missing stage shows.
  const offset = mode.virtual ? 1n << 34n : 0n;
  const deviceAddress = mode.virtual ? offset : device ?? 0;
  const space = new AddressSpace(pages);
  if (mode.virtual) {
    const guest = new AddressSpace(pages, undefined, true)
      .map(offset + BigInt(RAM), RAM, RWX | pte.U, 2)
      .map(BigInt(RAM), RAM, RWX | pte.U, 2); // the guest's page tables name each other by these
    if (device !== undefined) guest.map(offset, device, RWX | pte.U);
    a.setCsr("hgatp", guest.atp(1));
  }
  space.map(BigInt(RAM), BigInt(RAM) + offset, flags, 2)
    .map(MODE_VA, device === undefined ? BigInt(MODE_PAGE) + offset : deviceAddress, flags);
  a.setCsr(mode.virtual ? "vsatp" : "satp", space.atp(1)).enter(mode.privilege, mode.virtual);
}
