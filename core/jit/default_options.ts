/**
 * How code is translated where nobody says: {@link DEFAULT_JIT}, or what the environment variable
 * `HIMAWARI_JIT` asks for. With it the whole test suite runs under any setting, and a user can rule
 * translation out when something looks wrong.
 *
 * The variable is read only where permission to read it has been granted; nobody is ever prompted.
 *
 * @module
 */

import type { JitOptions } from "./code_cache.ts";

/** The environment variable: `off`, `always`, `default`, or a threshold (0 is off). */
export const JIT_VARIABLE = "HIMAWARI_JIT";

/** Translation where neither options nor environment say anything. */
export const DEFAULT_JIT: JitOptions | false = {};

/** Every place is translated when it is first jumped to. */
const ALWAYS: JitOptions = { threshold: 1, batch: 1 };

/**
 * Reads a value of `HIMAWARI_JIT`.
 *
 * @throws {RangeError} if it is none of those that are known
 */
export function parseJitSetting(setting: string): JitOptions | false {
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
      `${JIT_VARIABLE}="${setting}": give off, always, default, or a threshold (0 is off)`,
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
