/**
 * Sizes and times as people write and read them.
 *
 * @module
 */

import { UsageError } from "../user_error.ts";

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const SECOND_MS = 1000;
const AGE_UNITS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3600 * SECOND_MS,
  d: 86_400 * SECOND_MS,
  w: 7 * 86_400 * SECOND_MS,
};

/**
 * Reads a size, as `4GiB`, `1.5 GiB`, `500MB`, `0`.
 *
 * @param option for the error: which option it was given for
 * @throws {UsageError} if it is none
 */
export function parseSize(option: string, text: string): number {
  const bytes = parseAmount(text, SIZE_UNITS);
  if (bytes === undefined || !Number.isSafeInteger(Math.round(bytes))) {
    throw new UsageError(`${option} ${text}: give a size with its unit, as 4GiB, 500MB or 0`);
  }
  return Math.round(bytes);
}

/**
 * Reads an age in milliseconds, as `30d`, `12h`, `1.5h`, `0`.
 *
 * @param option for the error: which option it was given for
 * @throws {UsageError} if it is none
 */
export function parseAge(option: string, text: string): number {
  const ms = parseAmount(text, AGE_UNITS);
  if (ms === undefined || !Number.isSafeInteger(Math.round(ms))) {
    throw new UsageError(
      `${option} ${text}: give an age with its unit, as 30d; units are s, m (minutes), h, d, w`,
    );
  }
  return Math.round(ms);
}

/** A number with one of the units; 0 needs none. */
function parseAmount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = "", unit = ""] = match;
  const amount = Number(digits);
  if (unit === "") return amount === 0 ? 0 : undefined;
  const known = Object.keys(units).filter((name) => name.toLowerCase() === unit.toLowerCase());
  return known.length === 1 ? amount * (units[known[0] as string] as number) : undefined;
}

/** A size in binary units, as `12.3 MiB`. */
export function formatSize(bytes: number): string {
  let amount = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (amount < 1024) return `${unit === "B" ? amount : amount.toFixed(1)} ${unit}`;
    amount /= 1024;
  }
  return `${amount.toFixed(1)} TiB`;
}

/** A time in its largest unit, as `5 min`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A number of things: `1 snapshot`, `3 snapshots`. */
export function count(number: number, singular: string): string {
  return `${number} ${singular}${number === 1 ? "" : "s"}`;
}
