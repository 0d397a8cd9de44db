/**
 * The commands of gdb's remote protocol, by how their packets begin (gdb manual, E.2 to E.4).
 *
 * @module
 */

import type { Watchpoint } from "./breakpoints.ts";
import type { Debuggee } from "./debuggee.ts";
import { memoryMapXml, targetXml, threadsXml } from "./descriptions.ts";
import { describeHart } from "./descriptions.ts";
import {
  formatBytes,
  formatText,
  formatValue,
  parseBytes,
  parseNumber,
  parseSmall,
  valueOf,
} from "./hex.ts";
import { monitor } from "./monitor.ts";
import { MAX_PAYLOAD_BYTES } from "./packet.ts";
import { generalRegisters, registerOf } from "./registers.ts";
import {
  FAILED,
  MALFORMED,
  NO_MEMORY,
  NO_ROOM,
  NO_THREAD,
  OK,
  READ_ONLY,
  UNSUPPORTED,
} from "./reply.ts";
import { parseOldResume, parseVCont, type Resume } from "./resume_command.ts";
import { type Stop, stopReply } from "./stop.ts";
import { parseThread, threadOf } from "./thread_id.ts";

/** What a command can do besides answering. */
export interface Client {
  readonly debuggee: Debuggee;
  /** No more acknowledgements from now on. */
  leaveOutAcknowledgements(): void;
  /** Shows text on the client's console; only while it waits for the machine to stop. */
  print(text: string): void;
  /** The session is over when this command is answered. */
  end(how: "detached" | "killed"): void;
}

type Reply = string | undefined | Promise<string | undefined>;
/** Takes the packet without what it is recognised by; no answer if undefined. */
type Command = (client: Client, rest: string, packet: string) => Reply;

/** Two digits a byte, and a little room. */
const MAX_MEMORY_BYTES = MAX_PAYLOAD_BYTES / 2 - 16;
const FEATURES = [
  `PacketSize=${MAX_PAYLOAD_BYTES.toString(16)}`,
  "QStartNoAckMode+",
  "qXfer:features:read+",
  "qXfer:memory-map:read+",
  "qXfer:threads:read+",
  "ReverseStep+",
  "ReverseContinue+",
  "hwbreak+",
  "swbreak-",
  "vContSupported+",
];

/** The longest beginning that fits is the command. */
const COMMANDS: readonly (readonly [beginning: string, command: Command])[] = ([
  ["?", ({ debuggee }) => stopReply(debuggee.stop)],
  ["g", readGeneral],
  ["G", writeGeneral],
  ["p", readRegister],
  ["P", writeRegister],
  ["m", readMemory],
  ["M", writeMemory],
  ["X", writeBinary],
  ["Z", addBreakpoint],
  ["z", removeBreakpoint],
  ["H", chooseThread],
  ["T", isAlive],
  ["c", resumeOld],
  ["C", resumeOld],
  ["s", resumeOld],
  ["S", resumeOld],
  ["bs", stepBack],
  ["bc", runBack],
  ["D", detach],
  ["k", kill],
  ["vCont?", () => "vCont;c;C;s;S;r"],
  ["vCont;", resume],
  ["vKill;", kill],
  ["QStartNoAckMode", withoutAcknowledgements],
  ["qSupported", () => FEATURES.join(";")],
  ["qAttached", () => "1"],
  ["qC", ({ debuggee }) => `QC${threadOf(debuggee.hartId)}`],
  ["qCRC:", checksum],
  ["qSymbol:", () => OK],
  ["qfThreadInfo", listThreads],
  ["qsThreadInfo", () => "l"],
  ["qThreadExtraInfo,", describeThread],
  ["qRcmd,", runMonitor],
  ["qXfer:features:read:target.xml:", (_client, rest) => part(targetXml, rest)],
  ["qXfer:memory-map:read::", (_client, rest) => part(memoryMapXml, rest)],
  [
    "qXfer:threads:read::",
    ({ debuggee }, rest) => part(threadsXml(debuggee.harts), rest),
  ],
  ["qXfer:", () => "E00"],
] satisfies [string, Command][]).sort(([a], [b]) => b.length - a.length);

/** Executes a packet; answers with the payload of the reply, or with undefined if there is to be none. */
export function execute(client: Client, packet: string): Reply {
  const found = COMMANDS.find(([beginning]) => packet.startsWith(beginning));
  if (found === undefined) return UNSUPPORTED;
  const [beginning, command] = found;
  return command(client, packet.slice(beginning.length), packet);
}

// ---- Registers ----

function readGeneral({ debuggee }: Client): string {
  return generalRegisters.map((register) =>
    formatValue(debuggee.readRegister(register), register.sizeBytes)
  ).join("");
}

function writeGeneral({ debuggee }: Client, rest: string): string {
  const bytes = parseBytes(rest);
  if (bytes === undefined || bytes.length === 0 || bytes.length % 8 !== 0) return MALFORMED;
  if (bytes.length > 8 * generalRegisters.length) return MALFORMED;
  for (let at = 0; at < bytes.length; at += 8) {
    debuggee.writeRegister(generalRegisters[at / 8]!, valueOf(bytes.subarray(at, at + 8)));
  }
  return OK;
}

function readRegister({ debuggee }: Client, rest: string): string {
  const number = parseSmall(rest, 0xffff);
  const register = number === undefined ? undefined : registerOf(number);
  if (register === undefined) return MALFORMED;
  return formatValue(debuggee.readRegister(register), register.sizeBytes);
}

function writeRegister({ debuggee }: Client, rest: string): string {
  const [first, second] = rest.split("=");
  const number = parseSmall(first, 0xffff);
  const register = number === undefined ? undefined : registerOf(number);
  const bytes = parseBytes(second ?? "");
  if (register === undefined || bytes?.length !== register.sizeBytes) return MALFORMED;
  return debuggee.writeRegister(register, valueOf(bytes)) ? OK : READ_ONLY;
}

// ---- Memory ----

/** `addr,length`. */
function parseRange(text: string, most: number): { address: bigint; length: number } | undefined {
  const [first, second, ...others] = text.split(",");
  const address = parseNumber(first);
  const length = parseSmall(second, most);
  if (address === undefined || length === undefined || others.length > 0) return undefined;
  return { address, length };
}

function readMemory({ debuggee }: Client, rest: string): string {
  const range = parseRange(rest, 0xffff_ffff);
  if (range === undefined) return MALFORMED;
  const { address, length } = range;
  const bytes = debuggee.read(address, Math.min(length, MAX_MEMORY_BYTES));
  return bytes.length === 0 && length > 0 ? NO_MEMORY : formatBytes(bytes);
}

function writeMemory(client: Client, rest: string): string {
  const [place = "", text, ...others] = rest.split(":");
  const bytes = text === undefined || others.length > 0 ? undefined : parseBytes(text);
  return writeTo(client, place, bytes);
}

function writeBinary(client: Client, rest: string): string {
  const colon = rest.indexOf(":");
  if (colon < 0) return MALFORMED;
  const data = rest.slice(colon + 1);
  return writeTo(
    client,
    rest.slice(0, colon),
    Uint8Array.from(data, (character) => character.charCodeAt(0)),
  );
}

function writeTo({ debuggee }: Client, place: string, bytes: Uint8Array | undefined): string {
  const range = parseRange(place, MAX_PAYLOAD_BYTES);
  if (range === undefined || bytes?.length !== range.length) return MALFORMED;
  return debuggee.write(range.address, bytes) ? OK : NO_MEMORY;
}

/** CRC-32 as gdb's `compare-sections` has it: polynomial 0x04c11db7, from the highest bit on, not inverted. */
function checksum({ debuggee }: Client, rest: string): string {
  const MOST = 1 << 24;
  const range = parseRange(rest, MOST);
  if (range === undefined) return MALFORMED;
  const bytes = debuggee.read(range.address, range.length);
  if (bytes.length < range.length) return NO_MEMORY;
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return `C${(crc >>> 0).toString(16)}`;
}

// ---- Breakpoints ----

const WATCH_KINDS = { "2": "write", "3": "read", "4": "access" } as const;
const MOST_WATCHED_BYTES = 1 << 20;

/** `type,addr,kind`: for breakpoints the kind is the instruction's length, which is of no concern. */
function parseBreakpoint(
  text: string,
): { address: bigint; watchpoint: Watchpoint | undefined } | undefined {
  // Conditions and commands behind a semicolon are not offered, so nobody sends them.
  const match = /^([0-4]),([0-9a-f]{1,16}),([0-9a-f]{1,8})$/i.exec(text);
  if (match === null) return undefined;
  const [, type, place, size] = match;
  const address = BigInt(`0x${place}`);
  if (type === "0" || type === "1") return { address, watchpoint: undefined };
  const sizeBytes = parseSmall(size, MOST_WATCHED_BYTES);
  if (sizeBytes === undefined || sizeBytes === 0) return undefined;
  const kind = WATCH_KINDS[type as keyof typeof WATCH_KINDS];
  return { address, watchpoint: { kind, address, sizeBytes } };
}

function addBreakpoint({ debuggee: { breakpoints } }: Client, rest: string): string {
  const parsed = parseBreakpoint(rest);
  if (parsed === undefined) return MALFORMED;
  const { address, watchpoint } = parsed;
  const isAdded = watchpoint === undefined
    ? breakpoints.add(address)
    : breakpoints.watch(watchpoint);
  return isAdded ? OK : NO_ROOM;
}

function removeBreakpoint({ debuggee: { breakpoints } }: Client, rest: string): string {
  const parsed = parseBreakpoint(rest);
  if (parsed === undefined) return MALFORMED;
  const { address, watchpoint } = parsed;
  if (watchpoint === undefined) breakpoints.remove(address);
  else breakpoints.unwatch(watchpoint);
  return OK;
}

// ---- Threads ----

function chooseThread({ debuggee }: Client, rest: string): string {
  const operation = rest[0];
  const hart = parseThread(rest.slice(1), debuggee.harts.hartCount);
  if (operation !== "g" && operation !== "c") return MALFORMED;
  if (hart === undefined) return NO_THREAD;
  // Which hart a step is of is said by vCont; `Hc` is for clients without, and they mean the same hart.
  if (typeof hart === "number") debuggee.hartId = hart;
  return OK;
}

function isAlive({ debuggee }: Client, rest: string): string {
  return typeof parseThread(rest, debuggee.harts.hartCount) === "number" ? OK : NO_THREAD;
}

function listThreads({ debuggee }: Client): string {
  const ids = Array.from({ length: debuggee.harts.hartCount }, (_, hartId) => threadOf(hartId));
  return `m${ids.join(",")}`;
}

function describeThread({ debuggee }: Client, rest: string): string {
  const hart = parseThread(rest, debuggee.harts.hartCount);
  if (typeof hart !== "number") return NO_THREAD;
  return formatText(describeHart(debuggee.harts, hart));
}

// ---- Execution ----

function resume(client: Client, rest: string): Reply {
  const { hartId, harts } = client.debuggee;
  return goOn(client, parseVCont(rest, hartId, harts.hartCount));
}

function resumeOld(client: Client, _rest: string, packet: string): Reply {
  return goOn(client, parseOldResume(packet, client.debuggee.hartId));
}

function goOn(client: Client, command: Resume | undefined): Reply {
  if (command === undefined) return MALFORMED;
  const { debuggee } = client;
  if (command.pc !== undefined) debuggee.writeRegister(registerOf(32)!, command.pc);
  return run(client, () => debuggee.forward(command.step));
}

function stepBack(client: Client, rest: string): Reply {
  const { debuggee } = client;
  if (rest !== "") return MALFORMED;
  return goBack(client, () => debuggee.backward(debuggee.hartId));
}

function runBack(client: Client, rest: string): Reply {
  if (rest !== "") return MALFORMED;
  return goBack(client, () => client.debuggee.backward());
}

function goBack(client: Client, start: () => Promise<Stop>): Reply {
  const reason = client.debuggee.whyNoHistory;
  if (reason !== undefined) client.print(`Cannot go backwards: ${reason}\n`);
  return run(client, start);
}

async function run(client: Client, start: () => Promise<Stop>): Promise<string> {
  const { debuggee } = client;
  let stop: Stop;
  try {
    stop = await start();
  } catch (error) {
    client.print(`The machine cannot go on: ${messageOf(error)}\n`);
    stop = debuggee.stop;
  }
  if (stop.type === "idle") {
    client.print("Every hart waits for an interrupt, and none can come without input.\n");
  }
  return stopReply(stop);
}

function detach(client: Client): string {
  client.debuggee.breakpoints.clear();
  client.end("detached");
  return OK;
}

function kill(client: Client, _rest: string, packet: string): string | undefined {
  client.debuggee.breakpoints.clear();
  client.end("killed");
  return packet.startsWith("v") ? OK : undefined;
}

// ---- The rest ----

function withoutAcknowledgements(client: Client): string {
  client.leaveOutAcknowledgements();
  return OK;
}

/** `offset,length` of a document. */
function part(document: string, text: string): string {
  const range = parseRange(text, 0xffff_ffff);
  if (range === undefined || range.address > BigInt(document.length)) return MALFORMED;
  const start = Number(range.address);
  const end = start + Math.min(range.length, MAX_MEMORY_BYTES);
  return (end < document.length ? "m" : "l") + document.slice(start, end);
}

async function runMonitor(client: Client, rest: string): Promise<string> {
  const { debuggee } = client;
  const bytes = parseBytes(rest);
  if (bytes === undefined) return MALFORMED;
  const context = {
    machine: debuggee.machine,
    hartId: debuggee.hartId,
    goTo: (instructions: number) => debuggee.goTo(instructions),
  };
  try {
    client.print(`${await monitor(context, new TextDecoder().decode(bytes))}\n`);
    return OK;
  } catch (error) {
    client.print(`${messageOf(error)}\n`);
    return FAILED;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
