import { assert, assertEquals, assertThrows } from "@std/assert";
import { readCpio, writeCpio } from "./mod.ts";

const FILES = {
  "init": { link: "bin/busybox" },
  "/bin/busybox": { content: new Uint8Array([1, 2, 3]), mode: 0o755 },
  "./etc//motd": { content: "grüß\n" },
  "/dev/console": { device: "char", major: 5, minor: 1 },
  "/dev/vda": { device: "block", major: 254, minor: 0, mode: 0o660 },
  "/tmp": { dir: true, mode: 0o1777 },
} as const;

Deno.test("what is written is read: types, modes, content, parents in order", () => {
  const entries = readCpio(writeCpio(FILES)).map((
    { path, mode, data, major, minor, linkCount },
  ) => ({
    path,
    mode: mode.toString(8),
    text: new TextDecoder().decode(data),
    device: `${major}:${minor}`,
    linkCount,
  }));
  const entry = (path: string, mode: string, more = {}) => ({
    path,
    mode,
    text: "",
    device: "0:0",
    linkCount: mode.startsWith("4") ? 2 : 1,
    ...more,
  });
  assertEquals(entries, [
    entry("bin", "40755"),
    entry("bin/busybox", "100755", { text: "\x01\x02\x03" }),
    entry("dev", "40755"),
    entry("dev/console", "20600", { device: "5:1" }),
    entry("dev/vda", "60660", { device: "254:0" }),
    entry("etc", "40755"),
    entry("etc/motd", "100644", { text: "grüß\n" }),
    entry("init", "120777", { text: "bin/busybox" }),
    entry("tmp", "41777"),
  ]);
});

Deno.test("the archive depends on nothing but the map, not even on its order", () => {
  const reversed = Object.fromEntries(Object.entries(FILES).reverse());
  assertEquals(writeCpio(reversed), writeCpio(FILES));
  assert(readCpio(writeCpio(FILES)).every(({ mtime, uid, gid }) => mtime + uid + gid === 0));
  const inodes = readCpio(writeCpio(FILES)).map(({ inode }) => inode);
  assertEquals(inodes, inodes.map((_, index) => index + 1));
});

Deno.test("what is in a directory follows it at once, whatever the names", () => {
  const files = Object.fromEntries(
    ["a-b", "a.b", "a", "ab", "a/b/c", "a/b"].map((path) => [path, { dir: true }] as const),
  );
  const paths = readCpio(writeCpio(files)).map(({ path }) => path);
  assertEquals(paths, ["a", "a/b", "a/b/c", "a-b", "a.b", "ab"]);
});

Deno.test("an entry, byte for byte", () => {
  const text = new TextDecoder().decode(writeCpio({ a: { content: "xyz" } }));
  const fields =
    "00000001 000081a4 00000000 00000000 00000001 00000000 00000003 00000000 00000000 " +
    "00000000 00000000 00000002 00000000";
  assertEquals(text.slice(0, 116), `070701${fields.replaceAll(" ", "")}a\0xyz\0`);
});

Deno.test("what a file map refuses", () => {
  assertThrows(() => writeCpio({ "/": { dir: true } }), TypeError, 'empty path "/"');
  assertThrows(() => writeCpio({ "a/../b": { dir: true } }), TypeError, "a/../b leaves the root");
  assertThrows(() => writeCpio({ "a\0": { dir: true } }), TypeError, "contains NUL");
  assertThrows(() => writeCpio({ "TRAILER!!!": { content: "" } }), TypeError, "ends an archive");
  assertThrows(() => writeCpio({ a: { link: "" } }), TypeError, 'a as a link to ""');
  assertThrows(
    () => writeCpio({ "a": { dir: true }, "/a/": { dir: true } }),
    TypeError,
    "names a twice, once as /a/",
  );
  assertThrows(
    () => writeCpio({ "a": { content: "" }, "a/b": { content: "" } }),
    TypeError,
    "has a/b below a, which is no directory",
  );
  assertThrows(
    () => writeCpio({ a: { content: "", mode: 0o100644 } }),
    RangeError,
    "a has mode 33188: give permission bits only",
  );
  assertThrows(
    () => writeCpio({ a: { device: "char", major: -1, minor: 0 } }),
    RangeError,
    "Device a has number -1:0",
  );
});

/** Damage by name: where text is put into the archive of one file, and the error that names it. */
const DAMAGES: readonly [name: string, at: number, text: string, message: string][] = [
  ["magic", 0, "070707", 'offset 0: magic of an entry is "070707"'],
  ["filesize", 54, "ffffffff", "offset 0: filesize of a is 4294967295; 128 bytes are left"],
  ["digits", 54, "+0000001", 'offset 54: filesize is "+0000001", not 8 hexadecimal digits'],
  ["namesize 0", 94, "00000000", "namesize is 0"],
  ["namesize", 94, "00002000", "namesize is 8192"],
  ["name", 111, "b", "name of 2 bytes does not end with its only NUL"],
];

for (const [name, at, text, message] of DAMAGES) {
  Deno.test(`what the reader refuses: ${name}`, () => {
    const archive = writeCpio({ a: { content: "xyz" } });
    archive.set(new TextEncoder().encode(text), at);
    assertThrows(() => readCpio(archive, "x.cpio"), SyntaxError, message);
    assertThrows(() => readCpio(archive, "x.cpio"), SyntaxError, "x.cpio: offset ");
  });
}

Deno.test("what the reader refuses: every truncation", () => {
  const archive = writeCpio({ a: { content: "xyz" }, b: { link: "a" } });
  for (let length = 0; length < archive.length - 3; length++) {
    assertThrows(() => readCpio(archive.subarray(0, length)), SyntaxError, "cpio: offset ");
  }
});
