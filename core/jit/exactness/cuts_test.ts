// How a run is cut never shows, whatever is translated when: several harts, their timers, calls into
// S-mode and back, waits, and cuts of every size, random ones among them.

import { assertEquals } from "@std/assert";
import { reg } from "../../conformance/assembler.ts";
import { Random } from "../../conformance/random.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  RAM,
  STCE,
  x,
} from "../../testing/bare_program.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";
import { emitHotLoop } from "./hot_loop_testing.ts";

const DATA = RAM + 0xc000;
const TOTAL = 30_000;
const SUPERVISOR_TIMER = 1n << 5n;

/** The hot loop on every hart, all on the same data, with a timer that comes ever so often. */
function busyProgram(jit: Jit, harts: number): BareProgram {
  return bareProgram((a) => {
    a.constant(reg.s0, BigInt(DATA)).getCsr(reg.s8, "mhartid").constant(reg.s7, BigInt(DATA + 128));
    a.setCsr("menvcfg", STCE).setCsr("mie", SUPERVISOR_TIMER).op("addi", reg.t0, reg.s8, 500)
      .op("csrrw", 0, a.csr("stimecmp"), reg.t0).setBits("mstatus", MSTATUS.MIE);
    emitHotLoop(a);
  }, {
    jit,
    harts,
    timebaseHz: 1e9,
    handler: (a) => {
      // Every fourth timer makes the hart wait for the next one with interrupts off.
      a.op("addi", reg.s9, reg.s9, 1).op("sd", reg.s9, 0, reg.s7);
      a.getCsr(reg.t6, "time").op("addi", reg.t6, reg.t6, 331).op(
        "csrrw",
        0,
        a.csr("stimecmp"),
        reg.t6,
      );
      a.op("andi", reg.t6, reg.s9, 3).branch("bne", reg.t6, 0, "back").op("wfi");
      a.label("back").op("mret");
    },
  });
}

function runTotal({ harts }: BareProgram, nextPiece: () => number): void {
  while (harts.instructions < TOTAL) {
    harts.run(Math.min(nextPiece(), TOTAL - harts.instructions));
  }
}

for (const harts of [1, 2, 4]) {
  Deno.test(`${TOTAL} instructions of ${harts} hart(s), in pieces of every size`, () => {
    onEveryEngine((jit) => busyProgram(jit, harts), {
      pieces: [1_000_000, 1000, 64, 7, 1],
      drive: (program, piece) => runTotal(program, () => piece),
      check: ({ harts: array, traps }) => {
        assertEquals(array.instructions, TOTAL);
        assertEquals(traps.length > 30, true);
        for (let id = 0; id < harts; id++) assertEquals(x(array, reg.s1, id) > 100n, true);
      },
    });
  });

  Deno.test(`${TOTAL} instructions of ${harts} hart(s), in random pieces`, () => {
    onEveryEngine((jit) => busyProgram(jit, harts), {
      pieces: [1_000_000, 20, 500, 5000],
      drive: (program, most) => {
        const random = new Random(most, harts);
        runTotal(program, () => random.between(1, most));
      },
    });
  });

  Deno.test(`${TOTAL} instructions of ${harts} hart(s), stopped in between`, () => {
    onEveryEngine((jit) => busyProgram(jit, harts), {
      pieces: [1_000_000, 501, 97],
      drive: ({ harts: array }, distance) => {
        while (array.instructions < TOTAL) {
          array.clock.schedule(BigInt(array.nowNs + distance), () => array.requestStop());
          array.run(TOTAL - array.instructions);
        }
        array.run(0); // an event that is left must not show
      },
      check: ({ harts: array }) => assertEquals(array.instructions, TOTAL),
    });
  });
}
