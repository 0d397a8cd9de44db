/**
 * lkvm is a KVM client like any other: the same host and guest must run on QEMU's `virt`, whose KVM knows
 * nothing of our machine.
 */
import { assertMatch } from "@std/assert";
import { fixture, hostRootFiles } from "../fixtures/mod.ts";
import { writeCpio } from "../vmm/initramfs/mod.ts";

const QEMU = "qemu-system-riscv64";
const TIMEOUT_MS = 300_000;
const COMMAND = "./apps/lkvm-static run -m 128 -c 2 --console serial " +
  '-p "console=ttyS0 earlycon=uart8250,mmio,0x3f8" -k ./apps/Image';

async function missing(): Promise<string | undefined> {
  const granted = await Deno.permissions.query({ name: "run", command: QEMU });
  if (granted.state !== "granted") return `no permission to run ${QEMU}, or it is not installed`;
  const write = await Deno.permissions.query({ name: "write", path: "/tmp" });
  if (write.state !== "granted") return "no permission to write temporary files";
  return undefined;
}

/** QEMU's serial line: what came, and waiting for more. */
class SerialLine {
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #text = "";

  constructor(child: Deno.ChildProcess) {
    this.#reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer = child.stdin.getWriter();
  }

  /** Reads until `pattern` has come, and consumes it with what stood before. */
  async expect(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) {
        const end = match.index + match[0].length;
        const consumed = this.#text.slice(0, end);
        this.#text = this.#text.slice(end);
        return consumed;
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`QEMU ended before ${pattern}; last:\n${this.#text.slice(-2000)}`);
      this.#text += value.replaceAll("\r", "").replaceAll("\x1b[6n", "");
    }
  }

  async send(line: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }
}

const reason = await missing();
if (reason !== undefined) console.log(`lkvm on QEMU is ignored: ${reason}`);

Deno.test({
  name: "lkvm boots a guest on QEMU as it does on our machine",
  ignore: reason !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lkvm-qemu-" });
    const file = async (name: string, bytes: Uint8Array) => {
      await Deno.writeFile(`${folder}/${name}`, bytes);
      return `${folder}/${name}`;
    };
    const child = new Deno.Command(QEMU, {
      args: [
        ...["-machine", "virt", "-cpu", "rv64,h=true", "-smp", "2", "-m", "512"],
        ...["-nographic", "-nodefaults", "-serial", "stdio"],
        ...["-bios", await file("firmware", fixture("firmware"))],
        ...["-kernel", await file("kernel", fixture("kernel"))],
        ...["-initrd", await file("initrd", writeCpio(hostRootFiles()))],
        ...["-append", "console=ttyS0"],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).spawn();
    try {
      const line = new SerialLine(child);
      await line.expect(/~ # $/);
      await line.send(COMMAND);
      const boot = await line.expect(/Mounting\.\.\.[^]*\/ # $/);
      assertMatch(boot, /Info: # lkvm run -k \.\/apps\/Image -m 128 -c 2 --name guest-\d+/);
      assertMatch(boot, /smp: Brought up 1 node, 2 CPUs/);
      assertMatch(boot, /hypervisor extension not available/);
      assertMatch(boot, /Got DHCP answer from 192\.168\.33\.1, my address is 192\.168\.33\.15/);
      assertMatch(boot, /VFS: Mounted root \(9p filesystem\)/);
      await line.send("uname -m");
      await line.expect(/\nriscv64\n/);
      await line.send("poweroff -f");
      await line.expect(/# KVM session ended normally\.\n/);
      await line.expect(/~ # $/);
      await line.send('echo "status "$?');
      await line.expect(/\nstatus 0\n/);
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await child.stdin.close().catch(() => {});
      await child.stdout.cancel().catch(() => {});
      await Deno.remove(folder, { recursive: true });
    }
  },
});
