/**
 * The main job, shown: builds a machine, boots host Linux, runs `lkvm` with a guest, asserts on the
 * guest's console until its shell answers and powers off, and sums up.
 *
 * What the console prints goes to standard output as it comes, dimmed on a terminal; what the demo
 * itself has to say stands between. Exit code 0, or 1 with the error if anything was not as expected.
 *
 * @module
 */

import { MachineError } from "../vmm/verdict.ts";
import { Host } from "./host.ts";

const COMMAND = "./apps/lkvm-static run -m 256 -c 2 --console serial " +
  '-p "console=ttyS0 earlycon=uart8250,mmio,0x3f8" -k ./apps/Image';

/** What a guest must print on its way to the shell. */
const GUEST_MILESTONES = [
  "earlycon: uart8250 at MMIO 0x00000000000003f8",
  "smp: Brought up 1 node, 2 CPUs",
  "kvm [1]: hypervisor extension not available",
  "IP-Config: Got DHCP answer from 192.168.33.1, my address is 192.168.33.15",
  "Run /virt/init as init process",
  "Mounting...\n",
];

/** Writes to standard output: the console's bytes as they are, and headings. */
class Display {
  readonly #isTerminal = Deno.stdout.isTerminal();
  readonly #line: number[] = [];

  /** Shows a console byte. Lines are written whole, or a system call a byte would cost more. */
  byte(byte: number): void {
    this.#line.push(byte);
    if (byte === 0x0a) this.flush();
  }

  /** Shows what has no line end yet. */
  flush(): void {
    if (this.#line.length === 0) return;
    // The shell asks where the cursor is; a terminal would answer into the user's next command.
    const text = new TextDecoder().decode(Uint8Array.from(this.#line)).replaceAll("\x1b[6n", "");
    this.#line.length = 0;
    this.#write(this.#isTerminal ? `\x1b[2m${text}\x1b[0m` : text);
  }

  /** Says what the demo does. */
  say(text: string): void {
    this.flush();
    this.#write(this.#isTerminal ? `\n\x1b[1;33m== ${text}\x1b[0m\n` : `\n== ${text}\n`);
  }

  #write(text: string): void {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  }
}

/** Runs the flow; answers what the guest said. */
async function run(host: Host, display: Display): Promise<string> {
  const { machine } = host;
  display.say(`Power on: device tree of ${machine.dtb.length} bytes, OpenSBI, host Linux`);
  await host.console.expect("kvm [1]: hypervisor extension available");
  await host.prompt();

  display.say(`Host prompt after ${millions(machine.instructions)}: ${COMMAND}`);
  const before = machine.instructions;
  const guest = await host.lkvm(COMMAND);
  for (const milestone of GUEST_MILESTONES) await guest.console.expect(milestone);
  await guest.prompt();

  display.say(
    `Guest prompt after ${millions(machine.instructions - before)} more: a command in it`,
  );
  const { code, out } = await guest.sh`uname -nrm`;
  if (code !== 0 || !out.endsWith(" riscv64")) {
    throw new Error(`The guest's uname answered ${JSON.stringify(out)}, exit status ${code}`);
  }

  display.say("Power the guest off; the host is back");
  const exitStatus = await guest.powerOff();
  if (exitStatus !== 0) throw new Error(`lkvm ended with exit status ${exitStatus}`);
  display.flush();
  return out;
}

function millions(instructions: number): string {
  return `${(instructions / 1e6).toFixed(0)} million instructions`;
}

async function main(): Promise<number> {
  const display = new Display();
  const start = performance.now();
  try {
    using host = await Host.create({
      harts: 2,
      memMiB: 512,
      onConsoleByte: (byte) => display.byte(byte),
    });
    const answer = await run(host, display);
    const wallSeconds = (performance.now() - start) / 1e3;
    const { instructions, virtualMs } = host.machine;
    const mips = instructions / 1e6 / wallSeconds;
    display.say(
      `The guest answered: ${answer}\n` +
        `   ${instructions} instructions, ${(virtualMs / 1e3).toFixed(3)} s of virtual time, ` +
        `${wallSeconds.toFixed(1)} s of wall time, ${mips.toFixed(0)} MIPS`,
    );
    return 0;
  } catch (error) {
    display.flush();
    if (!(error instanceof Error)) throw error;
    // A machine's verdict is the message; of our own mistakes the stack matters.
    console.error(`\ndemo: ${error instanceof MachineError ? error.message : error.stack}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
