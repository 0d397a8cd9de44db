/* memcpy, memset and strlen as a C library has them: words where addresses allow, bytes elsewhere. */

#include "../kernel.h"

#define LENGTH (1u << 16)
#define ROUNDS 48000

/* Words that alias anything. */
typedef u64 __attribute__((may_alias)) word;

static u8 text[LENGTH + 16] __attribute__((aligned(8)));
static u8 copy[LENGTH + 16] __attribute__((aligned(8)));

static NOINLINE void copy_bytes(u8 *to, const u8 *from, u64 length)
{
	if ((((u64)to | (u64)from) & 7) == 0) {
		for (; length >= 32; length -= 32, to += 32, from += 32) {
			const word *source = (const word *)from;
			word *target = (word *)to;
			u64 w0 = source[0], w1 = source[1], w2 = source[2], w3 = source[3];
			target[0] = w0;
			target[1] = w1;
			target[2] = w2;
			target[3] = w3;
		}
	}
	while (length--)
		*to++ = *from++;
}

static NOINLINE void fill_bytes(u8 *to, u8 value, u64 length)
{
	u64 pattern = value * 0x0101010101010101ul;
	for (; length > 0 && ((u64)to & 7); length--)
		*to++ = value;
	for (; length >= 8; length -= 8, to += 8)
		*(word *)to = pattern;
	while (length--)
		*to++ = value;
}

static NOINLINE u64 string_length(const u8 *string)
{
	const u8 *end = string;
	for (; (u64)end & 7; end++) {
		if (!*end)
			return (u64)(end - string);
	}
	/* A word without a zero byte (Warren, Hacker's Delight, 6-1). */
	for (;; end += 8) {
		u64 w = *(const word *)end;
		if ((w - 0x0101010101010101ul) & ~w & 0x8080808080808080ul)
			break;
	}
	while (*end)
		end++;
	return (u64)(end - string);
}

u64 run_kernel(void)
{
	u64 state = 17, checksum = 0;
	for (u32 i = 0; i < LENGTH; i++)
		text[i] = (u8)(next_random(&state) % 255 + 1);
	text[LENGTH] = 0;
	for (u32 round = 0; round < ROUNDS; round++) {
		/* Every fourth copy is not aligned. */
		u32 shift = round % 4 == 3;
		fill_bytes(copy, (u8)(round + 1), LENGTH / 2);
		u64 length = LENGTH - round % 1024;
		copy_bytes(copy + shift, text, length);
		copy[shift + length] = 0;
		checksum = fold(checksum, string_length(copy + shift));
		checksum = fold(checksum, copy[(round * 41) % LENGTH]);
		text[round * 7 % LENGTH] = (u8)(checksum | 1);
	}
	return checksum;
}
