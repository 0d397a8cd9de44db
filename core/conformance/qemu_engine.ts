/**
 * QEMU as an {@link Engine}: RAM is a file, shared with the process, so that the image needs no
 * loader and the result no monitor.
 *
 * @module
 */

import type { Engine, RunOptions } from "./engine.ts";
import { ramSizeBytes } from "./layout.ts";

/** A QEMU program found on this computer. */
export interface Qemu {
  readonly program: string;
  readonly major: number;
  readonly version: string;
}

/** Looks for a QEMU that can be run; `undefined` if there is none or the permission is missing. */
export async function findQemu(program = "qemu-system-riscv64"): Promise<Qemu | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: ["--version"],
      stderr: "null",
    }).output();
    const version = /version (\d+)(\.\d+)+/.exec(new TextDecoder().decode(stdout));
    if (!success || !version) return undefined;
    const number = version[0].slice("version ".length);
    return { program, major: Number(version[1]), version: number };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return undefined;
    }
    throw error;
  }
}

/** The project's extensions in the words of each QEMU; everything else that is on by default goes off. */
function cpuModel({ major }: Qemu): string {
  const common = "rv64,h=on,sstc=on,svinval=on,svnapot=on,svpbmt=on,sscofpmf=off,v=off";
  if (major < 8) return `${common},Zfhmin=on`;
  return `${common},zfhmin=on,zicond=on,zicbom=on,zicboz=on,svadu=on,zfa=off,` +
    "zacas=off,zcmop=off,zimop=off,sdtrig=off";
}

/** {@link Engine} over a QEMU process. Needs permission to run it and to write to `directory`. */
export class QemuEngine implements Engine {
  readonly name: string;

  /** @param directory where the file for RAM goes; the default is the system's for temporary files */
  constructor(readonly qemu: Qemu, readonly directory?: string) {
    this.name = `qemu ${qemu.version}`;
  }

  async run(image: Uint8Array, options: RunOptions = {}): Promise<Uint8Array> {
    const ramFile = await Deno.makeTempFile({
      prefix: "himawari-conformance-",
      ...(this.directory === undefined ? {} : { dir: this.directory }),
    });
    try {
      await Deno.writeFile(ramFile, image);
      await Deno.truncate(ramFile, ramSizeBytes);
      await this.#runProcess(ramFile, options.timeoutMs ?? 60_000);
      return await readStart(ramFile, image.length);
    } finally {
      await Deno.remove(ramFile);
    }
  }

  async #runProcess(ramFile: string, timeoutMs: number): Promise<void> {
    const ram = `memory-backend-file,id=ram,size=${ramSizeBytes},mem-path=${ramFile},share=on`;
    const child = new Deno.Command(this.qemu.program, {
      args: [
        ...["-object", ram, "-machine", "virt,memory-backend=ram", "-m", `${ramSizeBytes >> 20}M`],
        ...["-cpu", cpuModel(this.qemu), "-smp", "1", "-accel", "tcg,thread=single"],
        ...["-bios", "none", "-display", "none", "-monitor", "none", "-serial", "none"],
        ...["-nodefaults"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill();
    }, timeoutMs);
    const { success, stderr } = await child.output();
    clearTimeout(timer);
    if (timedOut) {
      throw new Error(`${this.name} did not reach the test finisher in ${timeoutMs} ms`);
    }
    if (!success) throw new Error(`${this.name} failed: ${new TextDecoder().decode(stderr)}`);
  }
}

async function readStart(path: string, sizeBytes: number): Promise<Uint8Array> {
  const file = await Deno.open(path);
  try {
    const bytes = new Uint8Array(sizeBytes);
    let done = 0;
    while (done < sizeBytes) {
      const read = await file.read(bytes.subarray(done));
      if (read === null) throw new Error(`${path} ends after ${done} bytes`);
      done += read;
    }
    return bytes;
  } finally {
    file.close();
  }
}
