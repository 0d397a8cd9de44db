import { assertEquals, assertThrows } from "@std/assert";
import { checkChecksum, KERNELS } from "./kernels.ts";

Deno.test("the table lists exactly the files in kernels/", () => {
  const files = [...Deno.readDirSync(new URL("kernels/", import.meta.url))]
    .map((entry) => entry.name)
    .sort();
  assertEquals(KERNELS.map((kernel) => `${kernel.name}.c`).sort(), files);
});

Deno.test("kernels do not share a checksum", () => {
  assertEquals(new Set(KERNELS.map((kernel) => kernel.checksum)).size, KERNELS.length);
});

Deno.test("a checksum is found among other lines, and must be the expected one", () => {
  const kernel = { name: "example", checksum: "0x0123456789abcdef" };
  checkChecksum(kernel, "checksum 0x0123456789abcdef\n");
  checkChecksum(kernel, "noise\nchecksum 0x0123456789abcdef\nmore");
  assertThrows(
    () => checkChecksum(kernel, "checksum 0x0123456789abcdee\n"),
    Error,
    "checksum 0x0123456789abcdee, expected 0x0123456789abcdef",
  );
  assertThrows(() => checkChecksum(kernel, ""), Error, 'no checksum on the console, only ""');
  assertThrows(() => checkChecksum(kernel, "checksum 0x0123456789abc"), Error, "no checksum");
});
