/**
 * A console without a machine, for tests: a script answers each line that is typed.
 *
 * @module
 */

import { Console } from "../vmm/console.ts";
import { MachineError, type Verdict } from "../vmm/verdict.ts";

/** What a typed line, echoed already, makes the machine print. */
export type Answer = (line: string) => string;

/** Makes a console on which `answer` tells what comes after each line. It starts with `before`. */
export function fakeConsole(before: string, answer: Answer): Console {
  const port = {
    onTransmit: (_byte: number) => {},
    onRxRoom: () => {},
    rxRoom: 4096,
    receive(bytes: Uint8Array): number {
      for (const byte of bytes) typed += String.fromCharCode(byte);
      return bytes.length;
    },
  };
  let typed = "";
  let output = before;
  /** Moves whole typed lines to the output, echoed as a terminal does, and what they cause. */
  const work = () => {
    for (let end = typed.indexOf("\n"); end >= 0; end = typed.indexOf("\n")) {
      const line = typed.slice(0, end);
      typed = typed.slice(end + 1);
      output += `${line}\r\n${answer(line)}`;
    }
  };
  const failure = (verdict: Verdict, summary: string) =>
    new MachineError(summary, {
      verdict,
      virtualMs: 0,
      instructions: 0,
      lastLines: console.lastLines(10),
    });
  const console: Console = new Console({
    runUntil(wait) {
      work();
      while (output !== "" && !wait.isDone() && !wait.isRuledOut()) {
        const character = output[0]!;
        output = output.slice(1);
        for (const byte of new TextEncoder().encode(character)) port.onTransmit(byte);
        port.onRxRoom();
        work();
      }
      if (wait.isDone() || wait.isRuledOut()) return Promise.resolve();
      return Promise.reject(failure("virtual-timeout", `${wait.what}: nothing matched`));
    },
    stop() {},
    sent: () => false,
    failure,
  }, port);
  return console;
}

/** A busybox shell as far as tests need it: runs the line's parts with `run`, which may throw a status. */
export function fakeShell(
  run: (command: string) => { out: string; code: number },
  prompt = "~ # ",
): Answer {
  return (line) => {
    const match = /^echo "(@\d+<)"@; (.*); echo "(@\d+>)"\$\?@$/.exec(line);
    if (match === null) return `sh: not understood\r\n${prompt}\x1b[6n`;
    const { out, code } = run(match[2]!);
    return `${match[1]}@\r\n${out.replaceAll("\n", "\r\n")}${match[3]}${code}@\r\n${prompt}\x1b[6n`;
  };
}
