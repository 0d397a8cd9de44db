/**
 * The directed rows on QEMU: where it is right, it shows that the rows are. Another QEMU than the one on
 * the PATH is given behind `--`.
 */

import { testRows } from "./directed.ts";
import { directedRows } from "./directed_rows.ts";
import { findQemu, QemuEngine } from "./qemu_engine.ts";

const qemu = await findQemu(Deno.args[0]);
if (qemu) await testRows(directedRows, new QemuEngine(qemu));
else console.log("directed_oracle_test: skipped, there is no qemu-system-riscv64 to compare with");
