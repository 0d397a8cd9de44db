import { assertEquals } from "@std/assert";
import {
  checkLayers,
  formatViolation,
  importsOf,
  type Layer,
  LAYERS,
  readTree,
} from "./check_layers.ts";

/** Violations of made-up files, printed. */
function check(files: Record<string, string>, layers?: readonly Layer[]): string[] {
  return checkLayers(new Map(Object.entries(files)), layers).map(formatViolation);
}

Deno.test("the project keeps to its table", async () => {
  const files = await readTree(new URL("../", import.meta.url));
  assertEquals(files.size > 200, true);
  assertEquals(checkLayers(files).map(formatViolation), []);
});

Deno.test("every row of the table is in use, and names rows or files that exist", async () => {
  const files = [...(await readTree(new URL("../", import.meta.url))).keys(), "deno.json"];
  for (const { path, imports, types = [] } of LAYERS) {
    for (const named of [path, ...imports, ...types]) {
      const exists = files.some((file) => file === named || file.startsWith(`${named}/`));
      assertEquals(exists, true, `${named}, in the row of ${path}`);
    }
  }
});

Deno.test("all forms of import are found, with their lines", () => {
  const source = `/**
 * import { inComment } from "./comment.ts";
 */
import { a } from "./a.ts";
import type { B } from "./b.ts";
import {
  c,
  type D,
} from "./c.ts";
import { type E, type F } from "./types.ts";
import g from "./default.ts";
import * as h from "./namespace.ts";
import i, { j } from "./both.ts";
import "./effect.ts";
export { k } from "./k.ts";
export * from "./all.ts";
export type { L } from "./l.ts";
// import("./commented.ts")
const m = await import("./dynamic.ts");
export const from = "no import";
const text = 'import { x } from "./text.ts"';
`;
  assertEquals(
    importsOf(source).map(({ specifier, line, isTypeOnly }) => [specifier, line, isTypeOnly]),
    [
      ["./a.ts", 4, false],
      ["./b.ts", 5, true],
      ["./c.ts", 6, false],
      ["./types.ts", 10, true],
      ["./default.ts", 11, false],
      ["./namespace.ts", 12, false],
      ["./both.ts", 13, false],
      ["./effect.ts", 14, false],
      ["./k.ts", 15, false],
      ["./all.ts", 16, false],
      ["./l.ts", 17, true],
      ["./dynamic.ts", 19, false],
    ],
  );
});

/** One line that imports a name. */
const line = (specifier: string) => `import { name } from "${specifier}";\n`;

Deno.test("an import upwards or sideways is printed with file, line and rule", () => {
  assertEquals(check({ "core/bus.ts": "// first line\n" + line("../vmm/machine.ts") }), [
    "core/bus.ts:2: imports vmm/machine.ts; core may import: core/isa, core/jit",
  ]);
  assertEquals(check({ "devices/plic.ts": line("../core/bus.ts") }), [
    "devices/plic.ts:1: imports core/bus.ts; devices may import: core/device.ts, core/state_fields.ts",
  ]);
  assertEquals(check({ "core/isa/m.ts": line("../bus.ts") }), [
    "core/isa/m.ts:1: imports core/bus.ts; core/isa may import: nothing",
  ]);
  assertEquals(check({ "core/hart/csr.ts": line("../isa/ops") }), [
    "core/hart/csr.ts:1: imports core/isa/ops.ts; core/hart may import: nothing",
  ]);
});

Deno.test("what the table allows passes", () => {
  assertEquals(
    check({
      "devices/plic.ts": line("../core/device.ts"),
      "core/hart/fp.ts": line("./softfloat/add"),
      "core/jit/translator.ts": line("../isa/ops.ts"),
      "core/hart_array.ts": line("./jit/code_cache.ts"),
      "vmm/board.ts": line("../devices/plic.ts") + line("../core/bus.ts"),
      "vmm/loaders/kernel.ts": line("../initramfs/gzip.ts"),
      "dsl/cli/code.ts": line("../../core/isa/mod.ts") + line("../../fixtures/mod.ts"),
      "fixtures/host_root.ts": line("../vmm/initramfs/mod.ts"),
      "scenarios/boot_test.ts": line("himawari") + line("@std/assert"),
      "bench/run.ts": line("../mod.ts"),
      "mod.ts": line("./vmm/machine.ts") + line("./dsl/host.ts"),
    }),
    [],
  );
});

Deno.test("fixtures get the archive writers of vmm and nothing else of it", () => {
  assertEquals(check({ "fixtures/host_root.ts": line("../vmm/machine.ts") }), [
    "fixtures/host_root.ts:1: imports vmm/machine.ts; fixtures may import: vmm/initramfs",
  ]);
});

Deno.test("a folder's row does not open the rows of its subfolders", () => {
  assertEquals(check({ "bench/run.ts": line("../core/isa/decode.ts") }), [
    "bench/run.ts:1: imports core/isa/decode.ts; bench may import: mod.ts, core, core/jit, vmm, dsl",
  ]);
});

Deno.test("types alone may come from where the row says so", () => {
  assertEquals(
    check({
      "dsl/cli/trace.ts": 'import type { HartArray } from "../../core/hart_array.ts";\n',
      "core/jit/layout.ts": 'import { type HartModule } from "../hart_module.ts";\n',
    }),
    [],
  );
  assertEquals(check({ "dsl/cli/trace.ts": line("../../core/hart_array.ts") }), [
    "dsl/cli/trace.ts:1: imports core/hart_array.ts, of which dsl may import types only",
  ]);
});

Deno.test("scenarios see the public API and nothing else", () => {
  assertEquals(
    check({
      "scenarios/boot_test.ts": line("../dsl/host.ts") + line("../mod.ts"),
      "scenarios/helper.ts": line("../vmm/machine.ts") + line("cbor-x"),
    }),
    [
      "scenarios/boot_test.ts:1: imports dsl/host.ts; scenarios may import: mod.ts",
      "scenarios/helper.ts:1: imports vmm/machine.ts; scenarios may import: mod.ts",
      "scenarios/helper.ts:2: imports package cbor-x; scenarios may import packages: @std/",
    ],
  );
});

Deno.test("packages are allowed row by row; tests may use the assertions everywhere", () => {
  assertEquals(
    check({
      "core/bus.ts": line("@std/assert"),
      "core/bus_test.ts": line("@std/assert"),
      "devices/uart.ts": line("npm:left-pad"),
    }),
    [
      "core/bus.ts:1: imports package @std/assert; core may import packages: nothing",
      "devices/uart.ts:1: imports package npm:left-pad; devices may import packages: nothing",
    ],
  );
});

Deno.test("tests may import from below, through to the bottom, and never from above", () => {
  assertEquals(
    check({
      "vmm/machine_test.ts": line("../core/testing/bare_program.ts") +
        line("./loaders/program_test_support.ts") + line("../core/conformance/assembler.ts"),
      "dsl/host_test.ts": line("../core/hart_array.ts") + line("../devices/testing.ts"),
      "core/bus_test.ts": line("./testing/probe_device.ts"),
    }),
    [],
  );
  const [violation] = check({ "core/bus_test.ts": line("../devices/plic.ts") });
  assertEquals(
    violation?.startsWith("core/bus_test.ts:1: imports devices/plic.ts; tests of core"),
    true,
  );
});

Deno.test("a program does not import test code", () => {
  assertEquals(check({ "vmm/machine.ts": line("../core/testing/bare_program.ts") }), [
    "vmm/machine.ts:1: imports core/testing/bare_program.ts, which is test code; only test code may",
  ]);
  assertEquals(check({ "devices/plic.ts": line("./testing.ts") }), [
    "devices/plic.ts:1: imports devices/testing.ts, which is test code; only test code may",
  ]);
});

Deno.test("a folder without a row is a violation", () => {
  assertEquals(check({ "misc/thing.ts": "" }), [
    "misc/thing.ts:1: lies in no folder of the table of layers",
  ]);
});

Deno.test("cycles between folders are found even where the table would allow both ways", () => {
  const layers: Layer[] = [{ path: "vmm", imports: [] }];
  assertEquals(
    check({
      "vmm/fdt/a.ts": line("../loaders/b.ts"),
      "vmm/loaders/b.ts": "\n" + line("../initramfs/c.ts"),
      "vmm/initramfs/c.ts": "\n\n" + line("../fdt/a.ts"),
    }, layers),
    [
      "vmm/initramfs/c.ts:3: closes a cycle: " +
      "vmm/fdt -> vmm/loaders -> vmm/initramfs -> vmm/fdt",
    ],
  );
  // Types leave nothing behind, and a layer's subfolder is a part of it.
  assertEquals(
    check({
      "vmm/fdt/a.ts": line("../loaders/b.ts"),
      "vmm/loaders/b.ts": 'import type { A } from "../fdt/a.ts";\n',
      "vmm/machine.ts": line("./fdt/a.ts"),
      "vmm/fdt/d.ts": line("../memory_map.ts"),
    }, layers),
    [],
  );
});
