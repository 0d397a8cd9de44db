/**
 * Layers: states of a machine that scenarios start from, each made from the one below.
 *
 * @module
 */

import type { Guest } from "../guest.ts";
import type { GuestOptions } from "../guest_options.ts";
import type { Host, HostOptions } from "../host.ts";

/** What layers and scenarios have made so far, by name. */
export type Made = Readonly<Record<string, unknown>>;

/** What the body of a layer works with: the host, and what the layers below have made. */
export type LayerContext<Below extends Made> = Below & { readonly host: Host };

/** A layer, as {@link layer} defines it. */
export interface Layer<M extends Made = Made> extends BuiltInOptions {
  readonly name: string;
  readonly from: LayerReference;
  readonly body: (context: LayerContext<Made>) => Promise<M | void>;
}

/** A layer by itself or by its name. */
export type LayerReference = string | Layer;

/**
 * What the layers of our own are made with. Of a scenario and the layers that it starts from, one says
 * what the host is, and one says what the guest is; what nobody says is as by default.
 */
export interface BuiltInOptions {
  /** The host; see {@link HostOptions}. */
  readonly host?: HostOptions | undefined;
  /** The guest of `"guest-prompt"`: options, or a whole command line. */
  readonly guest?: GuestOptions | string | undefined;
}

/** Options of {@link layer}. */
export interface LayerOptions<From extends LayerReference> extends BuiltInOptions {
  /** The layer to start from: `"power-on"`, `"host-prompt"`, `"guest-prompt"`, or another one. */
  readonly from: From;
}

/** What the layers of our own make. */
interface BuiltInMade {
  "power-on": Record<never, never>;
  "host-prompt": Record<never, never>;
  "guest-prompt": { readonly guest: Guest };
}

/** What a machine that starts from a layer has. */
export type MadeBy<From> = From extends Layer<infer M> ? M
  : From extends keyof BuiltInMade ? BuiltInMade[From]
  : Made;

/** How to bring a machine to a layer. */
export interface LayerPlan {
  readonly host: HostOptions;
  /** Lowest first, power-on left out. */
  readonly layers: readonly Layer[];
}

const POWER_ON = "power-on";
const HOST_PROMPT = "host-prompt";
const GUEST_PROMPT = "guest-prompt";
/** Names of the layers that are there from the start. */
const BUILT_IN_LAYERS: readonly string[] = [POWER_ON, HOST_PROMPT, GUEST_PROMPT];

const defined = new Map<string, Layer>();

/**
 * Defines a layer: a state of the machine that takes long to reach and that many scenarios start from.
 *
 * When it is first wanted, `body` brings a machine there, and a snapshot is kept. Later the body is run
 * again, but against a recording: as long as it does the same to the machine, what the console printed
 * then is what it sees, nothing is executed, and the machine is restored at the end. When it does
 * something else, for it was edited or goes by what has changed, the layer is made anew. So whatever the
 * body checks is checked each time, and what it returns is there for the scenarios.
 *
 * The body is to be deterministic: what it does may depend on its console and on nothing that changes.
 *
 * @param name unlike that of any other layer
 * @throws {TypeError} if there is a layer of this name already, or the name is empty
 *
 * @example
 * ```ts ignore
 * const twoCpus = layer("two-cpus", { from: "host-prompt", host: { harts: 2 } }, async ({ host }) => {
 *   const guest = await host.lkvm({ memMiB: 128, cpus: 2 });
 *   await guest.prompt();
 *   return { guest };
 * });
 *
 * scenario("the guest has two CPUs", { from: twoCpus }, async ({ guest }) => {
 *   assertEquals((await guest.sh`nproc`).out, "2");
 * });
 * ```
 */
export function layer<const From extends LayerReference, M extends Made = Record<never, never>>(
  name: string,
  options: LayerOptions<From>,
  body: (context: LayerContext<MadeBy<From> & Made>) => Promise<M | void>,
): Layer<MadeBy<From> & M> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError("layer: give a name that says what state it is, as text");
  }
  if (BUILT_IN_LAYERS.includes(name) || defined.has(name)) {
    throw new TypeError(`layer ${JSON.stringify(name)}: there is one of this name; choose another`);
  }
  const from = (options as Partial<LayerOptions<From>> | undefined)?.from;
  if (typeof from !== "string" && typeof from?.body !== "function") {
    throw new TypeError(
      `layer ${JSON.stringify(name)}: say which layer it starts from, as { from: "host-prompt" }`,
    );
  }
  const { host, guest } = options;
  const made = { name, from, host, guest, body } as unknown as Layer<MadeBy<From> & M>;
  defined.set(name, made);
  return made;
}

/**
 * Finds the layers up to one, and what they are made with.
 *
 * @throws {TypeError} if a layer is not known, layers go round in a circle, two say what host or guest
 * are, or one says what the guest is and there is none
 */
export function planLayers(reference: LayerReference, options: BuiltInOptions): LayerPlan {
  const host = new Said<HostOptions>("host", options.host);
  const guest = new Said<GuestOptions | string>("guest", options.guest);
  const layers: Layer[] = [];
  for (let next = reference; next !== POWER_ON;) {
    const layer = find(next, () => guest.value ?? {});
    if (layers.some(({ name }) => name === layer.name)) {
      const circle = [...layers, layer].map(({ name }) => name).join(" from ");
      throw new TypeError(`Layers go round in a circle: ${circle}`);
    }
    host.say(layer.host, `layer ${layer.name}`);
    guest.say(layer.guest, `layer ${layer.name}`);
    layers.push(layer);
    next = layer.from;
  }
  if (guest.value !== undefined && !layers.some(({ name }) => name === GUEST_PROMPT)) {
    throw new TypeError(
      `guest: ${guest.by} says what the guest of "${GUEST_PROMPT}" is, and does not start from there`,
    );
  }
  return { host: host.value ?? {}, layers: layers.reverse() };
}

/** An option that only one may give. */
class Said<T> {
  readonly #option: string;
  value: T | undefined;
  by = "the scenario";

  constructor(option: string, value: T | undefined) {
    this.#option = option;
    this.value = value;
  }

  say(value: T | undefined, by: string): void {
    if (value === undefined) return;
    if (this.value !== undefined) {
      throw new TypeError(
        `${this.#option}: ${by} says what it is, and ${this.by}, which starts from there, says it ` +
          "again; leave it out in one of them",
      );
    }
    this.value = value;
    this.by = by;
  }
}

function find(reference: LayerReference, guest: () => GuestOptions | string): Layer {
  if (typeof reference !== "string") return reference;
  const found = builtIn(reference, guest) ?? defined.get(reference);
  if (found !== undefined) return found;
  const known = [...BUILT_IN_LAYERS, ...defined.keys()].map((name) => JSON.stringify(name));
  throw new TypeError(
    `There is no layer ${JSON.stringify(reference)}; known are ${known.join(", ")}. ` +
      "A layer of another module is known once that module is imported",
  );
}

function builtIn(name: string, guest: () => GuestOptions | string): Layer | undefined {
  if (name === HOST_PROMPT) {
    return { name, from: POWER_ON, body: async ({ host }) => await host.prompt() };
  }
  if (name !== GUEST_PROMPT) return undefined;
  return {
    name,
    from: HOST_PROMPT,
    body: async ({ host }) => {
      const started = await host.lkvm(guest());
      await started.prompt();
      return { guest: started };
    },
  };
}
