/**
 * Tripwires: lines on a console after which there is nothing to wait for. A kernel says that it broke, and
 * who waits for a prompt would learn it only from a timeout.
 *
 * Each is looked for when a line ends, at its beginning or behind a kernel's timestamp: what somebody
 * types or quotes does not trip.
 *
 * @module
 */

import { announcesPanic, PANIC_LINE } from "../kernel_panic.ts";

/** What a console line can say. */
export type TripwireName =
  /** A kernel panicked. */
  | "panic"
  /** A kernel used memory that is not there, or an instruction that it must not. */
  | "oops"
  /** A kernel found itself in a state that must not be. */
  | "bug"
  /** A CPU keeps all others from what waits for it. */
  | "rcu-stall"
  /** A CPU has not scheduled for long, or not taken interrupts. */
  | "soft-lockup"
  /** KVM, or a VMM on it, could not run a guest on. */
  | "kvm-internal-error"
  /** A kernel killed a process for want of memory. */
  | "out-of-memory";

/** What tripped. */
export interface Tripped {
  readonly name: TripwireName;
  /** Offset in the transcript of what said so, and of the line's beginning. */
  readonly start: number;
  readonly lineStart: number;
  /** What said so, and the rest of the line. */
  readonly text: string;
}

/** Where a kernel's message begins: `[    1.234567]`, with `[T12]` or `[C0]` if callers are printed. */
const MESSAGE = "(?:^|\\[ *\\d+\\.\\d{6}\\](?:\\[ *[TC]\\d+\\])? )";
const message = (pattern: string) => new RegExp(`${MESSAGE}(${pattern})`);

/** In this order: a soft lockup is announced as a BUG. */
const PATTERNS: readonly (readonly [TripwireName, RegExp])[] = [
  ["panic", new RegExp(`(${PANIC_LINE.source})`)],
  // The number counts how often this kernel did so.
  ["oops", message("(?:Internal error: )?Oops\\b.*\\[#\\d+\\]")],
  ["rcu-stall", message("rcu: INFO: rcu_\\w+ (?:self-)?detected (?:expedited )?stall")],
  ["soft-lockup", message("(?:watchdog: )?BUG: soft lockup")],
  ["soft-lockup", message("(?:NMI )?watchdog: Watchdog detected hard LOCKUP")],
  ["bug", message("(?:kernel )?BUG(?: at |: )")],
  ["kvm-internal-error", message("(?:kvm \\[\\d+\\]: VCPU exit error -|KVM internal error)")],
  ["kvm-internal-error", /(KVM exit reason.*KVM_EXIT_(?:INTERNAL_ERROR|FAIL_ENTRY))/],
  ["out-of-memory", message("\\S.* invoked oom-killer: ")],
  ["out-of-memory", message("(?:Memory cgroup o|O)ut of memory: Kill")],
];
/** Most lines have none of these. */
const CANDIDATE = /panic|Oops|BUG|stall|LOCKUP|KVM|kvm|oom-killer|ut of memory/;

/** The tripwires of one console. All are on. */
export class Tripwires {
  readonly #off = new Set<TripwireName>();

  /** Turns tripwires off: what they would have said is a line like any other then. */
  disable(...names: readonly TripwireName[]): void {
    for (const name of checked("disable", names)) this.#off.add(name);
  }

  /** Turns tripwires on again. */
  enable(...names: readonly TripwireName[]): void {
    for (const name of checked("enable", names)) this.#off.delete(name);
  }

  /** Those that are off. */
  get disabled(): readonly TripwireName[] {
    return [...this.#off];
  }

  /** @internal What a line trips; `start` is its offset in the transcript. */
  look(line: string, start: number): Tripped | undefined {
    if (!CANDIDATE.test(line)) return undefined;
    for (const [name, pattern] of PATTERNS) {
      if (this.#off.has(name) || (name === "panic" && !announcesPanic(line))) continue;
      const match = pattern.exec(line);
      if (match === null) continue;
      const at = match.index + match[0].length - match[1]!.length;
      return { name, start: start + at, lineStart: start, text: line.slice(at) };
    }
    return undefined;
  }
}

/** Whether this is the name of a tripwire. */
export function isTripwireName(name: string): name is TripwireName {
  return PATTERNS.some(([each]) => each === name);
}

/** What a line must match to trip a tripwire: for who waits for that. */
export function tripwirePattern(name: TripwireName): RegExp {
  const patterns = PATTERNS.filter(([each]) => each === name).map(([, { source }]) => source);
  return new RegExp(patterns.join("|"));
}

function checked(caller: string, names: readonly TripwireName[]): readonly TripwireName[] {
  for (const name of names) {
    if (isTripwireName(name)) continue;
    const known = [...new Set(PATTERNS.map(([each]) => each))].join(", ");
    throw new TypeError(`tripwires.${caller}: there is no ${JSON.stringify(name)}, only ${known}`);
  }
  return names;
}
