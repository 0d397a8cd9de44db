/**
 * Runs lkvm's own unit tests: its C modules compiled for this machine, with address and
 * undefined-behaviour sanitizers.
 */
import { assert } from "@std/assert";

const TIMEOUT_MS = 600_000;

async function missing(tool: string): Promise<string | undefined> {
  const granted = await Deno.permissions.query({ name: "run", command: tool });
  if (granted.state !== "granted") return `no permission to run ${tool}`;
  try {
    await new Deno.Command(tool, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return undefined;
  } catch {
    return `${tool} is not installed`;
  }
}

const reason = await missing("make") ?? await missing("gcc");
if (reason !== undefined) console.log(`lkvm's unit tests are ignored: ${reason}`);

Deno.test({
  name: "lkvm's modules pass their unit tests under sanitizers",
  ignore: reason !== undefined,
  async fn() {
    const build = await Deno.makeTempDir({ prefix: "lkvm-check-" });
    try {
      const { success, stdout, stderr } = await new Deno.Command("make", {
        args: ["-C", new URL(".", import.meta.url).pathname, "check", `O=${build}`],
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).output();
      const decoder = new TextDecoder();
      assert(success, `make check failed:\n${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
    } finally {
      await Deno.remove(build, { recursive: true });
    }
  },
});
