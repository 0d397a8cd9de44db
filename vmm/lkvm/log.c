#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"

#define MESSAGE_BYTES 1024

/*
 * One write for the whole line, so that lines of several threads do not mix. The guest's console
 * may hold unwritten bytes: they come first.
 */
static void
say(FILE *stream, const char *severity, const char *format, va_list arguments)
{
  char message[MESSAGE_BYTES];
  int length = vsnprintf(message, sizeof message, format, arguments);
  output_flush();
  fprintf(stream, "  %s: %s%s", severity, length < 0 ? format : message, output_newline());
  fflush(stream);
}

void
info(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  say(stdout, "Info", format, arguments);
  va_end(arguments);
}

void
warning(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  say(stderr, "Warning", format, arguments);
  va_end(arguments);
}

void
error(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  say(stderr, "Error", format, arguments);
  va_end(arguments);
}

void
fatal(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  say(stderr, "Fatal", format, arguments);
  va_end(arguments);
  exit(1);
}
