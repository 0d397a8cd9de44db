/**
 * Rows about every pair of translation schemes.
 *
 * @module
 */

import { levelsOf, type Scheme, scheme } from "./address_space.ts";
import type { Row } from "./directed.ts";
import { accesses, LOAD, load, LOAD_PAGE, Space } from "./guest_space.ts";
import { slot } from "./layout.ts";

const schemes: readonly (readonly [string, Scheme])[] = [
  ["Bare", scheme.bare],
  ["Sv39", scheme.sv39],
  ["Sv48", scheme.sv48],
  ["Sv57", scheme.sv57],
];

/** Every pair of schemes: a load that passes, faults at the VS-stage, faults at the G-stage. */
export const schemeRows: readonly Row[] = schemes.flatMap(([vsName, vs]) =>
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
