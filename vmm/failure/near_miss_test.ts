import { assertEquals } from "@std/assert";
import { describeNearMiss, findNearMiss } from "./near_miss.ts";

const LOG = [
  "OpenSBI v1.6",
  "[    0.006412] Memory: 56228K/65536K available (4109K kernel code)",
  "[    0.012000] smp: Brought up 1 node, 2 CPUs",
  "Wellcome to nowhere",
  "login:\troot",
].map((text, n) => ({ text, at: { nowNs: (n + 1) * 1_500_000, instructions: 1 } }));

function nearest(...patterns: (string | RegExp)[]): string[] | undefined {
  const miss = findNearMiss(patterns, { lines: LOG });
  return miss && describeNearMiss(miss);
}

Deno.test("a text: the line that is most like it, with what differs marked", () => {
  assertEquals(nearest("Welcome to nowhere"), [
    "nearest to it, printed at 6.000 ms:",
    "  expected | Welcome to nowhere",
    "  printed  | Wellcome to nowhere",
    "           |   ^",
  ]);
  assertEquals(nearest("1 node, 4 CPUs"), [
    "nearest to it, printed at 4.500 ms:",
    "  expected | 1 node, 4 CPUs",
    "  printed  | [    0.012000] smp: Brought up 1 node, 2 CPUs",
    "           |                                        ^",
  ]);
});

Deno.test("what cannot be seen is spelled out, and marks are below it", () => {
  assertEquals(nearest("login: root"), [
    "nearest to it, printed at 7.500 ms:",
    "  expected | login: root",
    "  printed  | login:\troot",
    "           |       ^",
  ]);
  assertEquals(nearest("nowhere\nlogin: root"), [
    "nearest to it, printed at 6.000 ms:",
    "  expected | nowhere\\nlogin: root",
    "  printed  | Wellcome to nowhere\\nlogin:\troot",
    "           |                            ^",
  ]);
});

Deno.test("a regular expression: the longest beginning that matches", () => {
  assertEquals(nearest(/Memory: (\d+)K\/(\d+)MB available/), [
    "nearest to it, printed at 3.000 ms:",
    "  matched  | /Memory: (\\d+)K\\/(\\d+)/",
    "  not      | /MB available/",
    "  printed  | [    0.006412] Memory: 56228K/65536K available (4109K kernel code)",
    "           |                                    ^",
  ]);
  assertEquals(nearest(/^(?:foo|bar)|smp: [A-Z]\w+ down/m), [
    "nearest to it, printed at 4.500 ms:",
    "  matched  | /smp: [A-Z]\\w+ /",
    "  not      | /down/",
    "  printed  | [    0.012000] smp: Brought up 1 node, 2 CPUs",
    "           |                             ^",
  ]);
});

Deno.test("a beginning that goes on over the line's end", () => {
  assertEquals(nearest(/2 CPUs\nWell\nthen/), [
    "nearest to it, printed at 4.500 ms:",
    "  matched  | /2 CPUs\\nWell/",
    "  not      | /\\nthen/",
    "  printed  | [    0.012000] smp: Brought up 1 node, 2 CPUs\\nWellcome to nowhere",
    "           |                                                    ^",
  ]);
});

Deno.test("of several patterns, the one that came nearest", () => {
  const miss = findNearMiss(["xyz nothing like it", "OpenSBI v1.7", /Open/], { lines: LOG });
  assertEquals(miss?.pattern, "OpenSBI v1.7");
});

Deno.test("what is not near is none", () => {
  assertEquals(nearest("something else altogether"), undefined);
  assertEquals(nearest("x"), undefined);
  assertEquals(nearest(/q\w+/), undefined);
  assertEquals(findNearMiss(["abc"], { lines: [] }), undefined);
  assertEquals(findNearMiss([/ab+c/], { lines: [] }), undefined);
});
