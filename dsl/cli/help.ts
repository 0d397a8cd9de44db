/**
 * What `--help` prints.
 *
 * @module
 */

import { commandLine, optionLines } from "./help_lines.ts";
import { OPTIONS } from "./option_table.ts";
import { SUBCOMMANDS } from "./subcommands.ts";

/** The help text of `himawari`, which is that of `himawari run`. */
export const HELP = `Runs a RISC-V machine (RV64GC with H) in this terminal.

  deno task run -- [options]              boot Linux; without options, the one in fixtures/
  deno task run -- --elf FILE [options]   run a bare-metal program
  deno task run -- COMMAND --help         about another command

Commands; run may be left out:
${SUBCOMMANDS.map(commandLine).join("\n")}

Options of run:
${OPTIONS.map(optionLines).join("\n")}

Keys, on a terminal: Ctrl-A x ends the machine, Ctrl-A Ctrl-A sends one Ctrl-A (lkvm in the
machine has the same escape key), Ctrl-A h lists the keys; all others, Ctrl-C too, go to the
machine. From a pipe or file every byte goes to the machine, once it has first had nothing to do
for 100 ms, as at a prompt, or after 10 s; the end of input does not end it. --elf takes no input.

Time: an interactive machine's clock does not run ahead of the wall clock, so that sleeping takes
as long as it says and an idle machine needs no processor. What you type comes at some point of
virtual time, so no two such runs are equal. --elf waits for nothing and always runs the same.

Traces: traps are written as QEMU's -d int writes them, instructions one a line with hart, mode,
address and disassembly. To compare with QEMU 7.2, see dsl/cli/compare_traces.ts.

Exit codes:
  0      the machine was powered off or passed; Ctrl-A x
  1      something could not be read, written or run; the guest failed with code 0
  2      the command line is wrong
  124    --max-instructions were executed
  128+n  ended by signal n
  other  the guest's code: the test finisher's (code << 16 | 0x3333), or tohost's
         (code << 1 | 1); 255 if it is larger
`;
