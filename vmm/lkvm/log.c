#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"

/* The guest's console may hold unwritten bytes: they come first, or lines would mix. */
static void
say(FILE *stream, const char *severity, const char *format, va_list arguments)
{
  output_flush();
  fprintf(stream, "  %s: ", severity);
  vfprintf(stream, format, arguments);
  fputs(output_newline(), stream);
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
