/**
 * Signals end a run in order: the terminal is restored, a trace is written out.
 *
 * @module
 */

/** Signals that ask a program to end, with their numbers on Linux and macOS. */
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Takes note of a signal instead of dying of it. */
export class SignalWatch implements Disposable {
  readonly #stops: (() => void)[] = [];
  #number: number | undefined;

  /** @param onSignal is called when one comes */
  constructor(onSignal: () => void = () => {}) {
    const names = Deno.build.os === "windows" ? ["SIGINT"] as const : SIGNAL_NAMES;
    for (const name of names) {
      const listener = () => {
        this.#number = NUMBERS[name];
        onSignal();
      };
      Deno.addSignalListener(name, listener);
      this.#stops.push(() => Deno.removeSignalListener(name, listener));
    }
  }

  /** Number of the signal that came. */
  get number(): number | undefined {
    return this.#number;
  }

  /** Signals act as ever again. */
  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

const SIGNAL_NAMES = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[];
