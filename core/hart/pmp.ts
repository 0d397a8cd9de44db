// Physical memory protection: 16 entries, granularity 4 bytes (Privileged, Physical Memory Protection).

import { Hart } from "./hart_state";
import { PRV_M } from "./bits";
import { ACCESS_READ, ACCESS_WRITE } from "./fault";

const PMP_R: u32 = 1;
const PMP_W: u32 = 2;
const PMP_X: u32 = 4;
const PMP_A_SHIFT: u32 = 3;
const PMP_L: u32 = 0x80;
const A_TOR: u32 = 1;
const A_NA4: u32 = 2;
export const PMP_ENTRIES: u32 = 16;

let rangeLow: u64 = 0;
let rangeEnd: u64 = 0; // exclusive

export function pmpConfig(h: Hart, n: u32): u32 {
  return load<u8>(changetype<usize>(h) + (n < 8 ? offsetof<Hart>("pmpcfg0") : offsetof<Hart>("pmpcfg2")) + (n & 7));
}

export function pmpAddress(h: Hart, n: u32): u64 {
  return load<u64>(changetype<usize>(h) + offsetof<Hart>("pmpaddr0") + (n << 3));
}

/** Computes the range of an entry; false if it is off or empty. */
function range(h: Hart, n: u32, config: u32): bool {
  const a = (config >> PMP_A_SHIFT) & 3;
  if (a == 0) return false;
  const address = pmpAddress(h, n);
  if (a == A_TOR) {
    rangeLow = n == 0 ? 0 : pmpAddress(h, n - 1) << 2;
    rangeEnd = address << 2;
    return rangeLow < rangeEnd;
  }
  if (a == A_NA4) {
    rangeLow = address << 2;
    rangeEnd = rangeLow + 4;
    return true;
  }
  const ones = ctz(~address);
  if (ones >= 54) { // all 54 bits set: everything
    rangeLow = 0;
    rangeEnd = u64.MAX_VALUE;
    return true;
  }
  const size: u64 = <u64>8 << ones;
  rangeLow = (address & ~((<u64>1 << ones) - 1)) << 2;
  rangeEnd = rangeLow + size;
  return true;
}

// The stretch of addresses around the last access within which every byte meets the same entry. Page
// walks stay in it, so that most checks are two comparisons. It belongs to the hart `uniformHart`.
let uniformHart: usize = 0;
let uniformLow: u64 = 0;
let uniformEnd: u64 = 0; // exclusive
let uniformConfig: u32 = 0;
let uniformMatches: bool = false;

/** Forgets what was worked out; after any change to an entry. */
function forgetUniform(): void {
  uniformHart = 0;
}

/** Works out the stretch around `pa`. */
function findUniform(h: Hart, pa: u64): void {
  uniformHart = changetype<usize>(h);
  uniformLow = 0;
  uniformEnd = u64.MAX_VALUE;
  uniformMatches = false;
  for (let n: u32 = 0; n < PMP_ENTRIES; n++) {
    const config = pmpConfig(h, n);
    if (!range(h, n, config)) continue;
    if (pa < rangeLow) {
      if (rangeLow < uniformEnd) uniformEnd = rangeLow;
    } else if (pa >= rangeEnd) {
      if (rangeEnd > uniformLow) uniformLow = rangeEnd;
    } else {
      if (rangeLow > uniformLow) uniformLow = rangeLow;
      if (rangeEnd < uniformEnd) uniformEnd = rangeEnd;
      uniformConfig = config;
      uniformMatches = true;
      return; // entries are in order of priority
    }
  }
}

/** Whether `prv` may access `sizeBytes` at `pa`; a partial match fails. */
export function pmpAllows(h: Hart, pa: u64, sizeBytes: u32, access: u32, prv: u32): bool {
  if (uniformHart != changetype<usize>(h) || pa < uniformLow || pa >= uniformEnd) findUniform(h, pa);
  const end = pa + sizeBytes;
  if (end > uniformEnd || end < pa) return allowsAcross(h, pa, sizeBytes, access, prv);
  if (!uniformMatches) return prv == PRV_M;
  return configAllows(uniformConfig, access, prv);
}

function configAllows(config: u32, access: u32, prv: u32): bool {
  if (prv == PRV_M && !(config & PMP_L)) return true;
  const need = access == ACCESS_READ ? PMP_R : access == ACCESS_WRITE ? PMP_W : PMP_X;
  return (config & need) != 0;
}

/** An access that reaches over the end of an entry: the first that any byte meets decides. */
function allowsAcross(h: Hart, pa: u64, sizeBytes: u32, access: u32, prv: u32): bool {
  const end = pa + sizeBytes;
  for (let n: u32 = 0; n < PMP_ENTRIES; n++) {
    const config = pmpConfig(h, n);
    if (!range(h, n, config)) continue;
    if (end <= rangeLow || pa >= rangeEnd) continue;
    if (pa < rangeLow || end > rangeEnd) return false;
    return configAllows(config, access, prv);
  }
  return prv == PRV_M;
}

/** Whether every byte of the page gets the same answer, so that a TLB entry may stand for it. */
export function pmpPageIsUniform(h: Hart, pa: u64): bool {
  if (uniformHart != changetype<usize>(h) || pa < uniformLow || pa >= uniformEnd) findUniform(h, pa);
  const page = pa & ~0xfff;
  return page >= uniformLow && page + 0x1000 <= uniformEnd;
}

/** Registers were replaced from outside: reset, or a restored snapshot. */
export function pmpReset(): void {
  forgetUniform();
}

function isLocked(h: Hart, n: u32): bool {
  return (pmpConfig(h, n) & PMP_L) != 0;
}

export function writePmpaddr(h: Hart, n: u32, value: u64): void {
  forgetUniform();
  if (isLocked(h, n)) return;
  if (n + 1 < PMP_ENTRIES) { // a locked TOR entry locks the address below it
    const next = pmpConfig(h, n + 1);
    if ((next & PMP_L) && ((next >> PMP_A_SHIFT) & 3) == A_TOR) return;
  }
  store<u64>(changetype<usize>(h) + offsetof<Hart>("pmpaddr0") + (n << 3), value & ((<u64>1 << 54) - 1));
}

/** Writes eight entries' configuration. W without R is reserved: the entry's permissions keep R=0, W=0. */
export function writePmpcfg(h: Hart, first: u32, value: u64): void {
  forgetUniform();
  for (let i: u32 = 0; i < 8; i++) {
    const n = first + i;
    if (isLocked(h, n)) continue;
    let config = <u32>(value >> (i << 3)) & 0x9f;
    if ((config & (PMP_R | PMP_W)) == PMP_W) config &= ~PMP_W;
    store<u8>(changetype<usize>(h) + (n < 8 ? offsetof<Hart>("pmpcfg0") : offsetof<Hart>("pmpcfg2")) + (n & 7), <u8>config);
  }
}
