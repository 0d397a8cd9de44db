import { assertEquals } from "@std/assert";
import { filter, hasTool } from "../fdt/oracle_test_support.ts";
import { readCpio, writeCpio } from "./mod.ts";

const ignore = !hasTool("cpio");

const ARCHIVE = writeCpio({
  "/bin/busybox": { content: new Uint8Array(70_001), mode: 0o4755 },
  "/init": { link: "bin/busybox" },
  "/etc/motd": { content: "hello\n" },
  "/dev/console": { device: "char", major: 5, minor: 1 },
  "/dev/vda": { device: "block", major: 254, minor: 3 },
  "/tmp": { dir: true, mode: 0o1777 },
});

Deno.test("cpio lists our archive", { ignore }, async () => {
  const listing = new TextDecoder().decode(await filter("cpio", ["-itvn", "--quiet"], ARCHIVE));
  const lines = listing.trimEnd().split("\n").map((line) =>
    line.trim().replace(/\s+[A-Z][a-z]{2}\s+\d+\s+(\d{4}|\d\d:\d\d)\s+/, " ").replace(/\s+/g, " ")
  );
  assertEquals(lines, [
    "drwxr-xr-x 2 0 0 0 bin",
    "-rwsr-xr-x 1 0 0 70001 bin/busybox",
    "drwxr-xr-x 2 0 0 0 dev",
    "crw------- 1 0 0 5, 1 dev/console",
    "brw------- 1 0 0 254, 3 dev/vda",
    "drwxr-xr-x 2 0 0 0 etc",
    "-rw-r--r-- 1 0 0 6 etc/motd",
    "lrwxrwxrwx 1 0 0 11 init -> bin/busybox",
    "drwxrwxrwt 2 0 0 0 tmp",
  ]);
});

Deno.test("cpio unpacks a file of our archive", { ignore }, async () => {
  const args = ["-i", "--quiet", "--to-stdout", "etc/motd"];
  assertEquals(new TextDecoder().decode(await filter("cpio", args, ARCHIVE)), "hello\n");
});

Deno.test("we read an archive of cpio", { ignore }, async () => {
  const here = new URL(".", import.meta.url);
  const names = ["cpio_reader.ts", "cpio_writer.ts", "."];
  const archive = await filter(
    "cpio",
    ["-o", "-H", "newc", "--quiet"],
    names.join("\n") + "\n",
    here,
  );
  const entries = readCpio(new Uint8Array(archive));
  assertEquals(entries.map(({ path }) => path), names);
  for (const { path, mode, mtime, data } of entries.slice(0, 2)) {
    const info = await Deno.stat(new URL(path, here));
    assertEquals([mode, data.length], [info.mode, info.size]);
    assertEquals(mtime, Math.floor(info.mtime!.getTime() / 1000));
    assertEquals(data, await Deno.readFile(new URL(path, here)));
  }
});
