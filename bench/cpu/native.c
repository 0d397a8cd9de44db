/* Prints a kernel's checksum as this computer finds it: where the expected values come from. */

#include <stdio.h>

#include "kernel.h"

int main(void)
{
	printf("checksum 0x%016lx\n", run_kernel());
	return 0;
}
