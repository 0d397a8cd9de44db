import { assertEquals, assertMatch } from "@std/assert";
import { SnapshotStore } from "./store.ts";

/** Runs a shell command. Answers what it printed, and whether it succeeded. */
function shell(command: string): { readonly text: string; readonly success: boolean } {
  const { stdout, success } = new Deno.Command("sh", {
    args: ["-c", `exec 2>&1; ${command}`],
  }).outputSync();
  return { text: new TextDecoder().decode(stdout), success };
}

/** A command that saves a snapshot of so many pages that no compression shortens. */
function saver(directory: string, pages: number): string {
  const script = new URL("./saver.ts", import.meta.url).pathname;
  return `deno run --no-prompt --allow-read --allow-write=/tmp '${script}' ${directory} 1 1 ${pages}`;
}

/** Whether a shell may be run, and can do what the test needs. Limits and mounts take one. */
function isAble(what: string, command: string): boolean {
  const isPermitted =
    Deno.permissions.querySync({ name: "run", command: "sh" }).state === "granted";
  const isPossible = isPermitted && shell(command).success;
  if (!isPermitted) console.log(`Not testing ${what}: needs --allow-run=sh`);
  else if (!isPossible) console.log(`Not testing ${what}: this does not work here: ${command}`);
  return isPossible;
}

const canLimit = isAble("a limit on the size of files", "trap '' XFSZ; ulimit -f 4096");
const canMount = isAble("a full disk", "unshare --map-root-user --mount mount -t tmpfs tmpfs /tmp");

Deno.test({
  name: "a file that may not become so large is an error that says what to do, and nothing stays",
  ignore: !canLimit,
  fn() {
    const directory = Deno.makeTempDirSync({ dir: "/tmp" });
    // 4096 blocks of 512 bytes; bash takes 1024 unless in POSIX mode.
    const { text, success } = shell(`trap '' XFSZ; ulimit -f 4096; ${saver(directory, 3000)}`);
    assertEquals(success, false);
    assertMatch(text, /Cannot write \/tmp\/.*\.pack: the file would be too large; raise the limit/);
    assertEquals(filesIn(directory), []);
    const small = shell(`trap '' XFSZ; ulimit -f 4096; ${saver(directory, 100)}`);
    assertMatch(small.text, /^[0-9a-f]{64}$/m);
    assertEquals(verify(directory), []);
    Deno.removeSync(directory, { recursive: true });
  },
});

Deno.test({
  name: "a full disk is an error that says what to do, and nothing stays",
  ignore: !canMount,
  fn() {
    const directory = Deno.makeTempDirSync({ dir: "/tmp" });
    const { text } = shell(
      "unshare --map-root-user --mount sh -c " +
        `"mount -t tmpfs -o size=1m tmpfs ${directory}; ${saver(directory, 1000)}; ` +
        `find ${directory} -type f; ${saver(directory, 100)}; find ${directory} -type f; ` +
        `cp -r ${directory}/. ${directory}-copy"`,
    );
    // Nothing between the error and the key of the save that fits: no file stayed.
    assertMatch(
      text,
      /Cannot write \S+\.pack: the disk is full; free some space.*\n[0-9a-f]{64}\n(\S+\.(cbor|pack)\n){2}$/,
    );
    assertEquals(verify(`${directory}-copy`), []);
    Deno.removeSync(directory, { recursive: true });
    Deno.removeSync(`${directory}-copy`, { recursive: true });
  },
});

function filesIn(directory: string): string[] {
  return ["manifests", "packs"].flatMap((folder) =>
    [...Deno.readDirSync(`${directory}/${folder}`)].map(({ name }) => name)
  );
}

function verify(directory: string): unknown {
  const store = SnapshotStore.open(directory);
  try {
    return store.records().length === 1 ? store.verify() : "there is not one snapshot";
  } finally {
    store.close();
  }
}
