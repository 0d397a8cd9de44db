/**
 * Why a layer was not found: what differs between what was wanted and what there is.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import type { LayerMaterial, SnapshotRecord } from "./record.ts";

/** A layer that is looked for. */
export interface WantedLayer extends LayerMaterial {
  /** Build of the emulator that looks. */
  readonly build: string;
}

/** How many layers down a difference is followed. */
const MAX_DEPTH = 16;
/** Longer texts are cut, and begin so many characters before what differs. */
const MAX_TEXT = 80;
const CONTEXT = 16;
const ABSENT = "not there";
/** How much of a digest is shown. */
export const KEY_DIGITS = 12;

/**
 * Says in words why a layer was not found.
 *
 * `wanted.actions` are those that were done in the end, so a miss is explained when the layer has been
 * made.
 *
 * @param candidates all that is stored, newest first: layers below are looked up there too
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { explainMiss } from "./explain_miss.ts";
 *
 * const found = { parent: undefined, layer: "a", material: { seed: "1" }, actions: [], build: "b" };
 * const text = explainMiss(
 *   { ...found, material: { seed: "2" } },
 *   [{ ...found, key: "12".repeat(32) }],
 * );
 * assertStringIncludes(text, 'seed was "1", is "2"');
 * ```
 */
export function explainMiss(wanted: WantedLayer, candidates: readonly SnapshotRecord[]): string {
  const { layer } = wanted;
  const ofLayer = candidates.filter((record) => record.layer === layer);
  const nearest = nearestOf(wanted, ofLayer);
  if (nearest === undefined) return `layer ${layer} is not stored: no snapshot of it is`;
  const differences = describeDifferences(nearest, wanted, candidates);
  const shown = shortKey(nearest.key);
  if (differences.length === 0) {
    return `layer ${layer} is stored as ${shown}, which agrees in everything but could not be used`;
  }
  const among = ofLayer.length === 1
    ? `the only snapshot of it, ${shown}, differs`
    : `of ${ofLayer.length} snapshots of it, the nearest, ${shown}, differs`;
  return [`layer ${layer} is not stored: ${among}:`, ...differences.map(indent)].join("\n");
}

/** The record that differs least, the first of several. */
export function nearestOf<R extends SnapshotRecord>(
  wanted: WantedLayer,
  records: readonly R[],
): R | undefined {
  let nearest: R | undefined;
  let least: readonly number[] = [];
  for (const record of records) {
    const distance = distanceOf(record, wanted);
    if (nearest === undefined || isLess(distance, least)) [nearest, least] = [record, distance];
  }
  return nearest;
}

/**
 * What differs, a line for each field; lines about a layer below are indented.
 *
 * @param all where layers below are looked up
 */
export function describeDifferences(
  was: SnapshotRecord,
  is: WantedLayer,
  all: readonly SnapshotRecord[],
  depth = 0,
): string[] {
  return [
    ...buildDifference(was.build, is.build),
    ...parentDifference(was.parent, is.parent, all, depth),
    ...differingFields(was, is).map((field) =>
      change(field, fieldText(was.material[field]), fieldText(is.material[field]))
    ),
    ...actionDifference(was.actions, is.actions),
  ];
}

/** A key as it is shown. */
export function shortKey(key: string): string {
  return key.slice(0, KEY_DIGITS);
}

/** Fields that differ, then how far actions agree: what differs in fewer things is nearer. */
function distanceOf(was: SnapshotRecord, is: WantedLayer): number[] {
  const agreeing = agreeingActions(was.actions, is.actions);
  const isAll = agreeing === was.actions.length && agreeing === is.actions.length;
  const fields = Number(was.build !== is.build) + Number(was.parent !== is.parent) +
    differingFields(was, is).length + Number(!isAll);
  return [fields, -agreeing];
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, n) => value !== b[n]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}

function differingFields(was: LayerMaterial, is: LayerMaterial): string[] {
  const names = new Set([...Object.keys(was.material), ...Object.keys(is.material)]);
  return [...names].sort().filter((name) => was.material[name] !== is.material[name]);
}

function buildDifference(was: string, is: string): string[] {
  return was === is ? [] : [change("the emulator's build", fieldText(was), fieldText(is))];
}

function parentDifference(
  was: string | undefined,
  is: string | undefined,
  all: readonly SnapshotRecord[],
  depth: number,
): string[] {
  if (was === is) return [];
  const [before, now] = [was, is].map((key) => key === undefined ? "none" : shortKey(key));
  const [below, wanted] = [was, is].map((key) => all.find((record) => record.key === key));
  const line = `the layer below was ${before}, is ${now}`;
  if (below === undefined || wanted === undefined || depth === MAX_DEPTH) return [line];
  if (below.layer !== wanted.layer) {
    return [`${line}: layer ${below.layer} instead of ${wanted.layer}`];
  }
  const differences = describeDifferences(below, wanted, all, depth + 1);
  return [`${line}; both are layer ${wanted.layer}, and differ:`, ...differences.map(indent)];
}

function agreeingActions(was: readonly StateValue[], is: readonly StateValue[]): number {
  let count = 0;
  while (count < was.length && count < is.length && isSame(was[count], is[count])) count++;
  return count;
}

/** Only the first is told: others are likely to follow from it. */
function actionDifference(was: readonly StateValue[], is: readonly StateValue[]): string[] {
  const at = agreeingActions(was, is);
  const [before, now] = [was[at], is[at]];
  if (before === undefined && now === undefined) return [];
  const name = `action ${at + 1}`;
  if (before === undefined) {
    return [
      `${was.length} actions were recorded; now ${name} is done too: ${cut(valueText(now), 0)}`,
    ];
  }
  if (now === undefined) {
    return [
      `${was.length} actions were recorded; now ${name} is not done: ${cut(valueText(before), 0)}`,
    ];
  }
  return [`${name}${kindOf(before, now)}: ${firstDifference(before, now, "")}`];
}

function kindOf(was: StateValue, is: StateValue): string {
  if (!isMap(was) || !isMap(is) || was["kind"] !== is["kind"]) return "";
  return typeof is["kind"] === "string" ? ` (${is["kind"]})` : "";
}

/** The first field that differs, however deep it lies. */
function firstDifference(was: StateValue, is: StateValue, path: string): string {
  if (isMap(was) && isMap(is)) {
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    const differing = names.filter((name) => !isSame(was[name], is[name]));
    // Another kind of action has other fields: shown as a whole.
    const [name] = differing.includes("kind") ? [] : differing;
    if (name !== undefined) {
      const inner = path === "" ? name : `${path}.${name}`;
      const [before, now] = [was[name], is[name]];
      return before === undefined || now === undefined
        ? change(inner, valueText(before), valueText(now))
        : firstDifference(before, now, inner);
    }
  }
  return change(path === "" ? "it" : path, valueText(was), valueText(is));
}

function isSame(a: StateValue | undefined, b: StateValue | undefined): boolean {
  if (a === undefined || b === undefined || typeof a !== "object" || typeof b !== "object") {
    return a === b;
  }
  if (isBytes(a) || isBytes(b)) {
    return isBytes(a) && isBytes(b) && a.length === b.length && a.every((byte, n) => byte === b[n]);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [as, bs] = [a, b] as [Fields, Fields];
  const names = Object.keys(as);
  return names.length === Object.keys(bs).length &&
    names.every((name) => Object.hasOwn(bs, name) && isSame(as[name], bs[name]));
}

/** What a field was and is; of long texts, what is around the first difference. */
function change(field: string, was: string, is: string): string {
  let at = 0;
  while (at < was.length && was[at] === is[at]) at++;
  const isLong = Math.max(was.length, is.length) > MAX_TEXT;
  const start = isLong ? Math.max(0, at - CONTEXT) : 0;
  return `${field} was ${cut(was, start)}, is ${cut(is, start)}`;
}

function cut(text: string, start: number): string {
  const end = start + MAX_TEXT;
  return (start > 0 ? "..." : "") + text.slice(start, end) + (text.length > end ? "..." : "");
}

function fieldText(text: string | undefined): string {
  if (text === undefined) return ABSENT;
  return /^[0-9a-f]{64}$/.test(text) ? `${shortKey(text)}...` : valueText(text);
}

/** A value as JSON, bytes as the text that they are. */
function valueText(value: StateValue | undefined): string {
  if (value === undefined) return ABSENT;
  return JSON.stringify(value, (_name, item) => {
    if (typeof item === "bigint") return String(item);
    return item instanceof Uint8Array ? new TextDecoder().decode(item) : item;
  });
}

function indent(line: string): string {
  return `  ${line}`;
}

type Fields = { readonly [name: string]: StateValue };

function isBytes(value: StateValue): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isMap(value: StateValue): value is Fields {
  return typeof value === "object" && !Array.isArray(value) && !isBytes(value);
}
