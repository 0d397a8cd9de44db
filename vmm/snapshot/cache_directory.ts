/**
 * Where snapshots are kept when nobody says where.
 *
 * @module
 */

const FOLDER = "himawari";

/** What the environment says about folders; a variable that may not be read is as if it were not set. */
type ReadEnv = (variable: string) => string | undefined;

/**
 * The cache folder, or undefined if there is none: `HIMAWARI_CACHE` is `off`, or no variable that names
 * the user's folders is set or may be read.
 *
 * `HIMAWARI_CACHE` names it; else it is `himawari` in the user's folder for caches: `XDG_CACHE_HOME` or
 * `~/.cache` (XDG Base Directory Specification 0.8), `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on
 * Windows.
 *
 * @example
 * ```ts
 * import { cacheDirectory } from "./cache_directory.ts";
 *
 * console.log(cacheDirectory((name) => name === "HOME" ? "/home/me" : undefined, "linux"));
 * // /home/me/.cache/himawari
 * ```
 */
export function cacheDirectory(
  env: ReadEnv = readPermitted,
  os: typeof Deno.build.os = Deno.build.os,
): string | undefined {
  const own = env("HIMAWARI_CACHE");
  if (own === "off") return undefined;
  if (own) return own;
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    return local && `${local}\\${FOLDER}`;
  }
  const home = env("HOME");
  if (os === "darwin") return home && `${home}/Library/Caches/${FOLDER}`;
  // A relative path is invalid and to be ignored.
  const xdg = env("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/${FOLDER}`;
  return home && `${home}/.cache/${FOLDER}`;
}

function readPermitted(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) || undefined : undefined;
}
