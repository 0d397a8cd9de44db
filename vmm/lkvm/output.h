/*
 * The guest's console output on its way to standard output.
 *
 * A UART hands over one byte per VM exit; a write(2) for each would double the cost of the guest's
 * whole boot. Bytes are gathered here and leave at a newline, at 256 bytes, when the UART sees the
 * guest do something other than transmit, or when the timer says a byte has waited long enough.
 */
#ifndef LKVM_OUTPUT_H
#define LKVM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Creates the timer; returns the descriptor to poll, readable when output_timer() is due. */
int output_open(void);
void output_timer(void);
void output_write(const void *bytes, size_t count);
void output_flush(void);

/* In raw mode the terminal does not turn a newline into carriage return and newline. */
void output_set_raw(bool raw);
const char *output_newline(void);

#endif
