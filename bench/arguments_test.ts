import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { isSelected, parseArguments } from "./arguments.ts";

const MEASURES = ["cpu/sieve", "cpu/crc", "flow", "flow-2"];

function parse(...args: string[]) {
  return parseArguments(args, MEASURES);
}

Deno.test("defaults", () => {
  assertEquals(parse(), {
    pairs: 5,
    only: [],
    qemus: [],
    jit: "default",
    guests: 50,
    timeoutSeconds: 600,
    list: false,
    help: false,
  });
});

Deno.test("every option", () => {
  assertEquals(
    parse(
      ...["--pairs", "3", "--only=cpu", "--only", "flow", "--qemu", "/q", "--qemu=/r"],
      ...["--jit", "20", "--guests=4", "--timeout", "1.5"],
    ),
    {
      pairs: 3,
      only: ["cpu", "flow"],
      qemus: ["/q", "/r"],
      jit: "20",
      guests: 4,
      timeoutSeconds: 1.5,
      list: false,
      help: false,
    },
  );
  assert(parse("--list").list);
  assert(parse("--help").help);
});

Deno.test("the option names QEMU before the environment does; an empty variable is none", () => {
  assertEquals(parseArguments(["--qemu", "/a"], MEASURES, "/b").qemus, ["/a"]);
  assertEquals(parseArguments([], MEASURES, "/b").qemus, ["/b"]);
  assertEquals(parseArguments([], MEASURES, "").qemus, []);
});

Deno.test("numbers are positive, pairs whole", () => {
  for (const text of ["0", "-1", "1.5", "many", " ", "1e9"]) {
    assertThrows(() => parse(`--pairs=${text}`), TypeError, "expected a positive whole number");
  }
  assertThrows(() => parse("--timeout=0"), TypeError, "expected a positive number");
});

Deno.test("what is not known is refused", () => {
  assertThrows(() => parse("--fast"), TypeError, "unknown argument --fast");
  assertThrows(() => parse("flow"), TypeError, "unknown argument flow");
  assertThrows(() => parse("--only", "fl"), TypeError, "no measure fl; there are: cpu/sieve");
  assertThrows(() => parse("--pairs"), TypeError, "--pairs needs a value");
  assertThrows(() => parse("--only"), TypeError, "--only needs a value");
  assertThrows(() => parse("--jit=off", "--jit=1"), TypeError, "--jit given twice");
  assertThrows(() => parse("--jit=on"), RangeError, '--jit="on": give off, always, default');
});

Deno.test("a measure is selected by its name or its group, not by a part of either", () => {
  assert(isSelected("flow", []));
  assert(isSelected("cpu/crc", ["cpu"]));
  assert(isSelected("cpu/crc", ["flow", "cpu/crc"]));
  assertFalse(isSelected("flow-2", ["flow"]));
  assertFalse(isSelected("cpu/crc", ["cpu/c"]));
});

Deno.test("dashes that a task runner hands on are skipped", () => {
  assertEquals(parseArguments(["--", "--help"], ["cpu"]).help, true);
});
