import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { SnapshotStore } from "../../vmm/snapshot/store.ts";
import { type Layer, layer, type LayerReference, type Made } from "./definition.ts";
import { openLayer, type OpenLayerOptions, withLayer } from "./open.ts";
import { verifyLayer } from "./verify.ts";

// Firmware's first lines: far enough to be told from power-on, and quick.
const banner = layer("banner", { from: "power-on" }, async ({ host }) => {
  const { groups: [version] } = await host.console.expect(/OpenSBI v(\d+)\.\d+\n/);
  return { version };
});

const platform = layer("platform", { from: banner }, async ({ host, version }) => {
  const { text } = await host.console.expect(/Platform HART Count +: \d+\n/);
  host.console.send("to nobody");
  return { harts: `${version}: ${text}` };
});

/** A store of its own for a test. */
function temporaryStore() {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  const store = SnapshotStore.open(directory);
  const warnings: string[] = [];
  const options: OpenLayerOptions = {
    host: { memMiB: 64 },
    store,
    warn: (line) => warnings.push(line),
  };
  return {
    directory,
    store,
    options,
    warnings,
    /** As another process would see it. */
    again: (): OpenLayerOptions => ({ ...options, store: SnapshotStore.open(directory) }),
    [Symbol.dispose]() {
      store.close();
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

/** Opens a layer and tells how each layer came about, and all about the machine. */
async function open(reference: LayerReference, options: OpenLayerOptions) {
  const { host, made, outcomes } = await openLayer(reference, options);
  using _host = host;
  return {
    how: outcomes.map(({ name, how }) => `${name} ${how}`),
    made,
    machine: {
      instructions: host.machine.instructions,
      virtualMs: host.machine.virtualMs,
      transcript: host.console.transcript,
      state: await host.machine.stateHash(),
    },
  };
}

const RESTORED = ["banner restored", "platform restored"];
const STORED = ["banner stored", "platform stored"];

Deno.test("a layer that is restored is what it was when it was made, and what its body returns arrives", async () => {
  using temporary = temporaryStore();
  const cold = await open(platform, { ...temporary.options, store: undefined });
  assertEquals(cold.how, ["banner made", "platform made"]);
  assertEquals(cold.made["version"], "1");
  assertEquals(cold.made["harts"], "1: Platform HART Count         : 1\n");

  const first = await open(platform, temporary.options);
  assertEquals([first.how, first.made, first.machine], [STORED, cold.made, cold.machine]);
  for (const options of [temporary.options, temporary.again()]) {
    const second = await open(platform, options);
    assertEquals([second.how, second.made, second.machine], [RESTORED, cold.made, cold.machine]);
  }
  assertEquals(temporary.warnings, []);
});

Deno.test("a machine goes on from a restored layer as it does from one that was made", async () => {
  using temporary = temporaryStore();
  const goOn = async (options: OpenLayerOptions) =>
    await withLayer(platform, options, async ({ host }) => {
      await host.console.expect("Boot HART ID");
      return [host.machine.instructions, await host.machine.stateHash()];
    });
  const cold = await goOn({ ...temporary.options, store: undefined });
  assertEquals(await goOn(temporary.options), cold);
  assertEquals(await goOn(temporary.options), cold);
});

Deno.test("a layer whose body does something else is made anew, on the layers below it", async () => {
  using temporary = temporaryStore();
  await open(platform, temporary.options);
  const edited: Layer<Made> = {
    ...platform,
    body: async ({ host }) => {
      await host.console.expect("Platform Name");
      host.console.send("something else");
    },
  };
  const made = await open(edited, temporary.options);
  assertEquals(made.how, ["banner restored", "platform stored"]);
  const cold = await open(edited, { ...temporary.options, store: undefined });
  assertEquals(made.machine, cold.machine);

  // Both are there now, and each is known by what it does.
  assertEquals((await open(edited, temporary.options)).how, RESTORED);
  assertEquals((await open(platform, temporary.options)).how, RESTORED);
});

Deno.test("a body's assertions are run each time, against the recorded console", async () => {
  using temporary = temporaryStore();
  await open(banner, temporary.options);
  const strict: Layer<Made> = {
    ...banner,
    body: async ({ host }) => {
      await host.console.expect(/OpenSBI v(\d+)\.\d+\n/);
      throw new Error(`seen after ${host.machine.instructions} instructions`);
    },
  };
  const seen = await assertRejects(() => open(strict, temporary.options), Error, "seen after");
  const cold = await assertRejects(() => open(strict, { ...temporary.options, store: undefined }));
  assertEquals(seen.message, (cold as Error).message);
});

Deno.test("configurations are kept side by side", async () => {
  using temporary = temporaryStore();
  const sizes = [64, 96].map((memMiB) => ({ ...temporary.options, host: { memMiB } }));
  for (const options of sizes) assertEquals((await open(platform, options)).how, STORED);
  for (const options of sizes) assertEquals((await open(platform, options)).how, RESTORED);
});

Deno.test("a layer that waited in vain is not kept, nor what is on it", async () => {
  using temporary = temporaryStore();
  const impatient: Layer<Made> = {
    name: "impatient",
    from: "power-on",
    body: async ({ host }) => {
      await assertRejects(() => host.console.expect("never", { timeoutMs: 0.01 }));
    },
  };
  const above: Layer<Made> = { ...banner, from: impatient };
  assertEquals((await open(above, temporary.options)).how, ["impatient made", "banner made"]);
  assertEquals(temporary.warnings.length, 1);
  assertStringIncludes(temporary.warnings[0]!, "layer impatient is not kept");
});

Deno.test("a layer says what its host is, and nobody says it again", async () => {
  const small: Layer<Made> = { ...banner, name: "small", host: { memMiB: 64 } };
  const options = { store: undefined, warn: () => {} };
  const { host } = await openLayer(small, options);
  assertEquals(host.machine.shape.memMiB, 64);
  host.machine.close();

  await assertRejects(
    () => open(small, { ...options, host: { memMiB: 96 } }),
    TypeError,
    "host: layer small says what it is, and the scenario, which starts from there, says it again",
  );
  await assertRejects(
    () => open({ ...platform, from: small, host: {} }, options),
    TypeError,
    "host: layer small says what it is, and layer platform, which starts from there",
  );
  await assertRejects(
    () => open(small, { ...options, guest: { memMiB: 64 } }),
    TypeError,
    'the scenario says what the guest of "guest-prompt" is, and does not start from there',
  );
});

Deno.test("layers that are none are refused", async () => {
  const options = { store: undefined, warn: () => {} };
  await assertRejects(
    () => open("bannner", options),
    TypeError,
    'There is no layer "bannner"; known',
  );
  await assertRejects(() => open("bannner", options), TypeError, '"guest-prompt", "banner"');
  const circle: Layer<Made> = { ...banner, name: "round", from: "circle" };
  layer("circle", { from: circle }, async () => {});
  await assertRejects(
    () => open("circle", options),
    TypeError,
    "Layers go round in a circle: circle from round from circle",
  );

  const body = async () => {};
  assertThrows(
    () => layer("banner", { from: "power-on" }, body),
    TypeError,
    "there is one of this",
  );
  assertThrows(() => layer("power-on", { from: "power-on" }, body), TypeError, "there is one of");
  assertThrows(() => layer("", { from: "power-on" }, body), TypeError, "give a name");
  assertThrows(() => layer("nowhere", {} as never, body), TypeError, "which layer it starts from");

  const returning = (made: unknown): Layer<Made> => ({
    ...banner,
    body: () => Promise.resolve(made as Made),
  });
  await assertRejects(() => open(returning(5), options), TypeError, "by name, as { guest }, not 5");
  await assertRejects(
    () => open(returning({ host: 1 }), options),
    TypeError,
    "cannot be named host",
  );
});

/** Changes a byte of every so many of a file, from an offset on. */
function damage(path: string, start: number, stride = Infinity): void {
  const bytes = Deno.readFileSync(path);
  for (let at = start; at < bytes.length; at += stride) bytes[at]! ^= 1;
  Deno.writeFileSync(path, bytes);
}

function filesIn(folder: string): { path: string; size: number }[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
    .map((path) => ({ path, size: Deno.statSync(path).size }));
}

/** Runs on from the layer, which needs pages of it. */
async function runOn(options: OpenLayerOptions): Promise<number> {
  return await withLayer(platform, options, async ({ host }) => {
    await host.console.expect("Boot HART ID");
    return host.machine.instructions;
  });
}

Deno.test("pages that are damaged are told of once, and made anew", async () => {
  using temporary = temporaryStore();
  const instructions = await runOn(temporary.options);
  const packs = filesIn(`${temporary.directory}/packs`).sort((a, b) => b.size - a.size);
  const { path } = packs[0]!;
  const header = new DataView(Deno.readFileSync(path).buffer);
  const [pages, frames] = [header.getUint32(24, true), header.getUint32(28, true)];
  damage(path, 96 + 4 * frames + 32 * pages, 500);
  assertEquals(await runOn(temporary.again()), instructions);
  assertEquals(temporary.warnings.length, 1, temporary.warnings.join("\n"));
  assertStringIncludes(temporary.warnings[0]!, "layers are made anew");
  assertStringIncludes(temporary.warnings[0]!, path);

  temporary.warnings.length = 0;
  assertEquals(await runOn(temporary.again()), instructions);
  assertEquals((await open(platform, temporary.again())).how, RESTORED);
  assertEquals(temporary.warnings, []);
});

for (const [where, start] of [["at its beginning", 40], ["at its end", -20]] as const) {
  Deno.test(`a record that is damaged ${where} is told of once, and made anew`, async () => {
    using temporary = temporaryStore();
    await open(banner, temporary.options);
    for (const { path, size } of filesIn(`${temporary.directory}/manifests`)) {
      damage(path, start < 0 ? size + start : start);
    }
    assertEquals((await open(banner, temporary.again())).how, ["banner stored"]);
    assertEquals(temporary.warnings.length, 1, temporary.warnings.join("\n"));
    assertMatch(
      temporary.warnings[0]!,
      /layer banner (is|was) made anew: Cannot use snapshot file/,
    );
    assertEquals((await open(banner, temporary.again())).how, ["banner restored"]);
    assertEquals(temporary.warnings.length, 1);
  });
}

Deno.test("when the layer below is gone it is made anew, and what is on it can be used again", async () => {
  using temporary = temporaryStore();
  const { machine } = await open(platform, temporary.options);
  const [below] = temporary.store.candidates(undefined, "banner");
  temporary.store.remove(below!.key);
  const rebuilt = await open(platform, temporary.again());
  assertEquals(rebuilt.how[0], "banner stored");
  assertEquals(rebuilt.machine, machine);
  assertEquals((await open(platform, temporary.again())).how, RESTORED);
});

Deno.test("a layer of another build of the emulator is told of, and made anew", async () => {
  using temporary = temporaryStore();
  await open(platform, temporary.options);
  for (const record of temporary.store.records()) {
    const { snapshot } = temporary.store.load(record.key)!;
    await temporary.store.save({ ...record, build: "another" }, snapshot);
  }
  assertEquals((await open(platform, temporary.again())).how, STORED);
  assertEquals(temporary.warnings, [
    "layer banner, and others, are made anew: they were made by another build of the emulator",
  ]);
  assertEquals((await open(platform, temporary.again())).how, RESTORED);
  assertEquals(temporary.warnings.length, 1);
});

for (const folder of ["packs", "manifests"]) {
  Deno.test(`without ${folder} that can be written, machines are run, and that is told`, async () => {
    using temporary = temporaryStore();
    Deno.removeSync(`${temporary.directory}/${folder}`);
    Deno.writeTextFileSync(`${temporary.directory}/${folder}`, "in the way");
    const { how, made } = await open(platform, temporary.options);
    assertEquals(how, ["banner made", "platform made"]);
    assertEquals(made["version"], "1");
    assertEquals(temporary.warnings.length, 1, temporary.warnings.join("\n"));
    assertStringIncludes(temporary.warnings[0]!, `${temporary.directory}/${folder}`);
  });
}

Deno.test("--verify-snapshots accepts honest snapshots, and says what differs in others", async () => {
  using temporary = temporaryStore();
  await verifyLayer(banner, temporary.options);
  await verifyLayer(banner, temporary.options);

  const [record] = temporary.store.candidates(undefined, "banner");
  const { snapshot } = temporary.store.load(record!.key)!;
  const lie = async (changed: Partial<typeof snapshot>, what: string) => {
    await temporary.store.save(record!, { ...snapshot, ...changed });
    const error = await assertRejects(() => verifyLayer(banner, temporary.options), Error);
    assertStringIncludes(error.message, "layer banner restored differs from the same layer run");
    assertStringIncludes(error.message, what);
  };
  const { components } = snapshot;
  const machine = components["machine"]!;
  const rom = (machine.fields["rom"] as Uint8Array).with(100, 7);
  await lie(
    { components: { ...components, machine: { ...machine, fields: { ...machine.fields, rom } } } },
    "the state of machine",
  );
  const [[page]] = [...snapshot.ram.pages()] as [[number, unknown]];
  await lie({ ram: snapshot.ram.with([[page, undefined]]) }, "the state hash");
});

Deno.test("--verify-snapshots fails when there is nothing to verify", async () => {
  const error = await assertRejects(
    () => verifyLayer(banner, { store: undefined, warn: () => {} }),
    Error,
  );
  assert(error.message.includes("no snapshots are kept"), error.message);
});
