import { assert, assertStringIncludes } from "@std/assert";
import { HELP } from "./help.ts";
import { OPTIONS } from "./option_table.ts";

Deno.test("help names every option, in lines that fit", () => {
  for (const { name } of OPTIONS) assertStringIncludes(HELP, ` --${name}`);
  for (const line of HELP.split("\n")) assert(line.length <= 100, line);
});
