// Holds the instruction table against GNU binutils: every 16-bit word, random operands of every
// 32-bit row, the same with a bit flipped, and random words, in one run of as and objdump.

import { assert, assertEquals } from "@std/assert";
import { csrNames } from "./csr_names.ts";
import { lookUp } from "./decode.ts";
import { disassemble } from "./disassemble.ts";
import { instructions } from "./mod.ts";

const AS = "riscv64-linux-gnu-as";
const OBJDUMP = "riscv64-linux-gnu-objdump";
const SCRATCH = "/tmp";

/** What binutils 2.40 knows of the table; objdump reads it from the object file's attributes. */
const ARCH = "rv64imafdch_zicsr_zifencei_zfhmin_zba_zbb_zbc_zbs_zicbom_zicbop_zicboz" +
  "_zawrs_svinval_zihintpause";

/** Rows that are not compared, with the reason. */
const SKIPPED: Readonly<Record<string, string>> = {
  "czero.eqz": "binutils 2.40 does not know Zicond",
  "czero.nez": "binutils 2.40 does not know Zicond",
};

/** Words that objdump takes for an instruction and the table rightly does not, with the reason. */
const NO_INSTRUCTIONS: ReadonlyMap<number, string> = new Map([
  [0x0000, "c.unimp is GNU's name of the word that is defined illegal"],
  [0x6101, "c.addi16sp with an immediate of 0 is reserved"],
  [0x00200073, "uret belonged to the N extension, which was withdrawn"],
  [0x20200073, "hret belonged to privileged architecture 1.9"],
  [0x10400073, "sfence.vm belonged to privileged architecture 1.9"],
]);

/** Why a word's text differs from objdump's; `undefined` when it must not. */
function knownDifference(word: number): string | undefined {
  const row = lookUp(word);
  if (row === undefined) return NO_INSTRUCTIONS.get(word);
  if (SKIPPED[row.name] !== undefined) return SKIPPED[row.name];
  const rd = (word >>> 7) & 31;
  const rs1 = (word >>> 15) & 31;
  const rm = (word >>> 12) & 7;
  switch (row.name) {
    case "fence":
      if (rd !== 0 || rs1 !== 0 || word >>> 28 !== 0) {
        return "reserved fields of fence are ignored by hardware, objdump wants them zero";
      }
      break;
    case "fence.i":
      if (word !== 0x0000_100f) {
        return "reserved fields of fence.i are ignored by hardware, objdump wants them zero";
      }
      break;
    case "fcvt.d.w":
    case "fcvt.d.wu":
    case "fcvt.d.s":
    case "fcvt.s.h":
    case "fcvt.d.h":
      if (rm !== 0) return "objdump 2.40 knows exact conversions with rounding mode 0 only";
      break;
  }
  return undefined;
}

/** Why the oracle cannot run here, or undefined if it can. */
function missingTool(): string | undefined {
  for (const name of ["read", "write"] as const) {
    if (Deno.permissions.querySync({ name, path: SCRATCH }).state !== "granted") {
      return `no permission to ${name} ${SCRATCH}`;
    }
  }
  for (const command of [AS, OBJDUMP]) {
    if (Deno.permissions.querySync({ name: "run", command }).state !== "granted") {
      return `no permission to run ${command}`;
    }
    try {
      new Deno.Command(command, { args: ["--version"], stdout: "null" }).outputSync();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return `${command} is not installed`;
      throw error;
    }
  }
  return undefined;
}

function run(command: string, args: readonly string[]): string {
  const { code, stdout, stderr } = new Deno.Command(command, { args: [...args] }).outputSync();
  if (code !== 0) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

interface Line {
  readonly pc: bigint;
  readonly word: number;
  readonly text: string;
}

/** The words as objdump sees them, in order. */
function objdump(words: readonly number[]): Line[] {
  const directory = Deno.makeTempDirSync({ dir: SCRATCH });
  try {
    const source = `${directory}/words.s`;
    const object = `${directory}/words.o`;
    const directives = words.map((word) =>
      // Data directives would be marked as data, and printed as such.
      (word & 3) === 3 ? `.insn 4, 0x${word.toString(16)}` : `.insn 2, 0x${word.toString(16)}`
    );
    Deno.writeTextFileSync(source, directives.join("\n") + "\n");
    run(AS, [`-march=${ARCH}`, "-mpriv-spec=1.12", "-o", object, source]);
    const listing = run(OBJDUMP, ["-d", "-M", "no-aliases,numeric", object]);
    const lines: Line[] = [];
    for (const match of listing.matchAll(/^ *([0-9a-f]+):\t([0-9a-f]+) *\t(.*)$/gm)) {
      const [, pc, word, text] = match;
      lines.push({ pc: BigInt(`0x${pc}`), word: parseInt(word!, 16), text: normalized(text!) });
    }
    return lines;
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/**
 * One space after the mnemonic; branch targets as hexadecimal numbers without symbols; no comment
 * with an address that objdump guesses from earlier instructions.
 */
function normalized(text: string): string {
  return text.replace("\t", " ").replace(/ # .*$/, "")
    .replace(/(?:0x)?([0-9a-f]+) <[^>]*>$/, "0x$1").trimEnd();
}

/** A small xorshift generator: the same words on every run. */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function testWords(): number[] {
  const random = randomWords(0x2545_f491);
  const words: number[] = [];
  for (let word = 0; word < 0x1_0000; word++) if ((word & 3) !== 3) words.push(word);
  for (const { length, mask, match } of instructions) {
    if (length === 2) continue;
    words.push(match);
    for (let round = 0; round < 40; round++) {
      const word = ((random() & ~mask) | match) >>> 0;
      words.push(word, (word ^ (4 << (random() % 30))) >>> 0);
    }
  }
  for (let round = 0; round < 5_000; round++) words.push((random() | 3) >>> 0);
  // The length prefix of longer instructions: the assembler takes no 4-byte word with it.
  return words.filter((word) => (word & 0x1f) !== 0x1f);
}

/** A csrrs of every CSR. */
function csrWords(): number[] {
  return Array.from({ length: 4096 }, (_, address) => ((address << 20) | 0x20f3) >>> 0);
}

const reason = missingTool();
if (reason !== undefined) console.log(`disassemble_oracle_test: skipped: ${reason}`);

Deno.test({
  name: "disassembly equals objdump's",
  ignore: reason !== undefined,
  fn() {
    const words = testWords();
    const lines = objdump(words);
    assertEquals(lines.length, words.length, "one line of objdump for each word");
    const compared = new Set<string>();
    const differences: string[] = [];
    for (const { pc, word, text } of lines) {
      if (knownDifference(word) !== undefined) continue;
      const row = lookUp(word);
      // CSR names have a test of their own.
      if (row?.flags.has("csr")) {
        if (!text.startsWith(`${row.name} `)) differences.push(`${row.name}: objdump ${text}`);
      } else if (disassemble(word, pc) !== text) {
        differences.push(
          `0x${word.toString(16)}: ours "${disassemble(word, pc)}", objdump "${text}"`,
        );
      }
      if (row !== undefined) compared.add(row.name);
    }
    assertEquals(differences.slice(0, 40), [], `${differences.length} differences`);
    const uncompared = instructions.map(({ name }) => name).filter((name) => !compared.has(name));
    assertEquals(uncompared, Object.keys(SKIPPED), "rows that were never compared");
  },
});

Deno.test({
  name: "CSR names equal objdump's",
  ignore: reason !== undefined,
  fn() {
    for (const { word, text } of objdump(csrWords())) {
      const address = word >>> 20;
      const theirs = text.split(",")[1]!;
      const ours = csrNames.get(address);
      if (ours === undefined) {
        const isRv32Only = /^[a-z0-9]+h$|^pmpcfg\d*[13579]$/.test(theirs);
        const isUnnamed = theirs === `0x${address.toString(16)}`;
        assert(isRv32Only || isUnnamed, `${theirs} has no name`);
      } else {
        assertEquals(ours, theirs, `CSR 0x${address.toString(16)}`);
      }
    }
  },
});
