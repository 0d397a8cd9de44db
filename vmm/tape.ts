/**
 * What was done to a machine since a layer below, and playing that back.
 *
 * A machine is a function of what it is given: its input, and where it was stopped, which input depends
 * on. So a recording of both, with the snapshot of where they led to, can stand for running it again.
 * While the same is done to a new machine, the recorded console output is handed out and nothing is
 * executed; at the end the snapshot is restored. When something else is done, the machine is taken
 * back to the layer below and really does what was played, and goes on from there.
 *
 * @module
 */

import type { StateValue } from "../core/device.ts";

/** Where a machine was after an action. */
export interface Stop {
  /** Virtual time since power-on. */
  readonly nowNs: number;
  readonly instructions: number;
  /** Bytes that the console had printed since power-on. */
  readonly printedBytes: number;
}

/** Something that was done to a machine. */
export type Action =
  /** Console input was handed in. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** The entropy device began the stream of a seed, a number of 64 bits. */
  | { readonly kind: "reseed"; readonly seed: bigint }
  /** It ran until the console printed what was waited for. */
  | { readonly kind: "wait"; readonly condition: string; readonly stop: Stop }
  /** It ran until something else: what, as JSON. */
  | { readonly kind: "run"; readonly until: string; readonly reason: string; readonly stop: Stop };

/** A layer that was made before. */
export interface Recording {
  /** What was done since the layer below. */
  readonly actions: readonly Action[];
}

/** Follows one or several recordings as long as the same is done. */
export class Playback<R extends Recording> {
  #possible: R[];
  readonly #played: Action[] = [];

  constructor(recordings: readonly R[]) {
    this.#possible = [...recordings];
  }

  /** What was done so far, each as it was recorded. */
  get played(): readonly Action[] {
    return this.#played;
  }

  /** One of the recordings that it may be. */
  get some(): R | undefined {
    return this.#possible[0];
  }

  /** What comes next in those recordings in which it is of this kind. */
  next<K extends Action["kind"]>(
    kind: K,
  ): readonly { readonly recording: R; readonly action: Extract<Action, { kind: K }> }[] {
    return this.#possible.flatMap((recording) => {
      const action = recording.actions[this.#played.length];
      return action?.kind === kind
        ? [{ recording, action: action as Extract<Action, { kind: K }> }]
        : [];
    });
  }

  /** Goes on with those recordings in which the next action is as `isSame` says; undefined if there are none. */
  follow(isSame: (action: Action) => boolean): Action | undefined {
    const at = this.#played.length;
    const left = this.#possible.filter(({ actions }) =>
      actions[at] !== undefined && isSame(actions[at])
    );
    if (left.length === 0) return undefined;
    this.#possible = left;
    const action = left[0]!.actions[at]!;
    this.#played.push(action);
    return action;
  }

  /** Something else was done: from now on it is none of the recordings. */
  diverge(action: Action): void {
    this.#possible = [];
    this.#played.push(action);
  }

  /** The recording of which everything was played, if there is one. */
  get complete(): R | undefined {
    return this.#possible.find(({ actions }) => actions.length === this.#played.length);
  }
}

/** Whether an action is the sending of these bytes. */
export function isSending(action: Action, bytes: Uint8Array): boolean {
  return action.kind === "send" && action.bytes.length === bytes.length &&
    action.bytes.every((byte, n) => byte === bytes[n]);
}

/**
 * Reads actions that were stored.
 *
 * @throws {TypeError} if they are none
 */
export function parseActions(values: readonly StateValue[]): Action[] {
  return values.map((value, n) => {
    const action = parseAction(value);
    if (action === undefined) throw new TypeError(`Action ${n} of a recording is malformed`);
    return action;
  });
}

type Fields = { readonly [field: string]: StateValue | undefined };

function parseAction(value: StateValue): Action | undefined {
  if (!isFields(value)) return undefined;
  const { kind, bytes, seed, until, reason } = value;
  if (kind === "send") return bytes instanceof Uint8Array ? { kind, bytes } : undefined;
  if (kind === "reseed") return typeof seed === "bigint" ? { kind, seed } : undefined;
  const stop = parseStop(value["stop"]);
  if (stop === undefined) return undefined;
  if (kind === "wait") {
    const { condition } = value;
    return typeof condition === "string" ? { kind, condition, stop } : undefined;
  }
  if (kind !== "run" || typeof until !== "string" || typeof reason !== "string") return undefined;
  return { kind, until, reason, stop };
}

function parseStop(value: StateValue | undefined): Stop | undefined {
  if (!isFields(value)) return undefined;
  const { nowNs, instructions, printedBytes } = value;
  if (!isCount(nowNs) || !isCount(instructions) || !isCount(printedBytes)) return undefined;
  return { nowNs, instructions, printedBytes };
}

function isFields(value: StateValue | undefined): value is Fields & StateValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
