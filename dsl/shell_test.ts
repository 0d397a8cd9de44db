import { assertEquals, assertRejects } from "@std/assert";
import { MachineError } from "../vmm/verdict.ts";
import { fakeConsole, fakeShell } from "./fake_console_testing.ts";
import { PROMPT, Shell } from "./shell.ts";

Deno.test("busybox's prompts are recognised, at the end of the text only", () => {
  for (const prompt of ["~ # ", "/ # ", "/apps # ", "~/src # ", "~ $ "]) {
    assertEquals(PROMPT.test(prompt), true, prompt);
    assertEquals(PROMPT.test(`text\n${prompt}`), true, prompt);
    assertEquals(PROMPT.test(`${prompt}ls\n`), false, prompt);
  }
});

Deno.test("what only looks like a prompt is none", () => {
  for (const text of ["  Info: # ", "root: # ", "a ~ # ", "#", "# ", "~# ", "x / # "]) {
    assertEquals(PROMPT.test(text), false, text);
  }
});

Deno.test("a command's output and status are told from echo and prompt", async () => {
  const shell = new Shell(fakeConsole(
    "\nBusyBox\n\n~ # ",
    fakeShell((command) => ({ out: `ran ${command}\n~ # is not the prompt here\n`, code: 3 })),
  ));
  await shell.ready();
  assertEquals(await shell.sh`uname -a`, {
    code: 3,
    out: "ran uname -a\n~ # is not the prompt here",
  });
});

Deno.test("output need not end with a newline, and may be empty", async () => {
  const shell = new Shell(fakeConsole(
    "~ # ",
    fakeShell((command) => ({ out: command === "printf x" ? "x" : "", code: 0 })),
  ));
  assertEquals(await shell.sh`printf x`, { code: 0, out: "x" });
  assertEquals(await shell.sh`true`, { code: 0, out: "" });
});

Deno.test("a line that could end otherwise than meant is evaluated as one word", async () => {
  const ran: string[] = [];
  const shell = new Shell(fakeConsole(
    "~ # ",
    fakeShell((command) => {
      ran.push(command);
      return { out: "", code: 0 };
    }),
  ));
  await shell.run("sleep 9 &");
  await shell.run("ls # all");
  await shell.sh`echo ${"it's"}`;
  await shell.run("ls -l | wc > /tmp/x");
  assertEquals(ran, [
    "eval 'sleep 9 &'",
    "eval 'ls # all'",
    "eval 'echo '\\''it'\\''\\'\\'''\\''s'\\'''",
    "ls -l | wc > /tmp/x",
  ]);
});

Deno.test("kernel messages in the midst of marks do not hide them", async () => {
  const message = "[    1.234567] random: crng init done\r\n";
  const shell = new Shell(fakeConsole(
    "~ # ",
    () => `@1${message}<@\r\nout\r\n@1>${message}0@${message}\r\n~ # `,
  ));
  assertEquals(await shell.sh`true`, { code: 0, out: "out" });
});

Deno.test("an echo that wraps in the midst of a mark is no mark", async () => {
  const shell = new Shell(fakeConsole(
    'rest of a line: echo "@1<\n"@; x; echo "@1>"$\n?@\n',
    fakeShell(() => ({ out: "out\n", code: 0 })),
  ));
  assertEquals(await shell.sh`x`, { code: 0, out: "out" });
});

Deno.test("a line that the shell does not finish is explained", async () => {
  const syntaxError = new Shell(fakeConsole("", () => "@1<@\r\nsh: syntax error\r\n~ # "));
  const error = await assertRejects(
    () => syntaxError.run("if"),
    MachineError,
    'the end of command "if": the shell is at its prompt, but did not finish the line',
  );
  assertEquals(error.verdict, "virtual-timeout");

  const unfinished = new Shell(fakeConsole("", () => "> "));
  await assertRejects(() => unfinished.run("cat <<E"), MachineError, "a here-document?");

  const hanging = new Shell(fakeConsole("", () => "@1<@\r\n"));
  await assertRejects(
    () => hanging.run("sleep 99"),
    MachineError,
    'the end of command "sleep 99": nothing matched',
  );
});

Deno.test("a command is one printable line that can be typed", async () => {
  const shell = new Shell(fakeConsole("", fakeShell(() => ({ out: "", code: 0 }))));
  await assertRejects(() => shell.run(""), TypeError, "A command is empty");
  await assertRejects(() => shell.run("a\nb"), TypeError, 'has "\\n"');
  await assertRejects(() => shell.run("a\tb"), TypeError, 'has "\\t"');
  await assertRejects(
    () => shell.run(`echo ${"x".repeat(1000)}`),
    RangeError,
    "A command of 1005 characters is too long to be typed",
  );
});

Deno.test("another shell's prompt can be given", async () => {
  const shell = new Shell(
    fakeConsole("root@sid:~# ", fakeShell(() => ({ out: "", code: 0 }), "root@sid:~# ")),
    /root@\w+:\S*# $/,
  );
  await shell.ready();
  assertEquals(await shell.sh`true`, { code: 0, out: "" });
});

Deno.test("a prompt that was seen is waited for again only after something was typed", async () => {
  const console = fakeConsole("~ # ", () => "~ # ");
  const shell = new Shell(console);
  await shell.ready();
  await shell.ready();
  console.send("true\n");
  await shell.ready();
  assertEquals(console.transcript, "~ # true\n~ # ");
});
