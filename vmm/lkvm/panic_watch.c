#include "panic_watch.h"

#include <stdio.h>
#include <string.h>

static const char marker[] = "Kernel panic - not syncing: ";

static bool
examine_line(struct panic_watch *watch)
{
  watch->line[watch->length] = '\0';
  const char *found = strstr(watch->line, marker);
  if (watch->panicked || !found)
    return false;
  watch->panicked = true;
  snprintf(watch->reason, sizeof watch->reason, "%s", found + sizeof marker - 1);
  return true;
}

bool
panic_watch_byte(struct panic_watch *watch, char byte)
{
  if (byte == '\n') {
    bool news = examine_line(watch);
    watch->length = 0;
    return news;
  }
  /* Of an overlong line the beginning counts; a NUL or a carriage return is not part of it. */
  if (byte != '\0' && byte != '\r' && watch->length < sizeof watch->line - 1)
    watch->line[watch->length++] = byte;
  return false;
}
