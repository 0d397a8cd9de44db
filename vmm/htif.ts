/**
 * HTIF, the host-target interface of bare-metal RISC-V test programs: a 64-bit word `tohost` in memory
 * (riscv-isa-sim, "HTIF"; no formal specification).
 *
 * Bits 63:56 name the device, 55:48 the command, 47:0 the payload. Device 0 with an odd payload ends the
 * program (`1` pass, `(code << 1) | 1` fail), device 1 command 1 prints the payload's low byte.
 *
 * @module
 */

import type { HartArray } from "../core/hart_array.ts";
import type { FinishRequest } from "../devices/test_finisher.ts";

/** Looks at `tohost` between slices. */
export class Htif {
  readonly #harts: HartArray;
  readonly #tohost: number;
  readonly #fromhost: number | undefined;

  constructor(harts: HartArray, tohost: number, fromhost: number | undefined) {
    this.#harts = harts;
    this.#tohost = tohost;
    this.#fromhost = fromhost;
  }

  /** Acts on a request that the program has made; answers one to end. */
  poll(print: (byte: number) => void): FinishRequest | undefined {
    const view = this.#view(this.#tohost);
    const request = view.getBigUint64(0, true);
    if (request === 0n) return undefined;
    view.setBigUint64(0, 0n, true);
    this.#harts.ramWritten(this.#tohost, 8);
    const device = Number(request >> 56n);
    const command = Number((request >> 48n) & 0xffn);
    const payload = request & 0xffff_ffff_ffffn;
    if (device === 0 && (payload & 1n) === 1n) {
      const code = Number(payload >> 1n);
      return code === 0 ? { kind: "pass", code: 0 } : { kind: "fail", code };
    }
    if (device === 1 && command === 1) {
      print(Number(payload & 0xffn));
      this.#answer(request & 0xffff_0000_0000_0000n);
    } else if (device === 0) {
      this.#systemCall(Number(payload), print);
    }
    return undefined;
  }

  /** The proxied system call of riscv-tests' `syscalls.c`: write(fd, buffer, length). */
  #systemCall(address: number, print: (byte: number) => void): void {
    const block = this.#harts.ramAt(address, 64);
    if (block === undefined) return;
    const words = new DataView(block.buffer, block.byteOffset, block.byteLength);
    const SYS_WRITE = 64n;
    if (words.getBigUint64(0, true) === SYS_WRITE) {
      const buffer = Number(words.getBigUint64(16, true));
      const length = Number(words.getBigUint64(24, true));
      const bytes = this.#harts.ramAt(buffer, length);
      bytes?.forEach(print);
      words.setBigUint64(0, bytes === undefined ? 0xffff_ffff_ffff_ffffn : BigInt(length), true);
      this.#harts.ramWritten(address, 8);
    }
    this.#answer(1n);
  }

  #answer(value: bigint): void {
    if (this.#fromhost === undefined) return;
    this.#view(this.#fromhost).setBigUint64(0, value, true);
    this.#harts.ramWritten(this.#fromhost, 8);
  }

  #view(address: number): DataView {
    const bytes = this.#harts.ramAt(address, 8);
    if (bytes === undefined) {
      throw new RangeError(`HTIF word at 0x${address.toString(16)} is not in RAM`);
    }
    return new DataView(bytes.buffer, bytes.byteOffset, 8);
  }
}
