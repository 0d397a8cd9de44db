import { assertEquals } from "@std/assert";
import { type Assembler, reg } from "../../core/conformance/assembler.ts";
import { callCli, finish, makeProgram } from "./cli_test_support.ts";
import { compareTraces } from "./compare_traces.ts";

const QEMU = "qemu-system-riscv64";
const MTVEC = 0x305, MEPC = 0x341, MSTATUS = 0x300;

/** Major version of QEMU, if it is there. */
function qemuVersion(): number | undefined {
  try {
    const { stdout } = new Deno.Command(QEMU, { args: ["--version"] }).outputSync();
    return Number(/version (\d+)/.exec(new TextDecoder().decode(stdout))?.[1]);
  } catch {
    return undefined;
  }
}

const version = qemuVersion();
if (version === undefined) console.log(`traces are not compared: ${QEMU} is not installed`);

/**
 * Exceptions of several kinds, and a loop. No `ebreak`: `mtval` may then be 0, as in QEMU 7.2, or its
 * address, as ours (Privileged 1.12, 3.1.16).
 */
function exceptions(assembler: Assembler): void {
  assembler.address(reg.t0, "handler").op("csrrw", 0, MTVEC, reg.t0);
  assembler.word(0).op("ecall");
  assembler.constant(reg.t1, 8n).op("lw", reg.t1, 0, reg.t1);
  assembler.constant(reg.t1, 20n).label("loop").op("addi", reg.t1, reg.t1, -1);
  assembler.branch("bne", reg.t1, reg.zero, "loop");
  finish(assembler, 0x5555);
  assembler.half(1);
  while (assembler.here % 4 !== 0) assembler.half(1);
  assembler.label("handler").op("csrrs", reg.t2, MEPC, 0).op("addi", reg.t2, reg.t2, 4);
  assembler.op("csrrw", 0, MEPC, reg.t2);
  assembler.constant(reg.t2, 0x1800n).op("csrrs", 0, MSTATUS, reg.t2).op("mret");
}

async function* fileLines(path: string): AsyncGenerator<string> {
  yield* (await Deno.readTextFile(path)).split("\n");
}

Deno.test({
  name: "our trace of a program agrees with QEMU's, line by line",
  ignore: version === undefined,
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      const [elf, own, theirs] = [`${dir}/p.elf`, `${dir}/own.log`, `${dir}/qemu.log`];
      await Deno.writeFile(elf, makeProgram(exceptions));
      assertEquals((await callCli("--elf", elf, "--trace", own)).code, 0);
      const oneByOne = version! < 8 ? ["-singlestep"] : ["-accel", "tcg,one-insn-per-tb=on"];
      const { code } = await new Deno.Command(QEMU, {
        args: [
          ..."-M virt -m 128 -bios none -display none -serial null -monitor none".split(" "),
          ...["-kernel", elf, ...oneByOne, "-d", "exec,nochain,int", "-D", theirs],
        ],
      }).output();
      assertEquals(code, 0);
      const { compared, difference } = await compareTraces(fileLines(own), fileLines(theirs));
      assertEquals(difference, undefined);
      const instructions = (await Deno.readTextFile(own)).match(/^Trace 0: M 0x00000000800/gm)!;
      const traps = (await Deno.readTextFile(own)).match(/^riscv_cpu_do_interrupt/gm)!;
      assertEquals(traps.length, 3);
      assertEquals(compared.get(0), instructions.length + traps.length);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
