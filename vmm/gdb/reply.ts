/**
 * Answers of the protocol that are the same for many commands.
 *
 * @module
 */

/** Done. */
export const OK = "OK";
/** The command is not known here. */
export const UNSUPPORTED = "";
/** The command makes no sense: EINVAL. */
export const MALFORMED = "E16";
/** There is no such memory: EFAULT. */
export const NO_MEMORY = "E0e";
/** There is no such hart: ESRCH. */
export const NO_THREAD = "E03";
/** It cannot be written: EPERM. */
export const READ_ONLY = "E01";
/** There is no more room: ENOSPC. */
export const NO_ROOM = "E1c";
/** Something went wrong; what, stands on the client's console: EIO. */
export const FAILED = "E05";
