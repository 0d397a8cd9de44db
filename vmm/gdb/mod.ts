/**
 * gdb's remote protocol for a machine: breakpoints and watchpoints that the guest cannot find, harts as
 * threads, CSRs, memory through both stages of translation, and going backwards.
 *
 * @module
 */

export type { DebugOptions } from "./debuggee.ts";
export { type GdbServer, serveGdb, type ServeGdbOptions } from "./server.ts";
export { GdbSession, type SessionEnd } from "./session.ts";
