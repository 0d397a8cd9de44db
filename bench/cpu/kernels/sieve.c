/* Byte memory: the sieve of Eratosthenes, stores at growing strides. */

#include "../kernel.h"

#define LIMIT (1u << 20)
#define ROUNDS 300

static u8 is_prime[LIMIT];

static u64 sieve(void)
{
	u64 count = 0;
	for (u32 i = 2; i < LIMIT; i++)
		is_prime[i] = 1;
	for (u32 i = 2; i < LIMIT; i++) {
		if (!is_prime[i])
			continue;
		count++;
		for (u32 multiple = 2 * i; multiple < LIMIT; multiple += i)
			is_prime[multiple] = 0;
	}
	return count;
}

u64 run_kernel(void)
{
	u64 checksum = 0;
	for (u32 round = 0; round < ROUNDS; round++)
		checksum = fold(checksum, sieve());
	return checksum;
}
