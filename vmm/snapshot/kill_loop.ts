/**
 * Kills a saving process again and again, at any moment, and checks the store after each.
 *
 * `deno run --allow-read --allow-write=/tmp --allow-run=deno kill_loop.ts --count 200`
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { SampleNumbers } from "./samples.ts";
import { haveSameBytes, saverLayers } from "./saver.ts";
import { SnapshotStore } from "./store.ts";

const LAYERS = 200;
const CHANGED_PAGES = 60;
/** Within so many milliseconds from the process's first save it is killed. */
const KILL_WITHIN_MS = 60;

/** What a loop came to. */
export interface KillLoopResult {
  /** Processes killed while they were saving. */
  readonly kills: number;
  /** Snapshots whose saving had been reported, all of which were found whole. */
  readonly saved: number;
  /** Temporary files and packs left behind, which gc removed in the end. */
  readonly leftovers: number;
}

/**
 * Kills `count` savers in a store.
 *
 * @throws {Error} if a store does not verify, or lacks a snapshot that was reported as saved
 */
export async function killSavers(directory: string, count: number): Promise<KillLoopResult> {
  const numbers = new SampleNumbers(count);
  let saved = 0;
  let kills = 0;
  for (let seed = 0; kills < count; seed++) {
    const { keys, isKilled } = await killOneSaver(directory, seed, numbers.below(KILL_WITHIN_MS));
    if (isKilled) kills++;
    saved += keys.length;
    checkStore(directory, seed, keys);
  }
  const store = SnapshotStore.open(directory);
  const { files } = store.gc({ graceMs: -1000 });
  store.close();
  checkStore(directory, 0, []);
  return { kills, saved, leftovers: files };
}

async function killOneSaver(directory: string, seed: number, delayMs: number) {
  const child = new Deno.Command("deno", {
    args: [
      ...["run", "--no-prompt", "--allow-read", "--allow-write=/tmp"],
      new URL("./saver.ts", import.meta.url).pathname,
      ...[directory, `${seed}`, `${LAYERS}`, `${CHANGED_PAGES}`],
    ],
    stdout: "piped",
  }).spawn();
  let text = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    timer ??= setTimeout(() => child.kill("SIGKILL"), delayMs);
  }
  const { signal, success } = await child.status;
  clearTimeout(timer);
  if (signal !== "SIGKILL" && !success) throw new Error(`Saver ${seed} failed by itself`);
  return { keys: text.split("\n").slice(0, -1), isKilled: signal === "SIGKILL" };
}

function checkStore(directory: string, seed: number, keys: readonly string[]): void {
  const store = SnapshotStore.open(directory);
  const problems = store.verify();
  if (problems.length > 0) {
    throw new Error(`After killing saver ${seed}: ${JSON.stringify(problems)}`);
  }
  const layers = saverLayers(seed, keys.length, CHANGED_PAGES);
  for (const { key, ram } of layers) {
    const stored = store.load(key);
    if (stored === undefined || !keys.includes(key) || !haveSameBytes(stored.snapshot.ram, ram)) {
      throw new Error(`After killing saver ${seed}: ${key} is not what was saved`);
    }
  }
  store.close();
}

if (import.meta.main) {
  const { count } = parseArgs(Deno.args, { string: ["count"], default: { count: "200" } });
  const directory = Deno.makeTempDirSync({ dir: "/tmp" });
  try {
    const { kills, saved, leftovers } = await killSavers(directory, Number(count));
    console.log(`${kills} kills, ${saved} snapshots saved and found whole, ${leftovers} leftovers`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}
