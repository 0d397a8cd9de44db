/* Messages to the user, in kvmtool's form: two spaces, severity, one line. */
#ifndef LKVM_LOG_H
#define LKVM_LOG_H

/* A progress line on standard output. */
void info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something the user should know; the run goes on. Standard error. */
void warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The run cannot go on: one line on standard error. Does not exit. */
void error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As error(), then exit code 1; what must be put right is done at exit. Not once VCPUs run. */
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
