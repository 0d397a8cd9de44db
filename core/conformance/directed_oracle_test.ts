/** The directed rows on QEMU: where it is right, it shows that the rows are. */

import { csrRows } from "./directed_csrs.ts";
import { translationRows } from "./directed_translation.ts";
import { interruptRows } from "./directed_interrupts.ts";
import { trapRows } from "./directed_traps.ts";
import { testRows } from "./directed.ts";
import { findQemu, QemuEngine } from "./qemu_engine.ts";

const qemu = await findQemu(Deno.args[0]);
if (qemu) {
  await testRows(
    [...csrRows, ...trapRows, ...interruptRows, ...translationRows],
    new QemuEngine(qemu),
  );
} else {console.log(
    "directed_oracle_test: skipped, there is no qemu-system-riscv64 to compare with",
  );}
