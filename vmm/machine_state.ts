/**
 * The state of a machine's components, RAM excepted, as a snapshot holds it.
 *
 * @module
 */

import type { Device, SavedState } from "../core/device.ts";
import type { HartArray } from "../core/hart_array.ts";
import type { RamImage } from "../core/ram_image.ts";
import { StateFields } from "../core/state_fields.ts";
import type { FinishRequest } from "../devices/test_finisher.ts";

const KIND = "machine";
const VERSION = 1;
const MAX_DTB_BYTES = 1 << 20;
const MAX_CODE = 0xffff_ffff;
const FINISH_KINDS: readonly FinishRequest["kind"][] = ["pass", "fail", "reset"];

/** What a machine knows besides its chips. */
export interface MachineFacts {
  /** The device tree that it was handed at power-on. */
  readonly dtb: Uint8Array<ArrayBuffer>;
  /** Where its program talks to the host, if it does (`vmm/htif.ts`). */
  readonly tohost: number | undefined;
  readonly fromhost: number | undefined;
  /** How it ended, if it did. */
  readonly finish: FinishRequest | undefined;
}

type Components = Readonly<Record<string, SavedState>>;

/** Harts, ROM and every chip on the bus, by name. */
export function saveComponents(harts: HartArray, facts: MachineFacts): Components {
  const { dtb, tohost, fromhost, finish } = facts;
  const components: Record<string, SavedState> = {
    machine: {
      kind: KIND,
      version: VERSION,
      fields: {
        rom: harts.readRom(),
        dtb,
        hasTohost: tohost !== undefined,
        tohost: tohost ?? 0,
        hasFromhost: fromhost !== undefined,
        fromhost: fromhost ?? 0,
        finish: finish === undefined ? "" : finish.kind,
        finishCode: finish === undefined ? 0 : finish.code,
      },
    },
    ...harts.save(),
  };
  for (const { name, device } of harts.bus.mappings) components[name] = device.save();
  return components;
}

/**
 * Checks saved components; the answer puts them into effect, with RAM as `image` has it, and tells what
 * the machine is to know.
 *
 * @throws {TypeError} if a component is missing or not known, or one does not fit
 * @throws {RangeError} if a version is unknown or a field is out of range
 */
export function openComponents(
  harts: HartArray,
  components: Components,
  image: RamImage,
): () => MachineFacts {
  const devices = harts.bus.mappings;
  const known = ["machine", "console", "harts", "translations", "pages"];
  for (const name of Object.keys(components)) {
    if (known.includes(name) || devices.some((device) => device.name === name)) continue;
    throw new TypeError(`Cannot restore a machine: it has no component "${name}"`);
  }
  const component = (name: string): SavedState => {
    if (!Object.hasOwn(components, name)) {
      throw new TypeError(`Cannot restore a machine: the state of "${name}" is missing`);
    }
    return components[name]!;
  };
  const fields = StateFields.open(component("machine"), KIND, VERSION);
  const rom = fields.bytes("rom", harts.readRom().length);
  const dtb = new Uint8Array(fields.bytes("dtb", { atMost: MAX_DTB_BYTES }));
  const hasTohost = fields.boolean("hasTohost");
  const tohost = fields.integer("tohost", Number.MAX_SAFE_INTEGER);
  const hasFromhost = fields.boolean("hasFromhost");
  const fromhost = fields.integer("fromhost", Number.MAX_SAFE_INTEGER);
  for (
    const [has, name, address] of [[hasTohost, "tohost", tohost], [
      hasFromhost,
      "fromhost",
      fromhost,
    ]] as const
  ) {
    if (has && harts.ramAt(address, 8) === undefined) fields.reject(name, "is not in RAM");
  }
  const finishKind = fields.text("finish", 5);
  const kind = FINISH_KINDS.find((each) => each === finishKind);
  if (finishKind !== "" && kind === undefined) {
    fields.reject("finish", `is ${JSON.stringify(finishKind)}, which is no way to end`);
  }
  const code = fields.integer("finishCode", MAX_CODE);
  fields.finish();
  const apply = harts.openState({
    harts: component("harts"),
    translations: component("translations"),
    pages: component("pages"),
  }, image);
  const states = devices.map(({ name, device }) => ({ device, state: component(name) }));
  checkDevices(states);
  return () => {
    harts.writeRom(rom);
    apply();
    // After the clock, which they schedule on.
    for (const { device, state } of states) device.restore(state);
    return {
      dtb,
      tohost: hasTohost ? tohost : undefined,
      fromhost: hasFromhost ? fromhost : undefined,
      finish: kind === undefined ? undefined : { kind, code } as FinishRequest,
    };
  };
}

/** Chips check and apply at once: each takes its state over, then all get back what they had. */
function checkDevices(states: readonly { device: Device; state: SavedState }[]): void {
  const before = states.map(({ device }) => ({ device, state: device.save() }));
  try {
    for (const { device, state } of states) device.restore(state);
  } finally {
    for (const { device, state } of before) device.restore(state);
  }
}
