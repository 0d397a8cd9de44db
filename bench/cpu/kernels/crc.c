/* Table look-up: CRC-32 (IEEE 802.3, reflected), a byte at a time. */

#include "../kernel.h"

#define LENGTH (1u << 20)
#define ROUNDS 640

static u32 table[256];
static u8 data[LENGTH];

static void fill_table(void)
{
	for (u32 i = 0; i < 256; i++) {
		u32 crc = i;
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
		table[i] = crc;
	}
}

static NOINLINE u32 crc32(const u8 *bytes, u64 length)
{
	u32 crc = ~0u;
	for (u64 i = 0; i < length; i++)
		crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

u64 run_kernel(void)
{
	u64 state = 7, checksum = 0;
	fill_table();
	for (u32 i = 0; i < LENGTH; i++)
		data[i] = (u8)next_random(&state);
	for (u32 round = 0; round < ROUNDS; round++) {
		checksum = fold(checksum, crc32(data, LENGTH));
		data[round] ^= 0xff;
	}
	return checksum;
}
