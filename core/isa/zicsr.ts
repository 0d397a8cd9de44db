/** Zicsr 2.0: CSR instructions. */

import { define, type Instruction } from "./instruction.ts";

/**
 * The CSR instructions. Whether the CSR is read or written depends on `rd` and `rs1` being zero
 * (Unprivileged ISA, table "Conditions determining whether a CSR instruction reads or writes").
 */
export const zicsr: readonly Instruction[] = define("Zicsr", ["csr", "privileged"], [
  ["csrrw rd, csr, rs1", "csr rs1 001 rd 1110011"],
  ["csrrs rd, csr, rs1", "csr rs1 010 rd 1110011"],
  ["csrrc rd, csr, rs1", "csr rs1 011 rd 1110011"],
  ["csrrwi rd, csr, zimm", "csr zimm 101 rd 1110011"],
  ["csrrsi rd, csr, zimm", "csr zimm 110 rd 1110011"],
  ["csrrci rd, csr, zimm", "csr zimm 111 rd 1110011"],
]);
