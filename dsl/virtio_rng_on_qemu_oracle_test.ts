/**
 * The same kernel says the same of our entropy device as of QEMU's.
 */
import { assertEquals } from "@std/assert";
import { fixture, hostRootFiles } from "../fixtures/mod.ts";
import { writeCpio } from "../vmm/initramfs/mod.ts";
import { Host } from "./host.ts";

const QEMU = "qemu-system-riscv64";
const TIMEOUT_MS = 120_000;
const DEVICE = "/sys/bus/virtio/devices/virtio0";

/** What the driver is seen to have done. */
const COMMANDS = [
  "cat /sys/class/misc/hw_random/rng_current",
  "cat /sys/class/misc/hw_random/rng_available",
  `cat ${DEVICE}/device ${DEVICE}/status ${DEVICE}/features`,
  `readlink ${DEVICE}/driver; readlink -f ${DEVICE}`,
  // Nothing: the driver has nothing to complain of.
  "dmesg | grep -v 'Machine model' | grep -i -e virtio -e hwrng -e hw_random",
  "grep -o 'SiFive.*virtio0' /proc/interrupts",
  "head -c 1000 /dev/hwrng | wc -c",
  // Of 1000 random bytes there is hardly one that is everywhere the same.
  "head -c 1000 /dev/hwrng | od -An -v -tx1 -w1 | sort -u | wc -l | sed 's/^2[0-9][0-9]$/many/'",
];

async function missing(): Promise<string | undefined> {
  const granted = await Deno.permissions.query({ name: "run", command: QEMU });
  if (granted.state !== "granted") return `no permission to run ${QEMU}, or it is not installed`;
  const write = await Deno.permissions.query({ name: "write", path: "/tmp" });
  if (write.state !== "granted") return "no permission to write temporary files";
  return undefined;
}

/** Boots QEMU's machine, types the commands, and answers what was printed between the marks. */
async function onQemu(commands: readonly string[]): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "virtio-rng-qemu-" });
  const file = async (name: string, bytes: Uint8Array) => {
    await Deno.writeFile(`${folder}/${name}`, bytes);
    return `${folder}/${name}`;
  };
  const child = new Deno.Command(QEMU, {
    args: [
      ...["-machine", "virt", "-cpu", "rv64,h=true", "-smp", "1", "-m", "256"],
      ...["-nographic", "-nodefaults", "-serial", "stdio"],
      ...["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-rng-device"],
      ...["-bios", await file("firmware", fixture("firmware"))],
      ...["-kernel", await file("kernel", fixture("kernel"))],
      ...["-initrd", await file("initrd", writeCpio(hostRootFiles()))],
      ...["-append", "console=ttyS0 quiet"],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).spawn();
  const writer = child.stdin.getWriter();
  let text = "";
  try {
    const answers: string[] = [];
    let asked = 0;
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part.replaceAll("\r", "").replaceAll("\x1b[6n", "");
      const mark = /<<<\n([^]*?)\n?>>>\n/.exec(text);
      if (mark !== null) {
        answers.push(mark[1]!);
        text = text.slice(mark.index + mark[0].length);
      } else if (asked > answers.length || !/~ # $/.test(text)) continue;
      if (answers.length === commands.length) return answers;
      if (asked > answers.length) continue;
      // In the echo the marks stand otherwise.
      const line = `echo '<'\\<\\<; ${commands[asked++]}; echo '>'\\>\\>\n`;
      await writer.write(new TextEncoder().encode(line));
    }
    throw new Error(`QEMU ended early; last:\n${text.slice(-2000)}`);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await writer.close().catch(() => {});
    await Deno.remove(folder, { recursive: true });
  }
}

const reason = await missing();
if (reason !== undefined) console.log(`virtio_rng on QEMU is ignored: ${reason}`);

Deno.test({
  name: "the kernel's driver takes our entropy device as it takes QEMU's",
  ignore: reason !== undefined,
  async fn() {
    const theirs = await onQemu(COMMANDS);
    using host = await Host.boot({ memMiB: 256 });
    const ours: string[] = [];
    for (const command of COMMANDS) {
      const { out } = await host.sh([command] as unknown as TemplateStringsArray);
      ours.push(out);
    }
    assertEquals(ours, theirs);
    assertEquals(ours.slice(0, 2), ["virtio_rng.0", "virtio_rng.0 none"]);
    assertEquals(ours.slice(-2), ["1000", "many"]);
  },
});
