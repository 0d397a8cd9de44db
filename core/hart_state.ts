/**
 * The harts' registers, CSRs and clock as plain named fields.
 *
 * @module
 */

import type { SavedState, StateValue } from "./device.ts";
import type { HartField, HartModule } from "./hart_module.ts";
import { StateFields } from "./state_fields.ts";

const KIND = "harts";
const VERSION = 1;
const UINT32_MAX = 0xffff_ffff;

/** Whose turn it is, and what the clock says. */
export interface Schedule {
  /** The hart that runs next. */
  readonly turn: number;
  /** Instructions left of its turn. */
  readonly quantumLeft: number;
  /** Instructions executed by all harts. */
  readonly instructions: number;
  readonly nowNs: number;
}

/** Fields that hold addresses in linear memory: the number of the context is what counts. */
const CONTEXT_FIELDS: ReadonlySet<string> = new Set(["fetchContext", "dataContext"]);
/** Addresses of instructions: bit 0 is always zero (Privileged, "Machine Exception Program Counter"). */
const EVEN_FIELDS: ReadonlySet<string> = new Set(["pc", "mepc", "sepc", "vsepc"]);
/** A sink for writes to x0: no state. */
const NO_STATE: ReadonlySet<string> = new Set(["x0", "xsink", "hartId"]);
/** Fields of the machine that outlive a slice. */
const MACHINE_FIELDS = ["mtimeOffset", "attention", "endSlice", "lastHart", "geilen"] as const;

/** Everything about the harts but their cached translations. */
export function saveHarts(module: HartModule, hartCount: number, schedule: Schedule): SavedState {
  const harts: { [field: string]: StateValue }[] = [];
  for (let id = 0; id < hartCount; id++) {
    const fields: { [field: string]: StateValue } = {};
    for (const field of stateFields(module)) fields[field.name] = readField(module, id, field);
    harts.push(fields);
  }
  return {
    kind: KIND,
    version: VERSION,
    fields: {
      ...schedule,
      mtimeOffset: module.getU64(module.machineField("mtimeOffset")),
      attention: module.getU32(module.machineField("attention")),
      endSlice: module.getU32(module.machineField("endSlice")),
      lastHart: module.getU32(module.machineField("lastHart")),
      geilen: module.getU32(module.machineField("geilen")),
      harts,
    },
  };
}

/**
 * Checks a saved state; the answer puts it into effect.
 *
 * @param maxQuantum the longest turn
 * @param isLive whether a hart's translation context will be in use then
 * @throws {TypeError} if the kind or a field's type does not fit
 * @throws {RangeError} if the version is unknown or a field is out of range
 */
export function openHarts(
  state: SavedState,
  module: HartModule,
  hartCount: number,
  maxQuantum: number,
  isLive: (hart: number, context: number) => boolean,
): { schedule: Schedule; apply: () => void } {
  const fields = StateFields.open(state, KIND, VERSION);
  const schedule: Schedule = {
    turn: fields.integer("turn", hartCount - 1),
    quantumLeft: fields.integer("quantumLeft", maxQuantum),
    instructions: fields.integer("instructions", Number.MAX_SAFE_INTEGER),
    nowNs: fields.integer("nowNs", Number.MAX_SAFE_INTEGER),
  };
  const mtimeOffset = fields.bigint("mtimeOffset");
  const machine = {
    attention: fields.integer("attention", 1),
    endSlice: fields.integer("endSlice", 2),
    lastHart: fields.integer("lastHart", UINT32_MAX),
    geilen: fields.integer("geilen", 0),
  };
  const values = fields.records("harts", hartCount).map((hart, id) =>
    stateFields(module).map((field) =>
      openField(module, hart, field, (context) => isLive(id, context))
    )
  );
  fields.finish();
  return {
    schedule,
    apply: () => {
      values.forEach((hart, id) =>
        stateFields(module).forEach((field, n) => writeField(module, id, field, hart[n]!))
      );
      module.setU64(module.machineField("mtimeOffset"), mtimeOffset);
      for (const name of MACHINE_FIELDS) {
        if (name !== "mtimeOffset") module.setU32(module.machineField(name), machine[name]);
      }
      module.setNumber(module.machineField("sliceEndNs"), schedule.nowNs);
      module.setU32(module.machineField("remaining"), 0);
      module.setU32(module.machineField("sliceInstructions"), 0);
      module.setU32(module.machineField("hotCount"), 0);
    },
  };
}

function stateFields(module: HartModule): readonly HartField[] {
  return module.hartFields.filter(({ name }) => !NO_STATE.has(name));
}

function contextBase(module: HartModule, id: number): number {
  return module.layout("CONTEXTS_BASE") +
    id * module.layout("HART_CONTEXTS") * module.layout("CONTEXT_BYTES");
}

function readField(module: HartModule, id: number, field: HartField): StateValue {
  const at = module.hartField(id, field.name);
  if (field.sizeBytes === 8) return module.getU64(at);
  const value = module.getU32(at);
  if (!CONTEXT_FIELDS.has(field.name)) return value;
  return (value - contextBase(module, id)) / module.layout("CONTEXT_BYTES");
}

function openField(
  module: HartModule,
  hart: StateFields,
  field: HartField,
  isLive: (context: number) => boolean,
): number | bigint {
  if (field.sizeBytes === 8) {
    const value = hart.bigint(field.name);
    if (EVEN_FIELDS.has(field.name) && value & 1n) hart.reject(field.name, "is odd");
    return value;
  }
  if (CONTEXT_FIELDS.has(field.name)) {
    const number = hart.integer(field.name, module.layout("HART_CONTEXTS") - 1);
    if (!isLive(number)) hart.reject(field.name, `is ${number}, which is no context in use`);
    return number;
  }
  const value = hart.integer(field.name, UINT32_MAX);
  if (field.name === "prv" && value !== 0 && value !== 1 && value !== 3) {
    hart.reject("prv", `is ${value}, which is no privilege mode`);
  }
  return value;
}

function writeField(
  module: HartModule,
  id: number,
  field: HartField,
  value: number | bigint,
): void {
  const at = module.hartField(id, field.name);
  if (typeof value === "bigint") module.setU64(at, value);
  else if (!CONTEXT_FIELDS.has(field.name)) module.setU32(at, value);
  else module.setU32(at, contextBase(module, id) + value * module.layout("CONTEXT_BYTES"));
}
