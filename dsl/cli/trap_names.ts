/**
 * Names of traps as QEMU's `-d int` prints them after `desc=`, by cause code (Privileged 1.12, table
 * 3.6, and 9.6.1 for the hypervisor's).
 *
 * @module
 */

const EXCEPTIONS = [
  "misaligned_fetch",
  "fault_fetch",
  "illegal_instruction",
  "breakpoint",
  "misaligned_load",
  "fault_load",
  "misaligned_store",
  "fault_store",
  "user_ecall",
  "supervisor_ecall",
  "hypervisor_ecall",
  "machine_ecall",
  "exec_page_fault",
  "load_page_fault",
  "reserved",
  "store_page_fault",
  "reserved",
  "reserved",
  "reserved",
  "reserved",
  "guest_exec_page_fault",
  "guest_load_page_fault",
  "reserved",
  "guest_store_page_fault",
];

const INTERRUPTS = [
  "u_software",
  "s_software",
  "vs_software",
  "m_software",
  "u_timer",
  "s_timer",
  "vs_timer",
  "m_timer",
  "u_external",
  "s_external",
  "vs_external",
  "m_external",
];

/** What QEMU calls a cause; `(unknown)` beyond its tables. */
export function trapName(code: number, isInterrupt: boolean): string {
  return (isInterrupt ? INTERRUPTS : EXCEPTIONS)[code] ??
    (isInterrupt && code < 16 ? "reserved" : "(unknown)");
}
