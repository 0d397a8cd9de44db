/**
 * How code is translated: a machine's options, or where nobody says {@link DEFAULT_JIT}, or what the
 * environment variable `HIMAWARI_JIT` asks for. With it the whole test suite runs under any setting, and a
 * user can rule translation out when something looks wrong.
 *
 * The variable is read only where permission to read it has been granted; nobody is ever prompted.
 *
 * @module
 */

import type { TranslatedModule } from "./code_cache.ts";

/** Options of translation; none of them changes what the guest sees. */
export interface JitOptions {
  /** How often a place is reached before it is translated, from 1; 0 turns translation off. Default 8000. */
  readonly threshold?: number;
  /** Translate when so many places are hot, 1 to 1024. Default 24. */
  readonly batch?: number;
  /** Bytes of memory for code before all is dropped, estimated from its WebAssembly. Default 256 MiB. */
  readonly budgetBytes?: number;
  /**
   * For tools that look inside: sees each module before it is compiled. What it answers, if anything, is
   * compiled instead.
   */
  readonly onModule?: (module: TranslatedModule) => Uint8Array<ArrayBuffer> | void;
}

/** A count of arrivals, 64 times the threshold included, stays below the marks of core/hart/code_entries.ts. */
const MAX_THRESHOLD = 2 ** 23;
/** Places that the queue holds (core/hart/layout.ts). */
const MAX_BATCH = 1024;
const OPTION_NAMES: ReadonlySet<string> = new Set([
  "threshold",
  "batch",
  "budgetBytes",
  "onModule",
]);

/**
 * Fills in what is not given.
 *
 * @throws {RangeError} if a number is out of range
 * @throws {TypeError} if there is no such option
 */
export function checkJitOptions(options: JitOptions) {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw new TypeError(
        `jit: unknown option ${name}; there are: ${[...OPTION_NAMES].join(", ")}`,
      );
    }
  }
  const { threshold = 8000, batch = 24, budgetBytes = 256 << 20 } = options;
  checkWhole("threshold", threshold, 0, MAX_THRESHOLD);
  checkWhole("batch", batch, 1, MAX_BATCH);
  checkWhole("budgetBytes", budgetBytes, 0, Number.MAX_SAFE_INTEGER);
  return { threshold, batch, budgetBytes };
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`jit ${name} ${value}: give a whole number from ${least} to ${most}`);
  }
}

/** The environment variable: `off`, `always`, `default`, or a threshold (0 is off). */
export const JIT_VARIABLE = "HIMAWARI_JIT";

/** Translation where neither options nor environment say anything. */
export const DEFAULT_JIT: JitOptions | false = {};

/** Every place is translated when it is first jumped to. */
const ALWAYS: JitOptions = { threshold: 1, batch: 1 };

/**
 * Reads a setting as `HIMAWARI_JIT` and command lines have it.
 *
 * @param source what to call it in errors
 * @throws {RangeError} if it is none of those that are known
 */
export function parseJitSetting(setting: string, source = JIT_VARIABLE): JitOptions | false {
  switch (setting) {
    case "off":
      return false;
    case "always":
      return ALWAYS;
    case "default":
      return {};
  }
  if (!/^\d+$/.test(setting)) {
    throw new RangeError(
      `${source}="${setting}": give off, always, default, or a threshold (0 is off)`,
    );
  }
  const threshold = Number(setting);
  return threshold === 0 ? false : { threshold };
}

/**
 * What translation does when no option says otherwise.
 *
 * @throws {RangeError} if `HIMAWARI_JIT` is set to something unknown
 */
export function defaultJitOptions(): JitOptions | false {
  const { state } = Deno.permissions.querySync({ name: "env", variable: JIT_VARIABLE });
  const setting = state === "granted" ? Deno.env.get(JIT_VARIABLE) : undefined;
  // As in many programs, a variable that is empty counts as not set.
  return setting === undefined || setting === "" ? DEFAULT_JIT : parseJitSetting(setting);
}
