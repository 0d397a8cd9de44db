// Fused multiply-add for translated code, from the host's separate operations.
//
// The product's and the sum's rounding errors are computed exactly (Dekker 1971, Knuth's TwoSum), and the
// result is what both add up to, rounded once. Wherever a flag other than NX could be due the answer is NaN:
// ask softfloat.

const SPLITTER: f64 = 134217729.0; // 2^27 + 1
const LARGEST: f64 = reinterpret<f64>((<u64>(1023 + 900)) << 52); // 2^900: no overflow on the way
const SMALLEST_PRODUCT: f64 = reinterpret<f64>((<u64>(1023 - 900)) << 52); // 2^-900: its error is exact
const HALF_ULP: f64 = reinterpret<f64>((<u64>(1023 - 52)) << 52); // twice the relative error of one rounding
const SMALLEST_NORMAL_SINGLE: f64 = reinterpret<f64>((<u64>(1023 - 126)) << 52);

/** a * b + c to nearest, or NaN if that is not certain. Inexactness is not reported. */
export function jitFmaD(a: f64, b: f64, c: f64): f64 {
  const p = a * b;
  const magnitude = abs(p);
  if (
    !(abs(a) < LARGEST && abs(b) < LARGEST && abs(c) < LARGEST && magnitude > SMALLEST_PRODUCT && magnitude < LARGEST)
  ) return a == 0 || b == 0 ? p + c : NaN; // without a product the sum is exact
  // p + e = a * b
  const as = a * SPLITTER;
  const ah = as - (as - a);
  const al = a - ah;
  const bs = b * SPLITTER;
  const bh = bs - (bs - b);
  const bl = b - bh;
  const e = al * bl - (((p - ah * bh) - al * bh) - ah * bl);
  // s + t = p + c
  const s = p + c;
  const v = s - p;
  const t = (p - (s - v)) + (c - v);
  const d = t + e;
  const result = s + d;
  // Mostly it makes no difference what the last sum of errors lost. (What follows is exact, but slower.)
  const slack = d * HALF_ULP;
  if (s + (d - slack) == result && s + (d + slack) == result) return result;
  // d + lost = t + e
  const w = d - t;
  const lost = (t - (d - w)) + (e - w);
  return s + roundToOdd(d, lost);
}

/** Of the two numbers around `sum + lost` the odd one, or `sum` if nothing was lost (Boldo, Melquiond 2008). */
// @ts-ignore: decorator
@inline
function roundToOdd(sum: f64, lost: f64): f64 {
  const bits = reinterpret<u64>(sum);
  if (lost == 0 || bits & 1) return sum;
  return reinterpret<f64>(bits + ((lost > 0) == (sum > 0) ? 1 : -1));
}

/** The same of singles: the product is exact, and the sum is rounded to odd before it is rounded again. */
export function jitFmaS(a: f32, b: f32, c: f32): f32 {
  const p = <f64>a * <f64>b;
  const s = p + <f64>c;
  const v = s - p;
  const t = (p - (s - v)) + (<f64>c - v);
  if (!(abs(s) < Infinity)) return <f32>NaN;
  const result = <f32>roundToOdd(s, t);
  if (t == 0 && <f64>result == s) return result; // exact, be it zero or subnormal
  return abs(<f64>result) > SMALLEST_NORMAL_SINGLE && abs(result) < <f32>Infinity ? result : <f32>NaN;
}
