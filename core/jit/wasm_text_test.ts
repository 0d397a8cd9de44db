import { assertEquals, assertThrows } from "@std/assert";
import { Type, Wasm, WasmWriter } from "./wasm_encoder.ts";
import { functionText, opcodeName, readFunctions } from "./wasm_text.ts";

Deno.test("every opcode that the translator knows has its name", () => {
  for (const [name, opcode] of Object.entries(Wasm)) {
    // i32_load8_s is i32.load8_s, local_get is local.get, br_if stays.
    const expected = name.replace(/^(i32|i64|f32|f64|local|global)_/, "$1.");
    assertEquals(opcodeName(opcode), expected);
  }
});

/** A module with one imported function, one memory, and one function of the given body. */
function moduleOf(body: (out: WasmWriter) => void): Uint8Array<ArrayBuffer> {
  const out = new WasmWriter();
  out.raw(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const section = (id: number, write: () => void) => {
    out.byte(id);
    const start = out.beginSized();
    write();
    out.endSized(start);
  };
  section(1, () => {
    out.raw(Uint8Array.of(2, 0x60, 2, Type.i32, Type.i64, 1, Type.i32, 0x60, 0, 0));
  });
  section(2, () => {
    out.unsigned(2);
    out.name("env");
    out.name("memory");
    out.raw(Uint8Array.of(2, 0, 1));
    out.name("hart");
    out.name("help");
    out.raw(Uint8Array.of(0, 1));
  });
  section(3, () => out.raw(Uint8Array.of(1, 0)));
  section(10, () => {
    out.unsigned(1);
    const start = out.beginSized();
    out.raw(Uint8Array.of(2, 2, Type.i64, 1, Type.f64)); // locals 2 to 4
    body(out);
    out.byte(Wasm.end);
    out.endSized(start);
  });
  return out.written.slice();
}

Deno.test("a function as text", () => {
  const bytes = moduleOf((out) => {
    out.begin(Wasm.block);
    out.begin(Wasm.loop);
    out.localGet(1);
    out.i64Const(-0x1234_5678_9abc);
    out.byte(Wasm.i64_add);
    out.localTee(2);
    out.byte(Wasm.i64_eqz);
    out.begin(Wasm.if);
    out.br(2);
    out.byte(Wasm.else);
    out.call(0);
    out.byte(Wasm.end);
    out.localGet(0);
    out.memory(Wasm.i32_load, 300);
    out.brIf(0);
    out.byte(Wasm.end);
    out.byte(Wasm.end);
    out.byte(Wasm.f64_const);
    out.raw(new Uint8Array(new Float64Array([1.5]).buffer));
    out.localSet(4);
    out.i32Const(-2147483648);
  });
  assertEquals(WebAssembly.validate(bytes), true);
  const [only, ...others] = readFunctions(bytes);
  assertEquals(others, []);
  assertEquals(
    functionText(only!),
    `(func (;1;) (param i32 i64) (result i32)
  (local i64 i64 f64)
  block
    loop
      local.get 1
      i64.const -20015998343868
      i64.add
      local.tee 2
      i64.eqz
      if
        br 2
      else
        call $help
      end
      local.get 0
      i32.load offset=300
      br_if 0
    end
  end
  f64.const 1.5
  local.set 4
  i32.const -2147483648
)`,
  );
});

Deno.test("offsets lead back to the opcodes", () => {
  const bytes = moduleOf((out) => {
    out.i32Const(0x7c); // the operand looks like an opcode
    out.byte(Wasm.i32_eqz);
  });
  const { instructions } = readFunctions(bytes)[0]!;
  assertEquals(instructions.map(({ text }) => text), ["i32.const 124", "i32.eqz", "end"]);
  assertEquals(instructions.map(({ offset, opcode }) => bytes[offset] === opcode), [
    true,
    true,
    true,
  ]);
});

Deno.test("what is unknown is refused, with its place", () => {
  const bytes = moduleOf((out) => out.byte(0xff));
  assertThrows(() => readFunctions(bytes), SyntaxError, "Unknown instruction 0xff at");
});
