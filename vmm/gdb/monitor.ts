/**
 * `monitor` commands: what our machine has to say that gdb has no words for.
 *
 * @module
 */

import { disassemble } from "../../core/isa/disassemble.ts";
import type { Machine } from "../machine.ts";
import { translate, type Translation, type WalkStep } from "../page_tables/translate.ts";
import { CodeWindow } from "./code_window.ts";
import { csrRegisters } from "./csr_registers.ts";
import { describeHart } from "./descriptions.ts";
import { hex, parseNumber } from "./hex.ts";
import { modeName } from "./mode_name.ts";

/** What a command works on. */
export interface MonitorContext {
  readonly machine: Machine;
  /** The hart that the client has chosen. */
  readonly hartId: number;
  /** Goes to an instruction, forwards or backwards. */
  goTo(instructions: number): Promise<void>;
}

interface Command {
  readonly usage: string;
  readonly help: string;
  run(context: MonitorContext, argument: string): string | Promise<string>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  help: { usage: "help", help: "what can be asked", run: () => helpText() },
  mode: {
    usage: "mode",
    help: "privilege mode and translation of each hart",
    run: ({ machine }) => eachHart(machine, modeText),
  },
  where: {
    usage: "where",
    help: "what each hart executes next",
    run: ({ machine }) => eachHart(machine, whereText),
  },
  translate: {
    usage: "translate ADDR",
    help: "the way of a virtual address of the present hart through both stages",
    run: translateText,
  },
  exits: {
    usage: "exits",
    help: "traps so far, and how many of them left a guest (VM exits)",
    run: ({ machine }) => eachHart(machine, exitsText),
  },
  csr: {
    usage: "csr NAME",
    help: "a CSR of the present hart, as M-mode reads it",
    run: csrText,
  },
  time: {
    usage: "time",
    help: "instructions executed and virtual time since power-on",
    run: ({ machine }) =>
      `${machine.instructions} instructions, ${machine.virtualMs.toFixed(6)} ms`,
  },
  goto: {
    usage: "goto N",
    help: "goes to where N instructions were executed, forwards or backwards",
    run: goToText,
  },
  hash: {
    usage: "hash",
    help: "SHA-256 over RAM, harts and clock",
    run: ({ machine }) => machine.stateHash(),
  },
};

/** Runs a command; the answer is what the client is shown. */
export async function monitor(context: MonitorContext, line: string): Promise<string> {
  const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    return name === "" ? helpText() : `Unknown command "${name}".\n${helpText()}`;
  }
  return await command.run(context, argument);
}

function helpText(): string {
  const commands = Object.values(COMMANDS);
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  return commands.map(({ usage, help }) => `monitor ${usage.padEnd(width)}  ${help}`).join("\n");
}

function eachHart(machine: Machine, text: (machine: Machine, hartId: number) => string): string {
  return Array.from(
    { length: machine.harts.hartCount },
    (_, hartId) => `hart ${hartId}: ${text(machine, hartId)}`,
  ).join("\n");
}

function modeText({ harts }: Machine, hartId: number): string {
  const { privilege, virtual } = harts.mode(hartId);
  const tables = privilege === 3 ? [] : virtual ? ["vsatp", "hgatp"] : ["satp"];
  const values = tables.map((name) => `, ${name} ${hex(harts.get(hartId, name))}`);
  return describeHart(harts, hartId) + values.join("");
}

function whereText({ harts }: Machine, hartId: number): string {
  const pc = harts.get(hartId, "pc");
  const { privilege, virtual } = harts.mode(hartId);
  const word = new CodeWindow(harts).next(hartId);
  const code = word === undefined ? "(no code there)" : disassemble(word, pc);
  return `${modeName(privilege, virtual)} ${hex(pc)}: ${code}`;
}

function exitsText({ harts }: Machine, hartId: number): string {
  const traps = harts.get(hartId, "trapsTaken");
  const exits = harts.get(hartId, "exitsToHypervisor");
  return `${traps} traps, of them ${exits} VM exits`;
}

function csrText({ machine, hartId }: MonitorContext, name: string): string {
  const found = csrRegisters.find((each) => each.name === name);
  if (found === undefined) return `No CSR "${name}"; info registers csr lists them`;
  return `${name} = ${hex(machine.harts.readCsr(hartId, found.address))}`;
}

async function goToText(context: MonitorContext, argument: string): Promise<string> {
  const target = /^\d{1,15}$/.test(argument) ? Number(argument) : undefined;
  if (target === undefined) return "monitor goto: give a number of instructions";
  await context.goTo(target);
  return `${context.machine.instructions} instructions executed; gdb does not know of it: ` +
    "enter `maintenance flush register-cache`";
}

function translateText({ machine, hartId }: MonitorContext, argument: string): string {
  const address = parseNumber(argument.replace(/^0x/i, ""));
  if (address === undefined) return "monitor translate: give an address in hexadecimal";
  const translation = translate(machine.harts, hartId, address);
  const steps = translation.steps.map(stepText);
  return [
    `hart ${hartId}, ${describeHart(machine.harts, hartId)}: ${hex(address)}`,
    ...steps,
    resultText(translation),
  ].join("\n");
}

function stepText({ stage, address, level, entryAddress, entry }: WalkStep): string {
  const flags = [..."VRWXUGAD"].map((flag, bit) => (entry >> BigInt(bit)) & 1n ? flag : "-");
  return `  ${stage.padEnd(2)} level ${level} of ${hex(address)}: entry at ${hex(entryAddress)} ` +
    `is ${hex(entry)} ${flags.reverse().join("")}`;
}

function resultText({ physical, guestPhysical, fault }: Translation): string {
  const guest = guestPhysical === undefined ? "" : `guest physical ${hex(guestPhysical)}, `;
  return `  ${guest}${physical === undefined ? `no way: ${fault}` : `physical ${hex(physical)}`}`;
}
