/**
 * Reads what a client wants to go on: `vCont`, and the older `c`, `s`, `C` and `S`.
 *
 * @module
 */

import type { Step } from "./execution.ts";
import { parseNumber } from "./hex.ts";
import { parseThread } from "./thread_id.ts";

/** How to go on. */
export interface Resume {
  /** Absent to go on until there is a reason to stop. */
  readonly step?: Step;
  /** Where the present hart is to go on, if not where it stands. */
  readonly pc?: bigint;
}

const ACTION = /^(?:([cs])|[CS][0-9a-f]{2}|r([0-9a-f]+),([0-9a-f]+))(?::(-?[0-9a-f.p]+))?$/i;

/**
 * `vCont;action:thread;...`. All harts go on; the first action that steps a hart says which is to step.
 * Signals are of no meaning to a machine and passed over.
 */
export function parseVCont(
  text: string,
  present: number,
  hartCount: number,
): Resume | undefined {
  let step: Step | undefined;
  for (const action of text.split(";")) {
    const match = ACTION.exec(action);
    if (match === null) return undefined;
    const [, , start, end, thread] = match;
    const hart = thread === undefined ? "any" : parseThread(thread, hartCount);
    if (hart === undefined) return undefined;
    const isStep = start !== undefined || /^s/i.test(action);
    if (!isStep || step !== undefined) continue;
    const hartId = typeof hart === "number" ? hart : present;
    const range = { start: parseNumber(start), end: parseNumber(end) };
    if (start !== undefined && (range.start === undefined || range.end === undefined)) {
      return undefined;
    }
    step = start === undefined
      ? { hartId }
      : { hartId, range: { start: range.start!, end: range.end! } };
  }
  return step === undefined ? {} : { step };
}

/** `c addr`, `s addr`, `C sig;addr`, `S sig;addr`: the address may be left out. */
export function parseOldResume(packet: string, present: number): Resume | undefined {
  const match = /^(?:[cs]([0-9a-f]*)|[CS][0-9a-f]{2}(?:;([0-9a-f]+))?)$/.exec(packet);
  if (match === null) return undefined;
  const address = match[1] || match[2];
  const pc = parseNumber(address);
  if (address !== undefined && pc === undefined) return undefined;
  return {
    ...(/^s/i.test(packet) ? { step: { hartId: present } } : {}),
    ...(pc === undefined ? {} : { pc }),
  };
}
