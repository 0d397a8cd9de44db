// `time`, `instret` and `cycle` read in hot code: each reading is exact, in every mode that may read them,
// and a counter that is disabled traps from that instruction on.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import { bareProgram, type Program, RAM, ramView } from "../../testing/bare_program.ts";
import { onEveryEngine } from "./engines_testing.ts";
import { enterTranslated, MODES } from "./modes_testing.ts";

const LOG = RAM + 0x8000;
const ROUNDS = 60;
const COUNTERS = ["cycle", "time", "instret"] as const;
const HTIMEDELTA = 1_000_000n;
/** Instructions between two readings of one counter, by place in the round. */
const GAPS = [1, 4, 7];
const READINGS = GAPS.length + 1;

/** Appends readings of one counter to the log at s2, so many instructions apart. */
function readApart(a: Program, counter: string): void {
  const registers = [reg.a0, reg.a1, reg.a2, reg.a3];
  registers.forEach((register, n) => {
    a.getCsr(register, counter);
    for (let i = 1; i < (GAPS[n] ?? 1); i++) a.op("addi", reg.s3, reg.s3, 1);
  });
  registers.forEach((register, n) => a.op("sd", register, 8 * n, reg.s2));
  a.op("addi", reg.s2, reg.s2, 8 * READINGS);
}

for (const mode of MODES) {
  for (const timebaseHz of [1e9, 1e7]) {
    Deno.test(`counters in a hot loop in ${mode.name}-mode, timebase ${timebaseHz / 1e6} MHz`, () => {
      onEveryEngine((jit) =>
        bareProgram((a, harts) => {
          a.setCsr("mcounteren", 7n).setCsr("scounteren", 7n).setCsr("hcounteren", 7n)
            .setCsr("htimedelta", HTIMEDELTA).setBits("mcountinhibit", 0n);
          a.constant(reg.s1, BigInt(ROUNDS)).constant(reg.s2, BigInt(LOG));
          enterTranslated(a, harts, mode);
          a.label("round");
          for (const counter of COUNTERS) readApart(a, counter);
          a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round").op("ecall");
          a.label("stuck").jump("stuck");
        }, { jit, timebaseHz, ramSizeBytes: 0x20_0000, handler: (a) => a.end() }), {
        pieces: [10_000_000, 100, 1],
        check: ({ harts }) => {
          const ram = ramView(harts);
          const nsPerTick = 1e9 / timebaseHz;
          const delta = mode.virtual ? Number(HTIMEDELTA) : 0;
          let at = LOG;
          for (let round = 0; round < ROUNDS; round++) {
            const readings = COUNTERS.map(() =>
              Array.from({ length: READINGS }, () => {
                at += 8;
                return Number(ram.get(at - 8));
              })
            );
            const [cycle, time, instret] = readings as [number[], number[], number[]];
            for (const exact of [cycle, instret]) {
              const steps = exact.slice(1).map((value, n) => value - exact[n]!);
              assertEquals(steps, GAPS, `round ${round}`);
            }
            // From the time readings to those of instret: so many instructions lie between.
            const between = GAPS.reduce((sum, gap) => sum + gap) + 1 + READINGS + 1;
            time.forEach((value, n) => {
              const instructionsBefore = instret[n]! - between;
              assertEquals(
                value - delta,
                Math.floor(instructionsBefore / nsPerTick),
                `round ${round}, time ${n}`,
              );
            });
          }
        },
      });
    });
  }
}

/** A counter enable that M-mode toggles while another mode reads. */
const ENABLES: readonly {
  csr: string;
  modes: readonly string[];
  cause: (mode: string) => bigint;
}[] = [
  { csr: "mcounteren", modes: ["S", "U", "VS", "VU"], cause: () => 2n },
  { csr: "scounteren", modes: ["U", "VU"], cause: (mode) => mode === "VU" ? 22n : 2n },
  { csr: "hcounteren", modes: ["VS", "VU"], cause: () => 22n },
];

for (const { csr, modes, cause } of ENABLES) {
  for (const mode of MODES.filter(({ name }) => modes.includes(name))) {
    Deno.test(`${csr} is toggled while ${mode.name}-mode reads a hot counter`, () => {
      onEveryEngine((jit) =>
        bareProgram((a, harts) => {
          a.setCsr("mcounteren", 7n).setCsr("scounteren", 7n).setCsr("hcounteren", 7n);
          a.constant(reg.s1, BigInt(ROUNDS)).constant(reg.s2, BigInt(LOG));
          enterTranslated(a, harts, mode);
          a.label("round").op("addi", reg.s3, reg.s3, 1);
          for (const counter of COUNTERS) {
            a.getCsr(reg.a0, counter).op("add", reg.s4, reg.s4, reg.a0);
          }
          a.op("andi", reg.t0, reg.s1, 3).branch("bne", reg.t0, 0, "keep").op("ecall");
          a.label("keep").op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
          a.op("addi", reg.s5, 0, 1).op("ecall").label("stuck").jump("stuck");
        }, {
          jit,
          timebaseHz: 1e9,
          ramSizeBytes: 0x20_0000,
          handler: (a) => {
            // A failed reading is logged and skipped; ECALL takes all enables away or gives them back.
            a.branch("bne", reg.s5, 0, "finished");
            a.getCsr(reg.t6, "mcause").op("addi", reg.t5, reg.t6, -8).op("sltiu", reg.t5, reg.t5, 4)
              .branch("bne", reg.t5, 0, "toggle");
            a.getCsr(reg.t6, "minstret").op("sd", reg.t6, 0, reg.s2).getCsr(reg.t6, "mtval")
              .op("sd", reg.t6, 8, reg.s2).op("addi", reg.s2, reg.s2, 16).jump("skip");
            a.label("toggle").getCsr(reg.t6, csr).op("xori", reg.t6, reg.t6, 7)
              .op("csrrw", 0, a.csr(csr), reg.t6);
            a.label("skip").getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
              .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret").label("finished").end();
          },
        }), {
        pieces: [10_000_000, 77],
        check: ({ traps }) => {
          const refused = traps.filter((trap) => trap.cause === cause(mode.name));
          assertEquals(refused.length, refusedReadings());
          assertEquals(traps.length, refused.length + ROUNDS / 4 + 1);
        },
      });
    });
  }
}

/** Three readings in each round between an odd and an even toggle. */
function refusedReadings(): number {
  let enabled = true, refused = 0;
  for (let n = ROUNDS; n > 0; n--) {
    if (!enabled) refused += COUNTERS.length;
    if (n % 4 === 0) enabled = !enabled;
  }
  return refused;
}
