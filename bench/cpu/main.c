/* Runs a kernel, prints its checksum over the UART, and powers off through the test finisher. */

#include "kernel.h"

#define UART ((volatile u8 *)0x10000000ul)
#define UART_THR 0
#define UART_LSR 5
#define UART_LSR_THRE 0x20

#define FINISHER (*(volatile u32 *)0x100000ul)
#define FINISHER_PASS 0x5555

static void put_char(char c)
{
	while (!(UART[UART_LSR] & UART_LSR_THRE))
		;
	UART[UART_THR] = (u8)c;
}

static void put_string(const char *s)
{
	while (*s)
		put_char(*s++);
}

static void put_hex(u64 value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		put_char("0123456789abcdef"[value >> shift & 15]);
}

int main(void)
{
	u64 checksum = run_kernel();
	put_string("checksum 0x");
	put_hex(checksum);
	put_string("\n");
	FINISHER = FINISHER_PASS;
	for (;;)
		;
}
