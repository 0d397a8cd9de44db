// Products and quotients that WebAssembly has no instruction for, with RISC-V's results where others trap.

/** Upper 64 bits of the unsigned product. */
export function mulhu(a: u64, b: u64): u64 {
  const aLow = a & 0xffff_ffff, aHigh = a >> 32;
  const bLow = b & 0xffff_ffff, bHigh = b >> 32;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >> 32);
  const middle2 = aLow * bHigh + (middle & 0xffff_ffff);
  return aHigh * bHigh + (middle >> 32) + (middle2 >> 32);
}

export function mulh(a: i64, b: i64): u64 {
  return mulhu(<u64>a, <u64>b) - (a < 0 ? <u64>b : 0) - (b < 0 ? <u64>a : 0);
}

export function mulhsu(a: i64, b: u64): u64 {
  return mulhu(<u64>a, b) - (a < 0 ? b : 0);
}

// Division never traps: by zero it gives all ones (the remainder is the dividend), and the one
// overflow gives the dividend (unprivileged ISA, "Division Operations").

export function div64(a: i64, b: i64): u64 {
  if (b == 0) return u64.MAX_VALUE;
  if (b == -1) return <u64>(-a);
  return <u64>(a / b);
}
export function divu64(a: u64, b: u64): u64 {
  return b == 0 ? u64.MAX_VALUE : a / b;
}
export function rem64(a: i64, b: i64): u64 {
  if (b == 0) return <u64>a;
  if (b == -1) return 0;
  return <u64>(a % b);
}
export function remu64(a: u64, b: u64): u64 {
  return b == 0 ? a : a % b;
}
export function div32(a: i32, b: i32): u32 {
  if (b == 0) return u32.MAX_VALUE;
  if (b == -1) return <u32>(-a);
  return <u32>(a / b);
}
export function divu32(a: u32, b: u32): u32 {
  return b == 0 ? u32.MAX_VALUE : a / b;
}
export function rem32(a: i32, b: i32): u32 {
  if (b == 0) return <u32>a;
  if (b == -1) return 0;
  return <u32>(a % b);
}
export function remu32(a: u32, b: u32): u32 {
  return b == 0 ? a : a % b;
}

/** Carry-less product, low half (Zbc). */
export function clmul(a: u64, b: u64): u64 {
  let r: u64 = 0;
  for (let i: u64 = 0; i < 64; i++) if ((b >> i) & 1) r ^= a << i;
  return r;
}
/** Carry-less product, high half. */
export function clmulh(a: u64, b: u64): u64 {
  let r: u64 = 0;
  for (let i: u64 = 1; i < 64; i++) if ((b >> i) & 1) r ^= a >> (64 - i);
  return r;
}
/** Carry-less product, bits 126 to 63. */
export function clmulr(a: u64, b: u64): u64 {
  return (clmulh(a, b) << 1) | (clmul(a, b) >> 63);
}

/** Each byte becomes 0xff if it has any bit set (Zbb). */
export function orcb(a: u64): u64 {
  let x = a | (a >> 4) & 0x0f0f0f0f0f0f0f0f;
  x |= (x >> 2) & 0x3f3f3f3f3f3f3f3f;
  x |= (x >> 1) & 0x7f7f7f7f7f7f7f7f;
  return (x & 0x0101010101010101) * 0xff;
}
