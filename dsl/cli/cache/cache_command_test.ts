import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { layerKey } from "../../../vmm/snapshot/layer_key.ts";
import { noisePage } from "../../../vmm/snapshot/samples.ts";
import { TemporaryStore } from "../../../vmm/snapshot/temporary_store_testing.ts";
import { callCli, spawnCli } from "../cli_test_support.ts";
import { CACHE_COMMANDS, CACHE_HELP } from "./cache_command.ts";

const HOUR = 3_600_000;

/** Runs `himawari cache` on a store in this process. */
async function cache({ directory }: { readonly directory: string }, ...args: string[]) {
  const { code, stdout, stderr } = await callCli("cache", ...args, "--cache", directory);
  const shown = (text: string) => text.replaceAll(directory, "DIR");
  return { code, lines: shown(stdout).split("\n").slice(0, -1), stderr: shown(stderr) };
}

/** A host and a guest on it. */
async function hostAndGuest(temporary: TemporaryStore) {
  const host = await temporary.save("host-prompt", [[1, noisePage(1)]]);
  temporary.age(host, 5 * HOUR);
  const guest = await temporary.save("guest-prompt", [[2, noisePage(2)]], { below: host });
  temporary.age(guest, 4 * HOUR);
  return { host, guest, hostDigits: host.key.slice(0, 12), guestDigits: guest.key.slice(0, 12) };
}

Deno.test("help names every command and option, in lines that fit; each command has its own", async () => {
  assertEquals(await callCli("cache", "--help"), { code: 0, stdout: CACHE_HELP, stderr: "" });
  for (const { name, options, operands } of CACHE_COMMANDS) {
    assertStringIncludes(CACHE_HELP, `\n  ${name} `);
    const { code, stdout } = await callCli("cache", name, "--help");
    assertEquals(code, 0);
    assertStringIncludes(stdout, `deno task cache ${name} ${operands}`.trimEnd());
    for (const option of options) assertStringIncludes(stdout, `--${option.name}`);
    for (const text of [stdout, CACHE_HELP]) {
      assertStringIncludes(text, "Exit codes:");
      for (const line of text.split("\n")) assert(line.length <= 100, line);
    }
  }
});

const MISTAKES: readonly (readonly [string, string])[] = [
  ["", "cache: give a command: ls, why, gc, rm, verify, export, import"],
  ["--json", "--json: no such option"],
  ["lss", "lss: no such command of cache; did you mean ls?"],
  ["prune", "prune: no such command of cache; known are ls, why, gc, rm, verify, export, import"],
  ["ls --jsn", "--jsn: no such option; did you mean --json?"],
  ["ls x", "cache ls: unexpected argument x"],
  ["why", "cache why: give LAYER|KEY"],
  ["export a", "cache export: give LAYER|KEY FILE"],
  ["gc --max-size", "--max-size needs a value: --max-size SIZE"],
  ["gc --max-size 4", "--max-size 4: give a size with its unit, as 4GiB, 500MB or 0"],
  ["rm", "cache rm: give layers or keys, or --all"],
  ["rm a --all", "cache rm: give layers or keys, or --all"],
];

for (const [text, message] of MISTAKES) {
  Deno.test(`mistake: cache ${text}`, async () => {
    const args = text === "" ? [] : text.split(" ");
    const folder = ["--cache", "/nowhere/at-all"];
    // The folder first, where the last option lacks its value.
    const all = text.startsWith("gc") ? ["gc", ...folder, ...args.slice(1)] : [...args, ...folder];
    const { code, stdout, stderr } = await callCli("cache", ...all);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(stderr, `himawari: ${message} (--help lists the options)\n`);
  });
}

Deno.test("as a process: a folder that is not there is empty, and is not made", async () => {
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  const gone = { directory: `${directory}/gone` };
  const { code, stdout, stderr } = await spawnCli("cache", "ls", "--cache", gone.directory);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout, `0 snapshots in ${gone.directory}, 0 B\n`);
  assertEquals((await cache(gone, "gc")).lines, ["DIR is empty"]);
  assertEquals((await cache(gone, "rm", "--all")).lines, ["no snapshots in DIR"]);
  assertEquals((await cache(gone, "verify")).lines, ["0 snapshots, 0 B: all is well"]);
  assertEquals(await cache(gone, "why", "x"), {
    code: 1,
    lines: [],
    stderr: "himawari: x: no such layer or key; there are no snapshots\n",
  });
  assertEquals([...Deno.readDirSync(directory)], []);
  Deno.removeSync(directory);
});

Deno.test("as a process: without a folder to be had, how to name one", async () => {
  const { code, stderr } = await spawnCli("cache", "ls");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "there is no cache folder: ");
  assertStringIncludes(stderr, "name one with --cache DIR\n");
});

Deno.test("ls: a line for each snapshot, totals", async () => {
  using temporary = new TemporaryStore();
  const { hostDigits, guestDigits } = await hostAndGuest(temporary);
  const { code, lines } = await cache(temporary, "ls");
  assertEquals(code, 0);
  assertEquals(
    lines.map((line) => line.trim().split(/ {2,}/)),
    [
      "LAYER KEY PARENT SAVED USED OWN SHARED INSTRUCTIONS|VIRTUAL TIME|MACHINE".replaceAll(
        " ",
        "|",
      )
        .replace("VIRTUAL|TIME", "VIRTUAL TIME").split("|"),
      ["guest-prompt", guestDigits, hostDigits, "4 h", "4 h", "5.0 KiB", "0 B"],
      ["host-prompt", hostDigits, "-", "5 h", "5 h", "4.9 KiB", "0 B"],
    ].map((row, n) =>
      n === 0 ? row : [...row, "9 007 199 254 740 991", "1099.512 s", "2 harts, 1 MiB"]
    ).concat([[""], ["2 snapshots in DIR, 9.9 KiB"]]),
  );
});

Deno.test("ls --json: everything, for other programs", async () => {
  using temporary = new TemporaryStore();
  const { host, guest } = await hostAndGuest(temporary);
  const { lines } = await cache(temporary, "ls", "--json");
  const { snapshots, totals } = JSON.parse(lines.join("\n"));
  assertEquals(snapshots.length, 2);
  const { saved, used, ownBytes, sharedBytes, ...rest } = snapshots[0];
  assertEquals(rest, {
    key: guest.key,
    layer: "guest-prompt",
    parent: host.key,
    instructions: 2 ** 53 - 1,
    virtualNs: 2 ** 40 + 1,
    machine: { harts: 2, memMiB: 1, isa: "rv64gch" },
    material: { emulator: "abc", seed: "1" },
    build: "build 1",
    problem: null,
  });
  assertEquals([saved, sharedBytes, typeof ownBytes], [used, 0, "number"]);
  assertEquals([totals.snapshots, totals.unneededBytes], [2, 0]);
});

Deno.test("ls and why say what cannot be used", async () => {
  using temporary = new TemporaryStore();
  const { host, guest, guestDigits } = await hostAndGuest(temporary);
  temporary.store.remove(host.key);
  const detail = `cannot be used: the snapshot below it, ${host.key}, is gone`;
  assertStringIncludes((await cache(temporary, "ls")).lines.join("\n"), detail);
  const { lines } = await cache(temporary, "why", "guest-prompt");
  assertEquals(lines[0], `guest-prompt ${guestDigits}, saved 4 h ago, ${detail}`);
  Deno.writeTextFileSync(`${temporary.directory}/manifests/${guest.key}.cbor`, "nonsense");
  assertEquals((await cache(temporary, "why", guestDigits)).lines, [
    `unreadable ${guestDigits}, saved 0 s ago, cannot be used: it is not a snapshot`,
  ]);
});

Deno.test("why: what differs from the nearest older snapshot, in the layers below too", async () => {
  using temporary = new TemporaryStore();
  const { host, hostDigits, guestDigits } = await hostAndGuest(temporary);
  const material = { emulator: "abc", seed: "2" };
  const other = await temporary.save("host-prompt", [[1, noisePage(1)]], { material });
  const guest = await temporary.save("guest-prompt", [], { below: other });
  const [otherDigits, newDigits] = [other, guest].map(({ key }) => key.slice(0, 12));
  const { code, lines } = await cache(temporary, "why", "guest-prompt");
  assertEquals(code, 0);
  assertMatch(
    lines[0]!,
    new RegExp(
      `^guest-prompt ${newDigits}, saved \\d s ago, will be made anew: it is of another build of ` +
        "the emulator, build 1; this one is [0-9a-f]{12}$",
    ),
  );
  assertEquals(lines.slice(1), [
    `It was made as the nearest one before, ${guestDigits}, saved 4 h ago, differs:`,
    `  the layer below was ${hostDigits}, is ${otherDigits}; both are layer host-prompt, and differ:`,
    '    seed was "1", is "2"',
  ]);
  const first = await cache(temporary, "why", host.key.slice(0, 20));
  assertEquals(first.lines.slice(1), [
    "There is no older snapshot of this layer to compare with. It was made with:",
    "  emulator: abc",
    "  seed: 1",
    "  2 actions since",
  ]);
});

Deno.test("names: layers, beginnings of keys, and what to do about others", async () => {
  using temporary = new TemporaryStore();
  const { hostDigits } = await hostAndGuest(temporary);
  assertEquals((await cache(temporary, "why", hostDigits.toUpperCase())).code, 0);
  for (
    const [name, hint] of [
      ["host-promt", "did you mean host-prompt?"],
      ["zzz", "layers are guest-prompt, host-prompt"],
      [hostDigits.slice(0, 3), "layers are guest-prompt, host-prompt"],
    ] as const
  ) {
    const { code, stderr } = await cache(temporary, "why", name);
    assertEquals([code, stderr], [1, `himawari: ${name}: no such layer or key; ${hint}\n`]);
  }
});

Deno.test("the beginning of several keys is none of theirs", async () => {
  using temporary = new TemporaryStore();
  // Two of some hundred keys begin alike in four digits; found here, so that they need not be named.
  const seen = new Map<string, string>();
  const material = (n: number) => ({ emulator: "abc", seed: String(n) });
  const record = { parent: undefined, layer: "a", actions: [] };
  for (let n = 0;; n++) {
    const start = layerKey({ ...record, material: material(n) }).slice(0, 4);
    const other = seen.get(start);
    seen.set(start, String(n));
    if (other === undefined) continue;
    for (const seed of [Number(other), n]) {
      await temporary.save("a", [], { ...record, material: material(seed) });
    }
    const { code, stderr } = await cache(temporary, "rm", start);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `${start}: 2 keys begin so; give more digits: ${start}`);
    assertEquals(temporary.files("manifests").length, 2);
    break;
  }
});

Deno.test("gc: limits from the command line; what is in use stays", async () => {
  using temporary = new TemporaryStore();
  const { hostDigits, guestDigits } = await hostAndGuest(temporary);
  assertEquals((await cache(temporary, "gc")).lines, [
    "0 snapshots removed, 0 B freed, 9.9 KiB left",
  ]);
  const spared = await cache(temporary, "gc", "--max-size", "0", "--grace", "6h");
  assertEquals(spared.lines, [
    "0 snapshots removed, 0 B freed, 9.9 KiB left",
    "2 snapshots beyond the limits but used within 6 h: --grace 0 removes such too",
  ]);
  assertEquals((await cache(temporary, "gc", "--max-size=6KiB")).lines, [
    `removed guest-prompt ${guestDigits}`,
    "1 snapshot removed, 5.0 KiB freed, 4.9 KiB left",
  ]);
  assertEquals((await cache(temporary, "gc", "--max-age", "4.5h")).lines, [
    `removed host-prompt ${hostDigits}`,
    "1 snapshot removed, 4.9 KiB freed, 0 B left",
  ]);
});

Deno.test("rm: by layer, by key, all", async () => {
  using temporary = new TemporaryStore();
  const { hostDigits, guestDigits } = await hostAndGuest(temporary);
  assertEquals((await cache(temporary, "rm", "host-prompt")).lines, [
    `removed host-prompt ${hostDigits}`,
    "1 snapshot removed, 4.9 KiB freed",
    `guest-prompt ${guestDigits} stays; what it lies on is gone`,
  ]);
  const unknown = await cache(temporary, "rm", guestDigits, "host-prompt");
  assertEquals([unknown.code, temporary.files("manifests").length], [1, 1]);
  assertEquals((await cache(temporary, "rm", guestDigits, "guest-prompt")).lines, [
    `removed guest-prompt ${guestDigits}`,
    "1 snapshot removed, 5.0 KiB freed",
  ]);
  await hostAndGuest(temporary);
  assertEquals(
    (await cache(temporary, "rm", "--all")).lines.at(-1),
    "2 snapshots removed, 9.9 KiB freed",
  );
  assertEquals(temporary.files("manifests", "packs", "used"), []);
});

Deno.test("verify: what is damaged, and exit code 1", async () => {
  using temporary = new TemporaryStore();
  await hostAndGuest(temporary);
  assertEquals(await cache(temporary, "verify"), {
    code: 0,
    lines: ["2 snapshots, 9.9 KiB: all is well"],
    stderr: "",
  });
  const [pack] = temporary.files("packs");
  const bytes = Deno.readFileSync(pack!);
  bytes[bytes.length - 100]! ^= 1;
  Deno.writeFileSync(pack!, bytes);
  const { code, lines } = await cache(temporary, "verify");
  assertEquals([code, lines.at(-1)], [1, "1 problem in DIR"]);
  assertMatch(lines[0]!, /^DIR\/packs\/[0-9a-f]{64}\.pack: a frame cannot be decompressed/);
});

Deno.test("export, import: from one folder to another", async () => {
  using from = new TemporaryStore();
  using to = new TemporaryStore();
  const { hostDigits, guestDigits } = await hostAndGuest(from);
  const file = `${to.directory}/guest`;
  const exported = await cache(from, "export", "guest-prompt", file);
  assertEquals(exported.code, 0);
  assertEquals(exported.lines.slice(0, 2), [
    `exported host-prompt ${hostDigits}`,
    `exported guest-prompt ${guestDigits}`,
  ]);
  const again = await cache(from, "export", hostDigits, file);
  assertEquals([again.code, again.stderr], [
    1,
    `himawari: ${file} is there already; --overwrite replaces it\n`,
  ]);
  assertEquals((await cache(to, "import", file)).lines, [
    `imported host-prompt ${hostDigits}`,
    `imported guest-prompt ${guestDigits}`,
    "they are of another build of the emulator, and this one does not use them",
  ]);
  assertEquals((await cache(to, "import", file)).lines, [
    `left as it is: host-prompt ${hostDigits}`,
    `left as it is: guest-prompt ${guestDigits}`,
  ]);
  assertEquals((await cache(to, "verify")).code, 0);
  assertEquals((await cache(from, "export", hostDigits, file, "--overwrite")).code, 0);
  Deno.writeTextFileSync(file, "nonsense");
  const { code, stderr } = await cache(to, "import", file);
  assertEquals(code, 1);
  assertMatch(stderr, /^himawari: Cannot import DIR\/guest: it holds no snapshots: [^\n]+\n$/);
});
