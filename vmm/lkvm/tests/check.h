/* Assertions that always run, and a reproducible source of random numbers. */
#ifndef LKVM_TESTS_CHECK_H
#define LKVM_TESTS_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                      \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

#define CHECK_EQUAL(expected, actual)                                                              \
  do {                                                                                             \
    unsigned long long expected_ = (unsigned long long)(expected);                                 \
    unsigned long long actual_ = (unsigned long long)(actual);                                     \
    if (expected_ != actual_) {                                                                    \
      fprintf(stderr, "%s:%d: %s is 0x%llx, expected 0x%llx\n", __FILE__, __LINE__, #actual,       \
              actual_, expected_);                                                                 \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

#define CHECK_TEXT(expected, actual)                                                               \
  do {                                                                                             \
    const char *expected_ = (expected), *actual_ = (actual);                                       \
    if (strcmp(expected_, actual_) != 0) {                                                         \
      fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", __FILE__, __LINE__, #actual,       \
              actual_, expected_);                                                                 \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* xorshift64 (Marsaglia 2003): the same numbers on every machine. */
static inline uint64_t
next_random(uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

#endif
