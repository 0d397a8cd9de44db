/**
 * Names of privilege modes (Privileged 1.12, table 9.1).
 *
 * @module
 */

const NAMES = ["U", "S", "reserved", "M"];

/** M, S (HS), U, VS or VU. */
export function modeName(privilege: number, virtual: boolean): string {
  return (virtual ? "V" : "") + NAMES[privilege]!;
}
