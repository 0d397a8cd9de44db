/**
 * All directed rows, for every engine.
 *
 * @module
 */

import type { Row } from "./directed.ts";
import { asGuestRows } from "./directed_as_guest.ts";
import { csrRows } from "./directed_csrs.ts";
import { exceptionRows } from "./directed_exceptions.ts";
import { interruptRows } from "./directed_interrupts.ts";
import { permissionRows } from "./directed_permissions.ts";
import { returnAndGvaRows } from "./directed_returns.ts";
import { schemeRows } from "./directed_schemes.ts";
import { stageRows } from "./directed_stages.ts";
import { tinstRows } from "./directed_trap_instructions.ts";

/** The rows. */
export const directedRows: readonly Row[] = [
  ...csrRows,
  ...exceptionRows,
  ...permissionRows,
  ...returnAndGvaRows,
  ...interruptRows,
  ...schemeRows,
  ...tinstRows,
  ...stageRows,
  ...asGuestRows,
];
