/* CHECK() for the 9P and network tests: on, whatever NDEBUG says, and with the place. */
#ifndef LKVM_TESTS_NINEP_NET_CHECK_H
#define LKVM_TESTS_NINEP_NET_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

/* Compares numbers, and prints both. */
#define CHECK_EQUAL(got, want)                                                                   \
	do {                                                                                     \
		long long got_ = (long long)(got), want_ = (long long)(want);                    \
		if (got_ != want_) {                                                             \
			fprintf(stderr, "%s:%d: %s is %lld, not %s (%lld)\n", __FILE__, __LINE__, \
				#got, got_, #want, want_);                                       \
			exit(1);                                                                 \
		}                                                                                \
	} while (0)

/* xorshift64*: the same random bytes in every run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

#endif
