/**
 * Why a machine under the debugger stands, and how the client is told.
 *
 * @module
 */

import type { WatchKind } from "./breakpoints.ts";

/** Signals by gdb's numbers. */
export const SIGNAL = { INT: 2, TRAP: 5, STOP: 17 } as const;

/** Why it stands. */
export type Stop =
  /** The client asked for it, or just came. */
  | { readonly type: "interrupted"; readonly hartId: number }
  | { readonly type: "stepped"; readonly hartId: number }
  | { readonly type: "breakpoint"; readonly hartId: number }
  | {
    readonly type: "watchpoint";
    readonly hartId: number;
    readonly kind: WatchKind;
    readonly address: bigint;
  }
  /** Going backwards: there is nothing earlier. */
  | { readonly type: "history-begins"; readonly hartId: number }
  /** Every hart waits for an interrupt, and none can come. */
  | { readonly type: "idle"; readonly hartId: number }
  /** It could not go on; why was said on the client's console. */
  | { readonly type: "failed"; readonly hartId: number }
  /** The guest ended the machine. */
  | { readonly type: "exited"; readonly code: number };

const WATCH_WORD: Record<WatchKind, string> = { write: "watch", read: "rwatch", access: "awatch" };

/** A stop reply packet (gdb manual, E.3). */
export function stopReply(stop: Stop): string {
  if (stop.type === "exited") return `W${byte(stop.code & 0xff)}`;
  const signal = stop.type === "interrupted"
    ? SIGNAL.INT
    : stop.type === "idle" || stop.type === "failed"
    ? SIGNAL.STOP
    : SIGNAL.TRAP;
  return `T${byte(signal)}thread:${(stop.hartId + 1).toString(16)};${detail(stop)}`;
}

function detail(stop: Stop): string {
  switch (stop.type) {
    case "breakpoint":
      return "hwbreak:;";
    case "watchpoint":
      return `${WATCH_WORD[stop.kind]}:${stop.address.toString(16)};`;
    case "history-begins":
      return "replaylog:begin;";
    default:
      return "";
  }
}

function byte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
