import { assertEquals } from "@std/assert";
import { WasmWriter } from "./wasm_encoder.ts";

/** The bytes that `write` writes. */
function written(write: (out: WasmWriter) => void): number[] {
  const out = new WasmWriter(4);
  write(out);
  return [...out.written];
}

Deno.test("unsigned LEB128 (WebAssembly Core 5.2.2)", () => {
  assertEquals(written((out) => out.unsigned(0)), [0]);
  assertEquals(written((out) => out.unsigned(127)), [0x7f]);
  assertEquals(written((out) => out.unsigned(128)), [0x80, 1]);
  assertEquals(written((out) => out.unsigned(624_485)), [0xe5, 0x8e, 0x26]);
  assertEquals(written((out) => out.unsigned(0xffff_ffff)), [0xff, 0xff, 0xff, 0xff, 0x0f]);
});

Deno.test("signed LEB128, up to safe integers", () => {
  assertEquals(written((out) => out.signed(0)), [0]);
  assertEquals(written((out) => out.signed(63)), [0x3f]);
  assertEquals(written((out) => out.signed(64)), [0xc0, 0]);
  assertEquals(written((out) => out.signed(-1)), [0x7f]);
  assertEquals(written((out) => out.signed(-64)), [0x40]);
  assertEquals(written((out) => out.signed(-65)), [0xbf, 0x7f]);
  assertEquals(written((out) => out.signed(-123_456)), [0xc0, 0xbb, 0x78]);
  assertEquals(
    written((out) => out.signed(-(2 ** 40))),
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x60],
  );
});

Deno.test("a size that is known later takes five bytes", () => {
  const bytes = written((out) => {
    const start = out.beginSized();
    for (let n = 0; n < 200; n++) out.byte(7);
    out.endSized(start);
  });
  assertEquals(bytes.slice(0, 5), [0xc8, 0x81, 0x80, 0x80, 0x00]);
  assertEquals(bytes.length, 205);
});

Deno.test("what is written is a module that runs", () => {
  const out = new WasmWriter(8);
  out.raw(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const section = (id: number, write: () => void) => {
    out.byte(id);
    const start = out.beginSized();
    write();
    out.endSized(start);
  };
  section(1, () => out.raw(Uint8Array.of(1, 0x60, 0, 1, 0x7e)));
  section(3, () => out.raw(Uint8Array.of(1, 0)));
  section(7, () => {
    out.unsigned(1);
    out.name("f");
    out.raw(Uint8Array.of(0, 0));
  });
  section(10, () => {
    out.unsigned(1);
    const body = out.beginSized();
    out.unsigned(0);
    out.i64Const(-(2 ** 35) - 5);
    out.byte(0x0b);
    out.endSized(body);
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(out.written.slice()));
  assertEquals((exports.f as () => bigint)(), -(2n ** 35n) - 5n);
});
