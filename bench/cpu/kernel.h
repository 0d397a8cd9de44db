/* What the kernels share: integer types, a hash to fold results into, a random number generator. */

#ifndef BENCH_CPU_KERNEL_H
#define BENCH_CPU_KERNEL_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define NOINLINE __attribute__((noinline))
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The work of a kernel. Returns a checksum over what it computed, the same on any machine. */
u64 run_kernel(void);

/* Folds a value into a checksum (FNV-1a, a word at a time). */
static inline u64 fold(u64 checksum, u64 value)
{
	return (checksum ^ value) * 0x100000001b3ul;
}

/* Folds a double in, bit for bit. */
static inline u64 fold_double(u64 checksum, double value)
{
	union {
		double value;
		u64 bits;
	} both = { .value = value };
	return fold(checksum, both.bits);
}

/* Next value of xorshift64 (Marsaglia 2003); the state is never 0. */
static inline u64 next_random(u64 *state)
{
	u64 x = *state;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

#endif
