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
export interface Layer<M extends Made = Made> {
  readonly name: string;
  readonly from: LayerReference;
  readonly body: (context: LayerContext<Made>) => Promise<M | void>;
}

/** A layer by itself or by its name. */
export type LayerReference = string | Layer;

/** Options of {@link layer}. */
export interface LayerOptions<From extends LayerReference> {
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

/** What the layers of our own are made with. */
export interface BuiltInOptions {
  readonly host: HostOptions;
  readonly guest: GuestOptions | string;
}

/** Nothing has run. */
export const POWER_ON = "power-on";

/** Names of the layers that are there from the start. */
export const BUILT_IN_LAYERS = [POWER_ON, "host-prompt", "guest-prompt"] as const;

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
 * const twoCpus = layer("two-cpus", { from: "host-prompt" }, async ({ host }) => {
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
  if ((BUILT_IN_LAYERS as readonly string[]).includes(name) || defined.has(name)) {
    throw new TypeError(`layer ${JSON.stringify(name)}: there is one of this name; choose another`);
  }
  const from = (options as Partial<LayerOptions<From>> | undefined)?.from;
  if (typeof from !== "string" && typeof from?.body !== "function") {
    throw new TypeError(
      `layer ${JSON.stringify(name)}: say which layer it starts from, as { from: "host-prompt" }`,
    );
  }
  const made = { name, from, body } as unknown as Layer<MadeBy<From> & M>;
  defined.set(name, made);
  return made;
}

/**
 * The layers up to one, lowest first, power-on left out.
 *
 * @throws {TypeError} if a layer is not known, or layers go round in a circle
 */
export function layersUpTo(reference: LayerReference, options: BuiltInOptions): Layer[] {
  const layers: Layer[] = [];
  for (let next: LayerReference = reference; next !== POWER_ON;) {
    const found: Layer | undefined = typeof next === "string" ? named(next, options) : next;
    if (found === undefined) {
      const known = [...BUILT_IN_LAYERS, ...defined.keys()].map((name) => JSON.stringify(name));
      throw new TypeError(
        `There is no layer ${JSON.stringify(next)}; known are ${known.join(", ")}. ` +
          "A layer of another module is known once that module is imported",
      );
    }
    if (layers.some(({ name }) => name === found.name)) {
      const circle = [...layers.map(({ name }) => name), found.name].join(" from ");
      throw new TypeError(`Layers go round in a circle: ${circle}`);
    }
    layers.push(found);
    next = found.from;
  }
  return layers.reverse();
}

function named(name: string, options: BuiltInOptions): Layer | undefined {
  switch (name) {
    case "host-prompt":
      return {
        name,
        from: POWER_ON,
        body: async ({ host }) => await host.prompt(),
      };
    case "guest-prompt":
      return {
        name,
        from: "host-prompt",
        body: async ({ host }) => {
          const guest = await host.lkvm(options.guest);
          await guest.prompt();
          return { guest };
        },
      };
    default:
      return defined.get(name);
  }
}
