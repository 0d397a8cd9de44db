/**
 * The first instructions of every hart, in the ROM of the board, and what firmware built as
 * OpenSBI's `fw_dynamic` expects in its registers: the hart id in `a0`, the device tree in `a1`, and
 * in `a2` a `struct fw_dynamic_info` that says what to start next
 * (OpenSBI `docs/firmware/fw_dynamic.md`).
 *
 * @module
 */

/** `OSBI` as a number. */
const FW_DYNAMIC_INFO_MAGIC = 0x4942_534fn;
/** Version 2 added `boot_hart`. */
const FW_DYNAMIC_INFO_VERSION = 2n;

/** Privilege levels as `fw_dynamic_info.next_mode` numbers them. */
export const NEXT_MODE = { U: 0, S: 1, M: 3 } as const;

/** Value of `boot_hart` that lets any hart boot. */
export const ANY_BOOT_HART = 0xffff_ffff_ffff_ffffn;

/** What firmware starts when it is done. */
export interface FwDynamicInfo {
  /** Physical address of the next stage. */
  readonly nextAddr: number;
  /** Privilege level of the next stage. Default S. */
  readonly nextMode?: 0 | 1 | 3;
  /** Bits of `enum sbi_scratch_options`; 1 keeps the firmware silent. Default 0. */
  readonly options?: number;
  /** Hart that goes on to boot, or {@linkcode ANY_BOOT_HART}. Default 0. */
  readonly bootHart?: number | bigint;
}

/** What the reset vector hands over. */
export interface ResetVectorOptions {
  /** Physical address of the firmware, or of a program without firmware. */
  readonly entry: number;
  /** Physical address of the device tree. */
  readonly fdtAddr: number;
  /** What firmware starts next; without firmware there is nothing. */
  readonly next?: FwDynamicInfo;
}

/**
 * Code and data of the reset vector, at the same offsets as in QEMU's `virt`. The code is
 * position-independent. `options.entry` runs in M-mode on every hart.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createResetVector } from "./mod.ts";
 *
 * const rom = createResetVector({
 *   entry: 0x8000_0000,
 *   fdtAddr: 0x87e0_0000,
 *   next: { nextAddr: 0x8020_0000 },
 * });
 * assertEquals(new DataView(rom.buffer).getUint32(0, true), 0x0000_0297); // auipc t0, 0
 * ```
 */
export function createResetVector(options: ResetVectorOptions): Uint8Array<ArrayBuffer> {
  const code = [
    0x0000_0297, // auipc t0, 0
    0x0282_8613, // addi  a2, t0, 40    &fw_dynamic_info
    0xf140_2573, // csrr  a0, mhartid
    0x0202_b583, // ld    a1, 32(t0)    fdtAddr
    0x0182_b283, // ld    t0, 24(t0)    entry
    0x0002_8067, // jr    t0
  ];
  const data = [BigInt(options.entry), BigInt(options.fdtAddr)];
  const info = options.next === undefined ? new Uint8Array(0) : encodeFwDynamicInfo(options.next);
  const rom = new Uint8Array(4 * code.length + 8 * data.length + info.length);
  const view = new DataView(rom.buffer);
  code.forEach((word, index) => view.setUint32(4 * index, word, true));
  data.forEach((word, index) => view.setBigUint64(4 * code.length + 8 * index, word, true));
  rom.set(info, rom.length - info.length);
  return rom;
}

/** The bytes of a `struct fw_dynamic_info` for a 64-bit hart: six little-endian words of 64 bits. */
export function encodeFwDynamicInfo(info: FwDynamicInfo): Uint8Array<ArrayBuffer> {
  const words = [
    FW_DYNAMIC_INFO_MAGIC,
    FW_DYNAMIC_INFO_VERSION,
    BigInt(info.nextAddr),
    BigInt(info.nextMode ?? NEXT_MODE.S),
    BigInt(info.options ?? 0),
    BigInt(info.bootHart ?? 0),
  ];
  const view = new DataView(new ArrayBuffer(8 * words.length));
  words.forEach((word, index) => view.setBigUint64(8 * index, word, true));
  return new Uint8Array(view.buffer);
}
