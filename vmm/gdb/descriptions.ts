/**
 * The XML documents that gdb asks for with `qXfer`: what registers there are, which memory, which threads.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { BOARD } from "../memory_map.ts";
import { hex } from "./hex.ts";
import { modeName } from "./mode_name.ts";
import { type Feature, type Register, registers } from "./registers.ts";

const FEATURES: readonly Feature[] = ["cpu", "fpu", "csr", "virtual"];
/** An f register holds a double, or a single in its low half (Unprivileged, 12.2: NaN boxing). */
const RISCV_DOUBLE = '<union id="riscv_double"><field name="float" type="ieee_single"/>' +
  '<field name="double" type="ieee_double"/></union>';
const ADDRESS_SPACE = 1n << 64n;

function registerElement({ name, number, sizeBytes, type, group, feature }: Register): string {
  // What gdb saves around a call that it makes are the registers that programs have.
  const keep = feature === "csr" || feature === "virtual" ? ' save-restore="no"' : "";
  return `<reg name="${name}" bitsize="${8 * sizeBytes}" type="${type}" regnum="${number}" ` +
    `group="${group}"${keep}/>`;
}

/** The target description. */
export const targetXml: string = [
  '<?xml version="1.0"?>',
  '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
  '<target version="1.0">',
  "<architecture>riscv:rv64</architecture>",
  ...FEATURES.flatMap((feature) => [
    `<feature name="org.gnu.gdb.riscv.${feature}">`,
    ...(feature === "fpu" ? [RISCV_DOUBLE] : []),
    ...registers.filter((register) => register.feature === feature).map(registerElement),
    "</feature>",
  ]),
  "</target>",
].join("\n");

/**
 * The memory map. Addresses are virtual, so that anything may be anywhere but where programs and kernels
 * have nothing: the reset vector's ROM, for which gdb is to use hardware breakpoints.
 */
export const memoryMapXml: string = (() => {
  const { base, sizeBytes } = BOARD.mrom;
  const end = base + sizeBytes;
  const region = (type: string, start: number, length: bigint) =>
    `<memory type="${type}" start="${hex(start)}" length="${hex(length)}"/>`;
  return [
    '<?xml version="1.0"?>',
    "<memory-map>",
    region("ram", 0, BigInt(base)),
    region("rom", base, BigInt(sizeBytes)),
    region("ram", end, ADDRESS_SPACE - BigInt(end)),
    "</memory-map>",
  ].join("\n");
})();

/** The harts, as threads: what is said of each stands in `info threads`. */
export function threadsXml(harts: HartArray): string {
  const threads = Array.from(
    { length: harts.hartCount },
    (_, hartId) =>
      `<thread id="${(hartId + 1).toString(16)}" core="${hartId}" name="hart ${hartId}">${
        describeHart(harts, hartId)
      }</thread>`,
  );
  return `<?xml version="1.0"?>\n<threads>\n${threads.join("\n")}\n</threads>`;
}

/** What a hart does, in a few words. */
export function describeHart(harts: HartArray, hartId: number): string {
  const { privilege, virtual } = harts.mode(hartId);
  return `${modeName(privilege, virtual)}-mode${harts.isWaiting(hartId) ? ", waits (wfi)" : ""}`;
}
