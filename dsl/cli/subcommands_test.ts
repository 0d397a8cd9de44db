import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { callCli } from "./cli_test_support.ts";
import { HELP } from "./help.ts";
import { chooseSubcommand, SUBCOMMANDS } from "./subcommands.ts";
import { UsageError } from "./user_error.ts";

function choice(...args: string[]): [string, ...string[]] {
  const { subcommand, rest } = chooseSubcommand(args);
  return [subcommand.name, ...rest];
}

Deno.test("the first word names the command; without one it is run", () => {
  assertEquals(choice(), ["run"]);
  assertEquals(choice("--elf", "x"), ["run", "--elf", "x"]);
  assertEquals(choice("run", "--elf", "x"), ["run", "--elf", "x"]);
  assertEquals(choice("cache", "ls", "--json"), ["cache", "ls", "--json"]);
  assertEquals(choice("--", "cache", "ls"), ["cache", "ls"]);
  assertEquals(choice(""), ["run", ""]);
});

Deno.test("a value that is a command's name is a value", () => {
  assertEquals(choice("--elf", "cache"), ["run", "--elf", "cache"]);
});

Deno.test("another word is a mistake; what looks like a file is left to run, which says so", () => {
  for (
    const [word, message] of [
      ["cahce", "cahce: no such command; did you mean cache?"],
      ["RUN", "RUN: no such command; did you mean run?"],
      ["frobnicate", "frobnicate: no such command; known are run, cache"],
    ] as const
  ) {
    const error = assertThrows(() => choice(word), UsageError);
    assertEquals(error.message, `${message} (--help lists the options)`);
  }
  assertEquals(choice("p.elf"), ["run", "p.elf"]);
});

Deno.test("run with and without the word is the same; help names every command", async () => {
  assertEquals(await callCli("--help"), { code: 0, stdout: HELP, stderr: "" });
  assertEquals(await callCli("run", "--help"), { code: 0, stdout: HELP, stderr: "" });
  assertEquals(await callCli("run", "--version"), await callCli("--version"));
  assertEquals(await callCli("run", "p.elf"), await callCli("p.elf"));
  for (const { name, summary } of SUBCOMMANDS) assertStringIncludes(HELP, `  ${name} `, summary);
  assertEquals(await callCli("cahce"), {
    code: 2,
    stdout: "",
    stderr: "himawari: cahce: no such command; did you mean cache? (--help lists the options)\n",
  });
});
